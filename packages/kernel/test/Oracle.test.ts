/** The machine against an interpreter that was written apart from it and reads the document alone. */
import { assert, describe, it } from "vitest"
import * as Comparison from "./random/Comparison.ts"
import * as FlowWorld from "./random/FlowWorld.ts"
import { RandomRun } from "./random/RandomRun.ts"

const worlds = 1_500

const complaintsOf = (seed: number, harmless: number): Comparison.Compared => {
  const world = FlowWorld.make(seed)
  const run = new RandomRun(world, seed, { harmless, harmful: 0 }).run()
  return Comparison.compare(world, run.state)
}

describe("random flows end as the oracle says", () => {
  for (
    const [name, harmless] of [["in a random order", 0], ["with repeated, stale and early commands", 0.3]] as const
  ) {
    it(name, () => {
      let exact = 0
      for (let seed = 1; seed <= worlds; seed++) {
        const compared = complaintsOf(seed, harmless)
        if (compared.exact) exact++
        assert.deepStrictEqual(compared.complaints, [], `seed ${seed}`)
      }
      // The oracle must not talk itself out of most of them.
      assert.isAbove(exact, worlds / 2)
    }, 60_000)
  }
})
