/**
 * From a decision to the step behind it: milliseconds from the moment a decision is asked for until the next step's
 * function is called, embedded, in the run's own process, on a SQLite file with full durability and in memory. The target
 * is 5 ms. Run by hand: `node bench/approvals.ts [runs]`.
 */
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { Client } from "@baton/contract/Client"
import * as Local from "@baton/server/Local"
import { fromRecord } from "@baton/steps/FunctionHandlers"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"

const text = `name: gated
nodes:
  gate: { approval: "Go on with \${ input.n }?", input: "\${ input }", form: { type: object }, approvers: [ana, ben] }
  next: { needs: [gate.approved], function: next }
`

const begun = new Map<string, number>()

const handlers = Result.getOrThrow(fromRecord({
  next: (_, { run }) => {
    begun.set(run, performance.now())
    return null
  }
}))

const once = Effect.fnUntraced(function*(n: number) {
  const [client, approvals] = [yield* Client, yield* ApprovalsClient]
  const { id } = yield* client.start({ flow: { text, file: "gated.yaml" }, input: { n } })
  while ((yield* client.show(id)).status !== "waiting") yield* Effect.sleep(1)
  const asked = performance.now()
  yield* approvals.decide({ target: id, step: "gate" }, { decision: "approve", by: "ana", data: { n } })
  yield* Stream.runDrain(client.events(id, { after: 0, follow: true }))
  return (begun.get(id) ?? Number.NaN) - asked
})

const at = (sorted: ReadonlyArray<number>, share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2)

const measure = (name: string, data: string, runs: number) =>
  Effect.gen(function*() {
    const all: Array<number> = []
    // The first ones warm the program up.
    for (let n = 0; n < runs + 20; n++) all.push(yield* once(n))
    const sorted = all.slice(20).toSorted((a, b) => a - b)
    yield* Console.log(
      `${name}: best ${at(sorted, 0)} ms, median ${at(sorted, 0.5)} ms, p95 ${at(sorted, 0.95)} ms, p99 ${
        at(sorted, 0.99)
      } ms`
    )
  }).pipe(Effect.provide(Local.layer({ data, handlers, adopt: false, outputRoot: join(tmpdir(), "baton-output") })))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-bench-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const main = Effect.gen(function*() {
  const runs = Number(process.argv[2] ?? 300)
  yield* Console.log(`from a decision to the call of the next step, ${runs} runs each`)
  yield* measure("SQLite file", yield* folder, runs)
  yield* measure("in memory", ":memory:", runs)
})

await Effect.runPromise(Effect.scoped(main))
