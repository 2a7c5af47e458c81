/** The words of findings: how a quote is shown as a claim, and how a quote is found again in a stored text. */
import type { StoredUnit } from "./corpus/IndexFile.ts"
import { cells } from "./corpus/MarkdownScanner.ts"

/**
 * A quote as one line of Markdown: links keep their text, images and tags go, code spans stay. Nothing in a document can
 * open a heading, a list, an image or a tag in a report.
 */
export const shown = (text: string): string =>
  text
    .split(/(`[^`\n]{1,400}`)/)
    .map((part, at) => at % 2 === 1 ? part : bare(part))
    .join("")
    .replace(/\*\*/g, (mark, _, whole: string) => whole.split("**").length % 2 === 0 ? "" : mark)
    .replace(/\s+/g, " ")
    .replace(/^(?:#{1,6}|>+|[-*+]|\d+[.)])\s+/, "")
    .trim()

const bare = (text: string): string =>
  text
    .replace(/!\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)/g, "$1")
    .replace(/\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)/g, "$1")
    .replace(/\[([^\]\n]{0,500})\]\[[^\]\n]{0,200}\]/g, "$1")
    .replace(/<\/?[a-zA-Z!][^<>\n]{0,500}>/g, " ")
    .replace(/<(?=[a-zA-Z/!])/g, "&lt;")
    .replace(/!\[/g, "[")

/** The claim that a unit makes by itself. Code has a caption as its claim; its quote is shown as code. */
export const claimOf = (unit: StoredUnit): string => {
  const text = shown(unit.text)
  const topic = unit.headings[unit.headings.length - 1] ?? unit.title
  if (unit.kind === "code") return shown(unit.lead) || topic
  if (unit.kind === "row") return rowClaim(unit)
  if (unit.kind === "item") {
    const lead = shown(unit.lead)
    if (lead.endsWith(":")) return `${lead} ${text}`
    return text.split(" ").length < 5 ? `${topic}: ${text}` : text
  }
  return text
}

const rowClaim = (unit: StoredUnit): string => {
  const values = cells(unit.text)
  const names = unit.lead === "" ? [] : cells(unit.lead)
  const pairs = values.flatMap((value, at) => {
    if (!/[\p{L}\p{N}]{2}|\d/u.test(value)) return []
    const name = names[at]
    return [name === undefined || name === "" || at === 0 ? shown(value) : `${shown(name)}: ${shown(value)}`]
  })
  return pairs.join("; ")
}

/** White space single, typographic quotes and dashes plain, markup characters gone, lower case: what two spellings of a quote share. */
export const normalise = (text: string): string =>
  text
    .normalize("NFKC")
    .replace(/[‘’‚‛`]/g, "'")
    .replace(/[“”„‟]/g, "\"")
    .replace(/[‐‑‒–—―]/g, "-")
    .replace(/\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)/g, "$1")
    .replace(/[*_'\\]/g, "")
    .replace(/\s+/g, " ")
    .trim()
    .toLowerCase()

/** Whether a quote stands in a text, apart from white space, case and markup. A quote of fewer than three letters never does. */
export const contains = (text: string, quote: string): boolean => {
  const wanted = normalise(quote)
  return wanted.length >= 3 && normalise(text).includes(wanted)
}
