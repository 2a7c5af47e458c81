/**
 * A small program on the SQLite store that may kill itself: starts or takes over some runs, writes down what its steps do,
 * and ends when all runs have. Arguments as JSON: see {@link Order}.
 */
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import type { Failpoint } from "@baton/engine/Failpoint"
import { Failpoints } from "@baton/engine/Failpoint"
import * as MachineLimits from "@baton/engine/MachineLimits"
import { Plans } from "@baton/engine/Plans"
import { isFinished, RunStore } from "@baton/engine/RunStore"
import { StepTypes } from "@baton/engine/StepType"
import type { NewBlob } from "@baton/engine/StoredValue"
import * as StoredValue from "@baton/engine/StoredValue"
import { type FunctionContext, FunctionHandlers } from "@baton/steps/FunctionHandlers"
import * as FunctionStep from "@baton/steps/FunctionStep"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { appendFileSync } from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import { flow, input, tenant } from "./Workload.ts"

export interface Order {
  readonly data: string
  /** What happens is appended here, a line each: `begin PID AT RUN PATH ATTEMPT`, `ack PID AT RUN`, `reached PID AT POINT`. */
  readonly log: string
  readonly runs: ReadonlyArray<string>
  /** The process kills itself when it reaches this place for the n-th time. */
  readonly kill?: { readonly point: Failpoint; readonly n: number }
}

const order: Order = JSON.parse(process.argv[2] ?? "null")

const say = (...words: ReadonlyArray<string | number>): void => appendFileSync(order.log, `${words.join(" ")}\n`)

const counts = new Map<Failpoint, number>()

const reach = (point: Failpoint): Effect.Effect<void> =>
  Effect.sync(() => {
    const n = (counts.get(point) ?? 0) + 1
    counts.set(point, n)
    if (n === 1) say("reached", process.pid, Date.now(), point)
    if (order.kill?.point === point && order.kill.n === n) process.kill(process.pid, "SIGKILL")
  })

const begin = (context: FunctionContext): void =>
  say("begin", process.pid, Date.now(), context.run, context.path, context.attempt)

const handlers = {
  work: async (value: unknown, context: FunctionContext) => {
    begin(context)
    await pause(5)
    return { value, pad: "x".repeat(1_200) }
  },
  flaky: async (_: unknown, context: FunctionContext) => {
    begin(context)
    await pause(2)
    if (context.attempt === 1) throw new Error("not yet")
    return "done"
  }
}

const limits: MachineLimits.MachineLimits = {
  ...MachineLimits.defaults,
  sweepEvery: Duration.millis(100)
}

const layer = Engine.layer({ adopt: true }).pipe(
  Layer.provide(
    Layer.effect(StepTypes, Effect.map(FunctionStep.make, (step) => new Map([[step.type, step]]))).pipe(
      Layer.provide(FunctionHandlers.layer({ handlers: new Map(Object.entries(handlers)), version: undefined }))
    )
  ),
  Layer.provideMerge(SqliteStore.layer({ data: order.data }))
)

const start = Effect.fnUntraced(function*(run: string) {
  const store = yield* RunStore
  if ((yield* store.find(tenant, run)) !== undefined) return
  const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze(tenant, flow))
  yield* reach("flow.after-freeze-before-create")
  const blobs: Array<NewBlob> = []
  const settled = yield* (yield* Coordinator).submit({
    tenant,
    run,
    plan,
    blobs,
    command: {
      type: "CreateRun",
      at: Date.now(),
      run,
      flow: { name: plan.name, version: plan.version, hash },
      input: StoredValue.store(input, blobs)
    }
  })
  if (settled.kind === "accepted") say("ack", process.pid, Date.now(), run)
})

const ended = Effect.fnUntraced(function*(run: string) {
  const store = yield* RunStore
  for (;;) {
    const row = yield* store.find(tenant, run)
    if (row !== undefined && isFinished(row)) return
    yield* Effect.sleep(10)
  }
})

const main = Effect.gen(function*() {
  yield* Effect.forEach(order.runs, start, { concurrency: "unbounded", discard: true })
  yield* Effect.forEach(order.runs, ended, { concurrency: "unbounded", discard: true })
})

await Effect.runPromise(
  main.pipe(
    Effect.provide(layer),
    Effect.provideService(Failpoints, reach),
    Effect.provideService(MachineLimits.MachineLimits, limits)
  )
)
