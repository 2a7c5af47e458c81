/** The sweeper's standing check: what stands still is counted, told to the run, and failed where its flow says so. */
import * as Compile from "@baton/kernel/Compile"
import type { Flow } from "@baton/kernel/Flow"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Coordinator } from "../src/Coordinator.ts"
import * as Engine from "../src/Engine.ts"
import { FlowStore } from "../src/FlowStore.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { RunStore } from "../src/RunStore.ts"
import { Secrets, SecretsError } from "../src/Secrets.ts"
import { StepTypes } from "../src/StepType.ts"
import { Sweeper } from "../src/Sweeper.ts"

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
/** No step type is served: what is offered stays offered. */
const world = Layer.mergeAll(
  Layer.succeed(StepTypes, new Map()),
  Layer.succeed(Secrets, {
    reveal: () => noSecret,
    has: () => Effect.succeed(false),
    set: () => noSecret,
    list: () => Effect.succeed([]),
    remove: () => noSecret
  })
)
const machine = Engine.layer({ adopt: false }).pipe(Layer.provide(world), Layer.provideMerge(MemoryStore.layer))

const submit = Effect.fnUntraced(function*(run: string, flow: Flow) {
  const coordinator = yield* Coordinator
  const hash = yield* Effect.flatMap(FlowStore, (flows) => flows.freeze("t", flow))
  const plan = Result.getOrThrow(Compile.compile(flow))
  const named = { name: plan.name, version: plan.version, hash }
  yield* coordinator.submit({
    tenant: "t",
    run,
    plan,
    blobs: [],
    command: { type: "CreateRun", at: 0, run, flow: named, input: { v: null } }
  })
})

const work: Flow = { name: "work", nodes: [{ id: "a", type: "transform", value: 1 }], edges: [] }
const row = (run: string) => Effect.flatMap(RunStore, (store) => store.find("t", run))

describe("the standing check", () => {
  it.effect("flags what nobody has begun for five minutes, in lists too, and leaves alone what waits", () =>
    Effect.gen(function*() {
      const sweeper = yield* Sweeper
      yield* submit("stuck", work)
      yield* submit("waits", { name: "waits", nodes: [{ id: "a", type: "wait", event: "go" }], edges: [] })
      yield* TestClock.adjust("4 minutes")
      assert.deepStrictEqual(sweeper.standing(), { unfinished: 2, withoutReason: 0, withoutProgress: 0 })
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(sweeper.standing(), { unfinished: 2, withoutReason: 0, withoutProgress: 1 })
      assert.deepInclude(yield* row("stuck"), { status: "running", code: "RUN_STALLED" })
      assert.strictEqual((yield* row("waits"))?.code, undefined)
      yield* TestClock.adjust("1 hour")
      const records = yield* Effect.flatMap(RunStore, (store) => store.records("t", "stuck", 0, 100))
      const told = records.filter(({ bytes }) => Buffer.from(bytes).toString().includes("RunStalled"))
      assert.strictEqual(told.length, 1)
    }).pipe(Effect.provide(machine)))

  it.effect("fails a run whose flow says so", () =>
    Effect.gen(function*() {
      yield* submit("fails", { ...work, limits: { stall: "30s" }, policy: { stall: "fail" } })
      yield* TestClock.adjust("40 seconds")
      assert.deepInclude(yield* row("fails"), { status: "failed", code: "RUN_STALLED" })
    }).pipe(Effect.provide(machine)))
})
