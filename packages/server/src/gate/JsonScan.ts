/**
 * Looks through a JSON text before anything parses it: nesting, and escapes that stand for no character. A parser, and
 * what walks its value, would meet a bomb on the stack; a loop over the text meets it with a counter.
 */

export type Fault = "depth" | "nul" | "surrogate"

const quote = 0x22
const backslash = 0x5c
const letterU = 0x75

/** Value of four hexadecimal digits; NaN when they are not. The parser tells about those. */
const unit = (text: string, at: number): number =>
  /^[\da-fA-F]{4}$/.test(text.slice(at, at + 4)) ? Number.parseInt(text.slice(at, at + 4), 16) : Number.NaN

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff

/** Where reading goes on after the escape whose backslash is at `at`, or what is wrong with it. */
const escaped = (text: string, at: number): number | Fault => {
  if (text.charCodeAt(at + 1) !== letterU) return at + 2
  const code = unit(text, at + 2)
  if (code === 0) return "nul"
  if (isLow(code)) return "surrogate"
  if (!isHigh(code)) return at + 6
  const paired = text.startsWith("\\u", at + 6) && isLow(unit(text, at + 8))
  return paired ? at + 12 : "surrogate"
}

/** Position after the string that begins at `at`. */
const string = (text: string, at: number): number | Fault => {
  let position = at + 1
  while (position < text.length) {
    const code = text.charCodeAt(position)
    if (code === quote) return position + 1
    if (code !== backslash) position++
    else {
      const next = escaped(text, position)
      if (typeof next !== "number") return next
      position = next
    }
  }
  return position
}

/** The first fault; text that is no JSON is the parser's to refuse. */
export const fault = (text: string, depthMax: number): Fault | undefined => {
  let depth = 0
  let position = 0
  while (position < text.length) {
    const code = text.charCodeAt(position)
    if (code === quote) {
      const next = string(text, position)
      if (typeof next !== "number") return next
      position = next
      continue
    }
    if (code === 0x5b || code === 0x7b) {
      if (++depth > depthMax) return "depth"
    } else if (code === 0x5d || code === 0x7d) depth--
    position++
  }
  return undefined
}
