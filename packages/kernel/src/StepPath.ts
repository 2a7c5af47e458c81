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

/** Splits `research[3]` into its node and item; `undefined` when the text is no step path. */
export const parse = (path: string): Parsed | undefined => {
  const open = path.indexOf("[")
  if (open === -1) return idPattern.test(path) ? { node: path, index: undefined } : undefined
  const node = path.slice(0, open)
  const digits = path.slice(open + 1, -1)
  if (!path.endsWith("]") || !/^(0|[1-9][0-9]{0,8})$/.test(digits) || !idPattern.test(node)) return undefined
  return { node, index: Number(digits) }
}

export const item = (node: string, index: number): string => `${node}[${index}]`
