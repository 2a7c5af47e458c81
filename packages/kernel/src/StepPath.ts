/**
 * Step paths: the address of a step in a run, `id("[" n "]")*`, as in `research[3]` (SEMANTICS 8.7a).
 * `/` (a child run) and `#k` (an attempt) are for display only and never part of a stored path.
 */

/** An id: a letter, then letters, digits, `_`, `-`; at most 64 characters. */
export const idPattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/u

export interface Parsed {
  readonly node: string
  readonly index: number | undefined
}

const zero = 48
const indexDigitsMax = 9

/** The number between the brackets, without signs, blanks or leading zeros; `undefined` when it is none. */
const indexAt = (path: string, from: number, to: number): number | undefined => {
  if (to <= from || to - from > indexDigitsMax || (path.charCodeAt(from) === zero && to - from > 1)) return undefined
  let index = 0
  for (let at = from; at < to; at++) {
    const digit = path.charCodeAt(at) - zero
    if (digit < 0 || digit > 9) return undefined
    index = index * 10 + digit
  }
  return index
}

/**
 * Splits `research[3]` into its node and item; `undefined` when the text is no step path. Every event about an item is
 * looked up by this: no regular expressions.
 */
export const parse = (path: string): Parsed | undefined => {
  const open = path.indexOf("[")
  if (open === -1) return idPattern.test(path) ? { node: path, index: undefined } : undefined
  if (!path.endsWith("]")) return undefined
  const index = indexAt(path, open + 1, path.length - 1)
  return index === undefined ? undefined : { node: path.slice(0, open), index }
}

export const item = (node: string, index: number): string => `${node}[${index}]`
