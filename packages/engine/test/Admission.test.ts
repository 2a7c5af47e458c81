/** Runs of one concurrency key, over one store, in one process and in several. */
import type { Flow, Limits as FlowLimits } from "@baton/kernel/Flow"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Coordinator } from "../src/Coordinator.ts"
import * as Engine from "../src/Engine.ts"
import { type Failpoint, Failpoints } from "../src/Failpoint.ts"
import * as Limits from "../src/MachineLimits.ts"
import { MachineLimits } from "../src/MachineLimits.ts"
import * as MemoryState from "../src/MemoryState.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { Plans } from "../src/Plans.ts"
import { isFinished, RunStore } from "../src/RunStore.ts"
import { Secrets, SecretsError } from "../src/Secrets.ts"
import { Sessions } from "../src/Sessions.ts"
import { StepTypes } from "../src/StepType.ts"
import { Sweeper } from "../src/Sweeper.ts"

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))

/** Steps end when they are told to, and are counted while they run. */
class Work {
  readonly begun: Array<string> = []
  most = 0
  #running = 0
  readonly #doors = new Map<string, Deferred.Deferred<void>>()

  door(run: string): Deferred.Deferred<void> {
    const door = this.#doors.get(run) ?? Deferred.makeUnsafe<void>()
    this.#doors.set(run, door)
    return door
  }

  let(run: string): Effect.Effect<boolean> {
    return Deferred.succeed(this.door(run), undefined)
  }

  readonly layer = Layer.succeed(
    StepTypes,
    new Map([["transform", {
      type: "transform",
      execute: ({ run }: { readonly run: string }) =>
        Effect.suspend(() => {
          this.begun.push(run)
          this.#running++
          this.most = Math.max(this.most, this.#running)
          return Deferred.await(this.door(run))
        }).pipe(
          Effect.ensuring(Effect.sync(() => this.#running--)),
          Effect.as({ output: null })
        )
    }]])
  )
}

const limits = { ...Limits.defaults, sweepEvery: Duration.millis(20), placesEvery: Duration.millis(10) }

/** One process over a store that outlives it; `close` ends it in order. */
const process = (
  state: Context.Context<MemoryState.MemoryState>,
  work: Work,
  reach?: (point: Failpoint) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const machine = Engine.layer({ adopt: false }).pipe(
      Layer.provide(work.layer),
      Layer.provide(Layer.succeed(Secrets, {
        reveal: () => noSecret,
        has: () => Effect.succeed(false),
        set: () => noSecret,
        list: () => Effect.succeed([]),
        remove: () => noSecret
      })),
      Layer.provide(Layer.succeed(MachineLimits, limits)),
      Layer.provide(reach === undefined ? Layer.empty : Layer.succeed(Failpoints, reach)),
      Layer.provideMerge(MemoryStore.layerOver),
      Layer.provide(Layer.succeedContext(state))
    )
    const services = yield* Layer.buildWithScope(Layer.fresh(machine), scope)
    return { services, close: Scope.close(scope, Exit.void) }
  })

type Machine = Effect.Success<ReturnType<typeof process>>["services"]
type Services = Machine extends Context.Context<infer R> ? R : never
const within = (services: Machine) => <A, E>(effect: Effect.Effect<A, E, Services>) => Effect.provide(effect, services)

const flow = (concurrency: FlowLimits["concurrency"]): Flow => ({
  name: "limited",
  version: "1.0.0",
  limits: concurrency === undefined ? {} : { concurrency },
  nodes: [{ id: "a", type: "transform", value: 1 }],
  edges: []
})
const one = flow({ key: "${ input.customer }", max: 1 })
const two = flow({ key: "${ input.customer }", max: 2 })
const refusing = flow({ key: "${ input.customer }", max: 1, whenFull: "refuse" })

const submit = Effect.fnUntraced(function*(run: string, flow: Flow, customer = "acme") {
  const coordinator = yield* Coordinator
  const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze("t", flow))
  const named = { name: plan.name, version: plan.version, hash }
  return yield* coordinator.submit({
    tenant: "t",
    run,
    plan,
    blobs: [],
    command: { type: "CreateRun", at: 0, run, flow: named, input: inline({ customer }) }
  })
})

const status = (run: string) =>
  Effect.map(Effect.flatMap(RunStore, (store) => store.find("t", run)), (row) => row?.status)

const until = <A, E, R>(look: Effect.Effect<A | undefined | false, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    look,
    (found) =>
      found === undefined || found === false ? Effect.andThen(Effect.sleep(2), until(look)) : Effect.succeed(found)
  )
const begins = (work: Work, run: string) => until(Effect.sync(() => work.begun.includes(run)))
const ended = (run: string) =>
  until(Effect.map(Effect.flatMap(RunStore, (store) => store.find("t", run)), (row) => row && isFinished(row)))
const places = Effect.flatMap(
  RunStore,
  (store) => store.places({ tenant: "t", flow: "limited", key: "acme", limit: 50 })
)
const cancel = (run: string) =>
  Effect.flatMap(Coordinator, (coordinator) => coordinator.command("t", run, { type: "CancelRun", at: 1 }))
const fresh = Layer.build(MemoryState.MemoryState.layer)

describe("runs of one key", () => {
  it.live("start in order of creation, as many at once as may, and the others when a place is free", () =>
    Effect.gen(function*() {
      const work = new Work()
      const { services } = yield* process(yield* fresh, work)
      yield* Effect.gen(function*() {
        for (const run of ["r1", "r2", "r3", "r4", "r5"]) assert.strictEqual((yield* submit(run, two)).kind, "accepted")
        yield* begins(work, "r2")
        assert.strictEqual(yield* status("r3"), "pending")
        for (const run of ["r1", "r2", "r3", "r4", "r5"]) {
          yield* begins(work, run)
          yield* work.let(run)
          yield* ended(run)
        }
        assert.deepStrictEqual([work.begun.join(" "), work.most], ["r1 r2 r3 r4 r5", 2])
        assert.deepStrictEqual(yield* places, { max: 0, held: 0, holders: [], waiting: [] })
      }).pipe(within(services))
    }).pipe(Effect.scoped))

  it.live("do not wait for those of another key", () =>
    Effect.gen(function*() {
      const work = new Work()
      const { services } = yield* process(yield* fresh, work)
      yield* Effect.gen(function*() {
        yield* submit("r1", one)
        yield* submit("r2", one)
        yield* submit("r3", one, "beta")
        yield* begins(work, "r3")
        assert.notInclude(work.begun, "r2")
      }).pipe(within(services))
    }).pipe(Effect.scoped))

  it.live("are refused where the flow says so, by a stable code that names who holds the place", () =>
    Effect.gen(function*() {
      const work = new Work()
      const { services } = yield* process(yield* fresh, work)
      yield* Effect.gen(function*() {
        assert.strictEqual((yield* submit("r1", refusing)).kind, "accepted")
        const refused = yield* submit("r2", refusing)
        assert.strictEqual(refused.kind === "refused" ? refused.code : "", "CONCURRENCY_FULL")
        assert.include(refused.kind === "refused" ? refused.message : "", "r1")
        assert.isUndefined(yield* status("r2"))
        yield* begins(work, "r1")
        yield* work.let("r1")
        yield* ended("r1")
        assert.strictEqual((yield* submit("r2", refusing)).kind, "accepted")
      }).pipe(within(services))
    }).pipe(Effect.scoped))

  it.live("leave the queue when they are cancelled, and pass on the place they hold", () =>
    Effect.gen(function*() {
      const work = new Work()
      const { services } = yield* process(yield* fresh, work)
      yield* Effect.gen(function*() {
        for (const run of ["r1", "r2", "r3"]) yield* submit(run, one)
        yield* begins(work, "r1")
        yield* cancel("r2")
        assert.strictEqual(yield* status("r2"), "cancelled")
        yield* cancel("r1")
        yield* begins(work, "r3")
        assert.deepStrictEqual(work.begun, ["r1", "r3"])
      }).pipe(within(services))
    }).pipe(Effect.scoped))

  it.live("of two processes that start at once never hold more places than there are", () =>
    Effect.gen(function*() {
      const work = new Work()
      const state = yield* fresh
      const [a, b] = yield* Effect.all([process(state, work), process(state, work)])
      const runs = Array.from({ length: 20 }, (_, index) => `r${index}`)
      const all = runs.map((run, index) => submit(run, two).pipe(within((index % 2 === 0 ? a : b).services)))
      yield* Effect.all(all, { concurrency: "unbounded" })
      yield* until(Effect.sync(() => work.begun.length === 2))
      yield* Effect.forEach(runs, (run) => work.let(run))
      yield* Effect.forEach(runs, (run) => ended(run).pipe(within(a.services)), { concurrency: "unbounded" })
      assert.strictEqual(work.most, 2)
      assert.strictEqual(new Set(work.begun).size, 20)
      assert.lengthOf(work.begun, 20)
    }).pipe(Effect.scoped))

  it.live("hold their place when their process dies, wait for who takes them over, and none is lost", () =>
    Effect.gen(function*() {
      const work = new Work()
      const state = yield* fresh
      const dying = yield* process(state, work)
      yield* Effect.gen(function*() {
        yield* submit("r1", one)
        yield* begins(work, "r1")
        yield* submit("r2", one)
      }).pipe(within(dying.services))
      const second = yield* process(state, work)
      yield* Effect.gen(function*() {
        yield* submit("r3", one)
        MemoryState.kill(Context.get(state, MemoryState.MemoryState), Context.get(dying.services, Sessions).id)
        assert.deepStrictEqual((yield* places).holders, ["r1"])
        yield* Effect.flatMap(Sweeper, (sweeper) => sweeper.adopt())
        for (const run of ["r1", "r2", "r3"]) {
          yield* work.let(run)
          yield* ended(run)
        }
        assert.deepStrictEqual(work.begun.slice(-2), ["r2", "r3"])
      }).pipe(within(second.services))
    }).pipe(Effect.scoped))

  it.live("pass over one that nobody could run, until somebody can", () =>
    Effect.gen(function*() {
      const work = new Work()
      const state = yield* fresh
      const dying = yield* process(state, work)
      const second = yield* process(state, work)
      yield* submit("r1", one).pipe(within(second.services))
      yield* submit("r2", one).pipe(within(dying.services))
      yield* Effect.gen(function*() {
        yield* submit("r3", one)
        yield* dying.close
        yield* work.let("r1")
        yield* begins(work, "r3")
        assert.deepStrictEqual((yield* places).waiting.map(({ run }) => run), ["r2"])
        yield* Effect.flatMap(Sweeper, (sweeper) => sweeper.adopt())
        yield* work.let("r3")
        yield* begins(work, "r2")
      }).pipe(within(second.services))
    }).pipe(Effect.scoped))
})
