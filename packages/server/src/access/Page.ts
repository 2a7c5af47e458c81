/** Pages for people: escaped, without scripts of others, in no frame, and telling nobody where they were. */
import { randomBytes } from "node:crypto"

/** Names the scripts and styles of one answer. */
export const nonce = (): string => randomBytes(18).toString("base64")

export interface Sources {
  readonly script?: string
  readonly style?: string
  readonly image?: string
  readonly font?: string
  readonly connect?: string
  /** Where its forms may be sent. */
  readonly form?: string
}

/** What an answer with a page says; whatever is not named is closed (CSP Level 3). */
export const headers = (sources: Sources): { readonly [name: string]: string } => ({
  "content-security-policy": [
    "default-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action ${sources.form ?? "'none'"}`,
    ...(["script", "style", "font", "connect"] as const).flatMap((kind) => {
      const source = sources[kind]
      return source === undefined ? [] : [`${kind}-src ${source}`]
    }),
    ...(sources.image === undefined ? [] : [`img-src ${sources.image}`])
  ].join("; "),
  // A form that is sent must say where it is from, and only to this server.
  "referrer-policy": "same-origin",
  "cache-control": "no-store"
})

const entities: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!)

/**
 * Characters that are not seen, or that change the order of what is seen: bidirectional controls, zero-width characters,
 * other controls and tags. Line feeds and tabs are left alone.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** Text as HTML in which nothing hides: `U+202E` in a box instead of the character. */
export const visible = (text: string): string => {
  let html = ""
  let at = 0
  for (const match of text.matchAll(hidden)) {
    const character = match[0]
    if (character === "\n" || character === "\t") continue
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")
    html += `${
      escape(text.slice(at, match.index))
    }<span class="hidden" title="a character that is not seen">U+${code}</span>`
    at = match.index + character.length
  }
  return html + escape(text.slice(at))
}
