/** Chance from a seed: the same seed gives the same numbers on every machine (mulberry32). */

const mixed = (seed: number): number => {
  let state = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  state = (state + Math.imul(state ^ (state >>> 7), 61 | state)) ^ state
  return ((state ^ (state >>> 14)) >>> 0) / 4294967296
}

export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    return mixed(this.#state)
  }

  /** A whole number of `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  is(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(list: ReadonlyArray<A>): A {
    const found = list[Math.floor(this.next() * list.length)]
    if (list.length === 0) throw new RangeError("nothing to pick from")
    return found as A
  }
}

/** A fraction in [0, 1) that depends on the text only: chance that does not depend on the order of questions. */
export const fractionOf = (text: string): number => {
  let hash = 2166136261
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16777619)
  return mixed(hash)
}
