/**
 * Where a list has kept the objects of an earlier one. A patch touches few places: both lists are walked side by side past
 * what was put in, taken out or replaced, and only what such a walk leaves over is looked up.
 */

export interface Alignment {
  /** By place in the later list: the place of the very same object in the earlier one, or -1. */
  readonly before: Int32Array
  /** By place in the earlier list: the place in the later one, or -1. */
  readonly after: Int32Array
}

/** No object is twice in a list. */
export const align = (earlier: ReadonlyArray<unknown>, later: ReadonlyArray<unknown>): Alignment => {
  const before = new Int32Array(later.length).fill(-1)
  const after = new Int32Array(earlier.length).fill(-1)
  const found = walk(earlier, later, before, after)
  if (found < Math.min(earlier.length, later.length)) search(earlier, later, before, after)
  return { before, after }
}

/** Pairs what stands side by side; the answer is how many pairs there are. */
const walk = (
  earlier: ReadonlyArray<unknown>,
  later: ReadonlyArray<unknown>,
  before: Int32Array,
  after: Int32Array
): number => {
  let found = 0
  let one = 0
  let other = 0
  while (one < earlier.length && other < later.length) {
    if (earlier[one] === later[other]) {
      before[other] = one
      after[one] = other
      found++
      one++
      other++
    } else if (earlier[one + 1] === later[other]) one++
    else if (earlier[one] === later[other + 1]) other++
    else if (earlier[one + 1] === later[other + 1]) {
      one++
      other++
    } else break
  }
  return found
}

/** Looks up what has no pair yet. */
const search = (
  earlier: ReadonlyArray<unknown>,
  later: ReadonlyArray<unknown>,
  before: Int32Array,
  after: Int32Array
): void => {
  const places = new Map<unknown, number>()
  for (const [index, item] of earlier.entries()) if (after[index] === -1) places.set(item, index)
  for (const [index, item] of later.entries()) {
    const place = before[index] === -1 ? places.get(item) : undefined
    if (place === undefined) continue
    places.delete(item)
    before[index] = place
    after[place] = index
  }
}
