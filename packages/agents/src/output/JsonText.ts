/**
 * JSON found in what a model wrote: bare, in a code fence, or inside prose.
 *
 * Candidates are tried in that order, each as it stands and then with the two slips models make most (a comma before a
 * closing bracket, raw control characters in a string) mended. Work is bounded: {@link textLengthMax} characters,
 * {@link startsMax} opening brackets, {@link passesMax} passes.
 */
import type { Json } from "@baton/kernel/Value"

/** Characters of an answer that is searched for JSON; a longer one is refused. */
export const textLengthMax = 8 * 1024 * 1024
/** Opening brackets from which a balanced value is looked for. */
const startsMax = 64
/** Times a text is read on the look-out for closing brackets, all opening ones together. */
const passesMax = 4
/** Code fences that are looked into. */
const fencesMax = 8

export interface Found {
  readonly value: Json
  /** True when the text had to be mended before it parsed. */
  readonly mended: boolean
}

/** Every JSON value found, best candidate first; empty when there is none. */
export function* candidates(text: string): Generator<Found> {
  if (text.length > textLengthMax) return
  const whole = text.trim()
  const found = parse(whole)
  if (found !== undefined) {
    yield found
    return
  }
  for (const fenced of fences(whole)) {
    const inFence = parse(fenced.trim())
    if (inFence !== undefined) yield inFence
  }
  const pieces = balanced(whole).toSorted((a, b) => b.length - a.length)
  for (const piece of pieces) {
    const inProse = parse(piece)
    if (inProse !== undefined) yield inProse
  }
}

const parse = (text: string): Found | undefined => {
  const first = text[0]
  if (first === undefined) return undefined
  const exact = parseExact(text)
  if (exact !== undefined) return { value: exact, mended: false }
  if (first !== "{" && first !== "[") return undefined
  const mended = parseExact(mend(text))
  return mended === undefined ? undefined : { value: mended, mended: true }
}

const parseExact = (text: string): Json | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The insides of Markdown code fences. */
const fences = (text: string): ReadonlyArray<string> => {
  const insides: Array<string> = []
  let at = text.indexOf("```")
  while (at >= 0 && insides.length < fencesMax) {
    const lineEnd = text.indexOf("\n", at)
    const end = lineEnd < 0 ? -1 : text.indexOf("```", lineEnd)
    if (end < 0) break
    insides.push(text.slice(lineEnd + 1, end))
    at = text.indexOf("```", end + 3)
  }
  return insides
}

/** The outermost `{…}` and `[…]` of a text, strings inside them respected. */
const balanced = (text: string): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let starts = 0
  let work = 0
  for (let at = 0; at < text.length && starts < startsMax && work < text.length * passesMax; at++) {
    if (text[at] !== "{" && text[at] !== "[") continue
    starts++
    const end = closing(text, at)
    work += (end ?? text.length) - at
    if (end === undefined) continue
    pieces.push(text.slice(at, end + 1))
    at = end
  }
  return pieces
}

const closing = (text: string, start: number): number | undefined => {
  const open: Array<string> = []
  let inString = false
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (inString) {
      if (char === "\\") at++
      else if (char === "\"") inString = false
    } else if (char === "\"") inString = true
    else if (char === "{") open.push("}")
    else if (char === "[") open.push("]")
    else if (char === "}" || char === "]") {
      if (open.pop() !== char) return undefined
      if (open.length === 0) return at
    }
  }
  return undefined
}

/** Drops commas before closing brackets and escapes control characters inside strings. */
const mend = (text: string): string => {
  let mended = ""
  let copied = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === 0x5c) at++
      else if (code === 0x22) inString = false
      else if (code < 0x20) {
        mended += text.slice(copied, at) + `\\u${code.toString(16).padStart(4, "0")}`
        copied = at + 1
      }
    } else if (code === 0x22) inString = true
    else if (code === 0x2c && /^\s*[}\]]/.test(text.slice(at + 1, at + 64))) {
      mended += text.slice(copied, at)
      copied = at + 1
    }
  }
  return mended + text.slice(copied)
}
