/**
 * `node test/faults/Record.ts`: records histories with the rules of this version, a few runs that show every kind of event
 * at least once. Done once for each number of the semantics; what has been released is never recorded again.
 */
import { semantics } from "@baton/kernel/Event"
import { mkdirSync, writeFileSync } from "node:fs"
import * as FlowWorld from "../../packages/kernel/test/random/FlowWorld.ts"
import * as MixedWorld from "../../packages/kernel/test/random/MixedWorld.ts"
import { RandomRun } from "../../packages/kernel/test/random/RandomRun.ts"
import type { History, Turn } from "./History.ts"
import { ending, folder } from "./History.ts"

/** Worlds that are looked at. */
const worlds = 400

const record = (seed: number): History => {
  const turns: Array<Turn> = []
  const world = seed % 2 === 0 ? FlowWorld.make(seed) : MixedWorld.make(seed)
  const run = new RandomRun(world, seed, { harmless: 0.1, harmful: 0.15 }, ({ command, decision }) => {
    if (decision.kind === "events" && decision.events.length > 0) turns.push({ command, events: decision.events })
  }).run()
  return { semantics, flow: world.flow, turns, end: ending(run.state) }
}

const kinds = ({ turns }: History): ReadonlySet<string> =>
  new Set(turns.flatMap(({ command, events }) => [command.type, ...events.map((event) => event.type)]))

const left = Array.from({ length: worlds }, (_, index) => ({ seed: index + 1, history: record(index + 1) }))
const shown = new Set<string>()
mkdirSync(folder, { recursive: true })
for (;;) {
  const news = left.map(({ history }) => [...kinds(history)].filter((kind) => !shown.has(kind)).length)
  const most = Math.max(...news)
  const best = left[news.indexOf(most)]
  if (best === undefined || most === 0) break
  for (const kind of kinds(best.history)) shown.add(kind)
  const name = `semantics-${semantics}-world-${best.seed}.json`
  writeFileSync(new URL(name, folder), `${JSON.stringify(best.history)}\n`)
  console.log(`${name}: ${best.history.turns.length} turns, ${most} new kinds`)
}
console.log([...shown].sort().join(" "))
