/**
 * Finding text in text in linear time. The host's search is quick for short needles, but for long ones it may compare the
 * whole needle at every position: minutes for texts of a few megabytes. Those are searched with the needle's own borders
 * (Knuth, Morris and Pratt 1977). Offsets are UTF-16 units.
 */

/** Longest needle, in UTF-16 units, that the host's search takes without comparing it again and again. */
const nativeMax = 200

/** The first offset at or after `from`, or -1. */
export const indexOf = (text: string, needle: string, from = 0): number =>
  needle.length <= nativeMax ? text.indexOf(needle, from) : search(text, needle, from, false)

/** The last offset, or -1. */
export const lastIndexOf = (text: string, needle: string): number =>
  needle.length <= 1 ? text.lastIndexOf(needle) : search(text, needle, 0, true)

/** The parts between separators, at most `partsMax` and one; an empty separator splits into characters. */
export const split = (text: string, separator: string, partsMax: number): ReadonlyArray<string> => {
  if (separator === "") return text.length <= partsMax * 2 ? Array.from(text) : Array.from(text.slice(0, partsMax * 2))
  const parts: Array<string> = []
  let from = 0
  for (let at = indexOf(text, separator); at !== -1 && parts.length < partsMax; at = indexOf(text, separator, from)) {
    parts.push(text.slice(from, at))
    from = at + separator.length
  }
  parts.push(text.slice(from))
  return parts
}

const search = (text: string, needle: string, from: number, last: boolean): number => {
  const borders = bordersOf(needle)
  let found = -1
  let matched = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    while (matched > 0 && needle.charCodeAt(matched) !== code) matched = borders[matched - 1] ?? 0
    if (needle.charCodeAt(matched) === code) matched++
    if (matched < needle.length) continue
    found = at - needle.length + 1
    if (!last) return found
    matched = borders[matched - 1] ?? 0
  }
  return found
}

/** For each prefix of the needle, how much of it is also its end. */
const bordersOf = (needle: string): Int32Array => {
  const borders = new Int32Array(needle.length)
  let matched = 0
  for (let at = 1; at < needle.length; at++) {
    const code = needle.charCodeAt(at)
    while (matched > 0 && needle.charCodeAt(matched) !== code) matched = borders[matched - 1] ?? 0
    if (needle.charCodeAt(matched) === code) matched++
    borders[at] = matched
  }
  return borders
}

const hasPairs = (text: string): boolean => /[\ud800-\udfff]/.test(text)

/** How many characters (code points) the text has. */
export const size = (text: string): number => {
  if (!hasPairs(text)) return text.length
  let count = 0
  for (const _ of text) count++
  return count
}

/** Part of a text by positions of characters; never cuts one in two. */
export const substring = (text: string, start: number, end: number): string =>
  hasPairs(text) ? Array.from(text).slice(start, end).join("") : text.slice(start, end)
