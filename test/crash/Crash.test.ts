/** Real processes on a real file, killed at every named place and at any moment. `main.ts` does more of it. */
import { afterAll, assert, describe, it } from "vitest"
import { Chance } from "../../packages/kernel/test/random/Chance.ts"
import * as Scenario from "./Scenario.ts"

const reached = new Set<string>()

/** Two at a time: most of a life is the start of a process. */
const check = async (scenarios: ReadonlyArray<ReadonlyArray<Scenario.Kill>>): Promise<void> => {
  const left = scenarios.map((kills) => kills)
  const complaints: Array<string> = []
  const worker = async (): Promise<void> => {
    for (let kills = left.shift(); kills !== undefined; kills = left.shift()) {
      const found = await Scenario.run(kills)
      for (const point of found.reached) reached.add(point)
      for (const complaint of found.complaints) complaints.push(`${complaint}, after ${JSON.stringify(kills)}`)
    }
  }
  await Promise.all([worker(), worker()])
  assert.deepStrictEqual(complaints, [])
}

describe("a process that is killed loses nothing that was acknowledged, and counts nothing twice", () => {
  it("at every named place", () => check(Scenario.points.map((point) => Scenario.towards(point, 1))), 120_000)

  it("at any moment", () => {
    const chance = new Chance(1)
    const kills = (): Scenario.Kill =>
      chance.is(0.5)
        ? { afterMs: chance.int(400, 1_200) }
        : { point: chance.pick(Scenario.points), n: chance.int(2, 6) }
    // The third loss of one attempt is taken for its fault: two deaths a life.
    return check(Array.from({ length: 3 }, () => [kills(), kills()]))
  }, 120_000)

  afterAll(() => {
    const never = Scenario.points.filter((point) => !reached.has(point))
    if (never.length > 0) console.log(`never reached: ${never.join(", ")}`)
  })
})
