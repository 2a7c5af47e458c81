/** Finished runs go when they are old, in small steps; what is not finished, or not old, stays; and nothing stops it. */
import * as Compile from "@baton/kernel/Compile"
import type { Flow } from "@baton/kernel/Flow"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Coordinator } from "../src/Coordinator.ts"
import * as Engine from "../src/Engine.ts"
import { FlowStore } from "../src/FlowStore.ts"
import { IdempotencyStore } from "../src/IdempotencyStore.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import * as Retention from "../src/Retention.ts"
import { RunStore, RunStoreError } from "../src/RunStore.ts"
import { Secrets, SecretsError } from "../src/Secrets.ts"
import { StepTypes } from "../src/StepType.ts"

const second: Flow = { name: "second", nodes: [{ id: "a", type: "wait", for: "1s" }], edges: [] }
const year: Flow = { name: "year", nodes: [{ id: "a", type: "wait", for: "365d" }], edges: [] }

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
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

/** Keys that are swept away, by when. */
const keysOf = (sweeps: Array<number>, left: { keys: number }) =>
  Layer.succeed(IdempotencyStore, {
    reserve: () => Effect.die("nobody reserves"),
    settle: () => Effect.void,
    release: () => Effect.void,
    sweep: (now, keysMax) =>
      Effect.sync(() => {
        sweeps.push(now)
        left.keys = Math.max(0, left.keys - keysMax)
        return left.keys > 0
      })
  })

const machine = Engine.layer({ adopt: false }).pipe(Layer.provide(world), Layer.provideMerge(MemoryStore.layer))

const submit = Effect.fnUntraced(function*(tenant: string, run: string, flow: Flow) {
  const coordinator = yield* Coordinator
  const hash = yield* Effect.flatMap(FlowStore, (flows) => flows.freeze(tenant, flow))
  const plan = Result.getOrThrow(Compile.compile(flow))
  yield* coordinator.submit({
    tenant,
    run,
    plan,
    blobs: [],
    command: {
      type: "CreateRun",
      at: 0,
      run,
      flow: { name: plan.name, version: plan.version, hash },
      input: { v: null }
    }
  })
})

const there = (tenant: string, runs: ReadonlyArray<string>) =>
  Effect.flatMap(RunStore, (store) => Effect.filter(runs, (run) => Effect.map(store.find(tenant, run), Boolean)))

const minutes = (count: number) => Duration.toMillis(Duration.minutes(count))

/** A sweep, and the time that its pauses take. */
const swept = Effect.fnUntraced(function*(before: number) {
  const sweeping = yield* Effect.forkChild(Retention.sweep(before))
  yield* TestClock.adjust("1 second")
  return yield* Fiber.join(sweeping)
})

describe("a sweep", () => {
  it.effect("removes what ended before a time, of every tenant, and nothing that ended later or goes on", () =>
    Effect.gen(function*() {
      yield* submit("a", "old_a", second)
      yield* submit("b", "old_b", second)
      yield* submit("a", "open", year)
      yield* TestClock.adjust("10 minutes")
      yield* submit("a", "young", second)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* swept(1_000), 0)
      assert.strictEqual(yield* Retention.due("a", minutes(5)), 1)
      assert.strictEqual(yield* swept(minutes(5)), 2)
      assert.deepStrictEqual(yield* there("a", ["old_a", "open", "young"]), ["open", "young"])
      assert.deepStrictEqual(yield* there("b", ["old_b"]), [])
      assert.strictEqual(yield* swept(minutes(5)), 0)
    }).pipe(Effect.provide(machine)))

  it.effect("takes small steps, tenant after tenant, with pauses in which others may commit", () =>
    Effect.gen(function*() {
      for (const tenant of ["a", "b"]) {
        for (let n = 0; n < 5; n++) yield* submit(tenant, `${tenant}${n}`, second)
      }
      yield* TestClock.adjust("10 seconds")
      const store = yield* RunStore
      const steps: Array<string> = []
      const watched = RunStore.of({
        ...store,
        removeAll: (tenant, runs) => {
          steps.push(`${tenant} ${runs.length}`)
          return store.removeAll(tenant, runs)
        }
      })
      const pace = { every: Duration.minutes(1), rowsMax: 2, runsMax: 3, togetherMax: 2, pause: Duration.seconds(1) }
      const sweeping = yield* Retention.sweep(minutes(1)).pipe(
        Effect.provideService(RunStore, watched),
        Effect.provideService(Retention.RetentionPace, pace),
        Effect.forkChild
      )
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(steps, ["a 2"])
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(steps, ["a 2", "a 1", "b 2", "b 1", "a 2", "b 2"])
      assert.strictEqual(sweeping.pollUnsafe()?._tag, "Success")
    }).pipe(Effect.provide(machine)))
})

describe("a process that retains", () => {
  it.effect("looks every minute, goes on after a failure, and takes old keys away whatever runs are kept", () => {
    const sweeps: Array<number> = []
    const left = { keys: 600 }
    return Effect.gen(function*() {
      yield* submit("a", "old", second)
      const store = yield* RunStore
      let isBroken = true
      const breaking = RunStore.of({
        ...store,
        aged: (query) =>
          isBroken
            ? Effect.fail(new RunStoreError({ reason: "unavailable", message: "not now" }))
            : store.aged(query)
      })
      yield* Effect.provideService(Retention.start(Duration.minutes(5)), RunStore, breaking)
      yield* TestClock.adjust("6 minutes")
      assert.deepStrictEqual(yield* there("a", ["old"]), ["old"])
      assert.strictEqual(left.keys, 0)
      isBroken = false
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* there("a", ["old"]), [])
      const before = sweeps.length
      yield* TestClock.adjust("3 minutes")
      assert.isAtLeast(sweeps.length, before + 3)
    }).pipe(Effect.scoped, Effect.provide(machine), Effect.provide(keysOf(sweeps, left)))
  })

  it.effect("that keeps runs for ever takes old keys away all the same", () => {
    const sweeps: Array<number> = []
    return Effect.gen(function*() {
      yield* submit("a", "old", second)
      yield* Retention.start(undefined)
      yield* TestClock.adjust("2 minutes")
      assert.isAtLeast(sweeps.length, 2)
      assert.deepStrictEqual(yield* there("a", ["old"]), ["old"])
    }).pipe(Effect.scoped, Effect.provide(machine), Effect.provide(keysOf(sweeps, { keys: 0 })))
  })
})
