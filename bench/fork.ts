/**
 * What a fork costs: a run of many steps in a store on disk, forked with one definition changed, from asking for it to the
 * new run being durable. Run by hand: `node bench/fork.ts [steps] [forks]`.
 */
import { Client } from "@baton/contract/Client"
import { OperatorClient } from "@baton/contract/OperatorClient"
import * as Local from "@baton/server/Local"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"

const [steps = 10_000, forks = 5] = process.argv.slice(2).map(Number)

/** Chains of ten; `last` is what the last step of the first chain says. */
const flow = (last: string): string => {
  const nodes = Array.from({ length: steps }, (_, n) => ({
    id: `n${n}`,
    type: "transform",
    value: n === 9 ? last : n
  }))
  const edges = nodes.flatMap((_, n) => n % 10 === 0 ? [] : [{ from: `n${n - 1}`, to: `n${n}` }])
  return JSON.stringify({ name: "wide", limits: { steps: steps + 1, parallel: 1000 }, nodes, edges, output: "done" })
}

/** Milliseconds; a busy machine distorts the time of the processor less. */
interface Cost {
  readonly wall: number
  readonly processor: number
}

const text = (costs: ReadonlyArray<Cost>): string =>
  `${Math.round(median(costs.map(({ wall }) => wall)))} ms (${
    Math.round(median(costs.map(({ processor }) => processor)))
  } ms of processor)`

const median = (list: ReadonlyArray<number>): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0

const program = Effect.gen(function*() {
  const client = yield* Client
  const operators = yield* OperatorClient
  const source = yield* client.start({ flow: { text: flow("first"), file: "wide.json" }, input: {} })
  yield* Stream.runDrain(client.events(source.id, { after: 0, follow: true }))
  const same: Array<Cost> = []
  const changed: Array<Cost> = []
  for (let n = 0; n < forks; n++) {
    for (const list of [same, changed]) {
      const cpu = process.cpuUsage()
      const startedAt = performance.now()
      const made = yield* operators.fork({
        run: source.id,
        ...(list === same ? {} : { flow: { text: flow(`again ${n}`), file: "wide.json" } })
      })
      const { system, user } = process.cpuUsage(cpu)
      list.push({ wall: performance.now() - startedAt, processor: (system + user) / 1000 })
      const expected = list === same ? 0 : 1
      if (made.running.length !== expected) yield* Effect.die(new Error(`${made.running.length} steps ran again`))
    }
  }
  yield* Console.log(
    `fork of ${steps} steps: ${text(same)} as it is; ${text(changed)} with one definition changed, ` +
      "its flow read, checked and stored"
  )
})

const folder = mkdtempSync(join(tmpdir(), "baton-fork-"))
await Effect.runPromise(program.pipe(
  Effect.provide(Local.layer({ data: folder, handlers: undefined, adopt: false, outputRoot: join(folder, "output") })),
  Effect.scoped,
  Effect.ensuring(Effect.sync(() => rmSync(folder, { recursive: true, force: true })))
))
