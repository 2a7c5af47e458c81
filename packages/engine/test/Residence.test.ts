/** A process may own more runs than it keeps folded: those that rest are let go, and are as well as before. */
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
import * as Limits from "../src/MachineLimits.ts"
import { MachineLimits } from "../src/MachineLimits.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { RunStore } from "../src/RunStore.ts"
import { Secrets, SecretsError } from "../src/Secrets.ts"
import { StepTypes } from "../src/StepType.ts"

const news: Flow = { name: "news", nodes: [{ id: "a", type: "wait", event: "news" }], edges: [] }
const hour: Flow = { name: "hour", nodes: [{ id: "a", type: "wait", for: "1h" }], edges: [] }

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
const world = Layer.mergeAll(
  Layer.succeed(StepTypes, new Map()),
  Layer.succeed(Secrets, {
    reveal: () => noSecret,
    has: () => Effect.succeed(false),
    set: () => noSecret,
    list: () => Effect.succeed([]),
    remove: () => noSecret
  }),
  Layer.succeed(MachineLimits, { ...Limits.defaults, residentRunsMax: 1 })
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

describe("runs beyond the bound of folded states", () => {
  it.effect("are let go while they rest, and take events and hear their clocks all the same", () =>
    Effect.gen(function*() {
      const coordinator = yield* Coordinator
      const status = (run: string) =>
        Effect.flatMap(RunStore, (store) => Effect.map(store.find("t", run), (row) => row?.status))
      yield* Effect.forEach(["event_1", "event_2"], (run) => submit(run, news))
      yield* Effect.forEach(["hour_1", "hour_2"], (run) => submit(run, hour))
      yield* TestClock.adjust("6 seconds")
      const folded = [...coordinator.slots()].filter((slot) => slot.state !== undefined)
      assert.strictEqual(folded.length, 1)
      for (const run of ["event_1", "event_2"]) {
        const sent = yield* coordinator.command("t", run, {
          type: "SendEvent",
          at: 1,
          id: "1",
          name: "news",
          data: { v: 1 }
        })
        assert.strictEqual(sent.kind, "accepted")
        assert.strictEqual(yield* status(run), "succeeded")
      }
      yield* TestClock.adjust("1 hour")
      yield* coordinator.settled
      assert.deepStrictEqual([yield* status("hour_1"), yield* status("hour_2")], ["succeeded", "succeeded"])
    }).pipe(Effect.provide(machine)))
})
