/**
 * Worlds with receipts, conversations, patches of agents, retries and forks, stalls and dead letters, against small models of
 * what is promised of each. See `main.ts` for more seeds.
 */
import { assert, describe, it } from "vitest"
import { simulate } from "./Simulation.ts"
import { isRich } from "./World.ts"

/** Seeds, of which some two in five are rich. */
const from = 20_001
const seeds = 400

const rare = [
  "letter: opened",
  "letter: reprocessed as another run",
  "lineage: a step is reused",
  "lineage: an irreversible step is guarded",
  "lineage: fork",
  "lineage: retry",
  "patch: an agent's is applied",
  "patch: an agent's is in review",
  "receipt: hit in another run",
  "stall: fail",
  "stall: flag",
  "turn: asked behind others that are recorded"
]

describe("the engine in rich worlds", () => {
  it("agrees with every model, and comes to everything that is rare", () => {
    const reached = new Set<string>()
    for (let seed = from; seed < from + seeds; seed++) {
      if (!isRich(seed)) continue
      const report = simulate(seed)
      assert.lengthOf(report.complaints, 0, `${report.complaints.join("; ")}; npm run simulate -- --seed ${seed}`)
      for (const what of report.reached.keys()) reached.add(what)
    }
    assert.deepStrictEqual(rare.filter((what) => !reached.has(what)), [])
  }, 180_000)
})
