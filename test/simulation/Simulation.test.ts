/** The whole engine over a thousand seeds: crashes, stops, freezes, lost offers, failing stores. See `main.ts` for more. */
import { assert, describe, it } from "vitest"
import { simulate } from "./Simulation.ts"

const seeds = 1_000
/** Seeds of one test, so that progress shows. */
const part = 250

const again = (seed: number): string => `npm run simulate -- --seed ${seed}`

describe("the engine in simulated worlds", () => {
  for (let from = 1; from <= seeds; from += part) {
    it(`keeps its promises, seeds ${from} to ${from + part - 1}`, () => {
      for (let seed = from; seed < from + part; seed++) {
        assert.deepStrictEqual(simulate(seed).complaints, [], again(seed))
      }
    }, 120_000)
  }

  it("runs the same seed the same way", () => {
    for (const seed of [11, 222, 3_333]) {
      const [one, other] = [simulate(seed), simulate(seed)]
      assert.deepStrictEqual([...one.journals], [...other.journals])
      assert.deepStrictEqual(one.notes, other.notes)
      assert.strictEqual(one.steps, other.steps)
    }
  })
})
