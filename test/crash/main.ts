/** `npm run crash -- --scenarios N --from S`: random lives of runs, one a line; a list of the places never reached. */
import { parseArgs } from "node:util"
import { Chance } from "../../packages/kernel/test/random/Chance.ts"
import * as Scenario from "./Scenario.ts"

const { values } = parseArgs({ options: { scenarios: { type: "string" }, from: { type: "string" } } })

const drawn = (seed: number): ReadonlyArray<Scenario.Kill> => {
  const chance = new Chance(seed)
  const kill = (): Scenario.Kill =>
    chance.is(0.3) ? { afterMs: chance.int(300, 1_500) } : { point: chance.pick(Scenario.points), n: chance.int(1, 12) }
  return Array.from({ length: chance.int(1, 2) }, kill)
}

const reached = new Set<string>()
const from = Number(values.from ?? 1)
const count = Number(values.scenarios ?? 100)
let [deaths, failed] = [0, 0]
for (let seed = from; seed < from + count; seed++) {
  const kills = drawn(seed)
  const found = await Scenario.run(kills)
  deaths += found.deaths
  for (const point of found.reached) reached.add(point)
  if (found.complaints.length > 0) failed++
  for (const complaint of found.complaints) console.log(`${complaint}, seed ${seed}: ${JSON.stringify(kills)}`)
}
console.log(`${count} scenarios, ${deaths} deaths, ${failed} failed`)
const never = Scenario.points.filter((point) => !reached.has(point))
if (never.length > 0) console.log(`never reached: ${never.join(", ")}`)
process.exitCode = failed === 0 ? 0 : 1
