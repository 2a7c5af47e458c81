/** Runs that start runs, over one store and across the death of processes. */
import type { Command } from "@baton/kernel/Command"
import type { Flow, Node } from "@baton/kernel/Flow"
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
import { type StepType, StepTypes } from "../src/StepType.ts"
import { Sweeper } from "../src/Sweeper.ts"

const transform: StepType = {
  type: "transform",
  execute: (context) => Effect.map(context.field("value"), (output) => ({ output }))
}

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
const world = Layer.mergeAll(
  Layer.succeed(StepTypes, new Map([["transform", transform]])),
  Layer.succeed(Secrets, {
    reveal: () => noSecret,
    has: () => Effect.succeed(false),
    set: () => noSecret,
    list: () => Effect.succeed([]),
    remove: () => noSecret
  }),
  Layer.succeed(MachineLimits, { ...Limits.defaults, sweepEvery: Duration.millis(20) })
)

type Reach = (point: Failpoint) => Effect.Effect<void>

/** One process over a store that outlives it; `close` ends it in order. */
const process = (state: Context.Context<MemoryState.MemoryState>, reach?: Reach) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const machine = Engine.layer({ adopt: false }).pipe(
      Layer.provide(world),
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

const value = (id: string, value: string): Node => ({ id, type: "transform", value })
const call = (flow: object, more: object = {}): Node => ({ id: "call", type: "flow", flow, ...more } as never)
const flow = (name: string, nodes: ReadonlyArray<Node>, more: Partial<Flow> = {}): Flow => ({
  name,
  version: "1.0.0",
  nodes,
  edges: [],
  ...more
})

const pin = (flow: Flow) =>
  Effect.flatMap(Plans, (plans) => plans.freeze("t", flow)).pipe(
    Effect.map(({ hash }) => ({ name: flow.name, version: flow.version ?? "", hash }))
  )

const submit = Effect.fnUntraced(function*(run: string, flow: Flow, input: object = {}) {
  const coordinator = yield* Coordinator
  const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze("t", flow))
  yield* coordinator.submit({
    tenant: "t",
    run,
    plan,
    blobs: [],
    command: {
      type: "CreateRun",
      at: 0,
      run,
      flow: { name: plan.name, version: plan.version, hash },
      input: inline(input as never)
    }
  })
})

const rows = Effect.flatMap(RunStore, (store) => store.list({ tenant: "t", limit: 100 }))
const row = (run: string) => Effect.flatMap(RunStore, (store) => store.find("t", run))

const until = <A, E, R>(look: Effect.Effect<A | undefined, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    look,
    (found) => found === undefined ? Effect.andThen(Effect.sleep(2), until(look)) : Effect.succeed(found)
  )

const ended = (run: string) =>
  until(Effect.map(row(run), (found) => found !== undefined && isFinished(found) ? found : undefined))

const childOf = (run: string) => until(Effect.map(rows, (all) => all.find((one) => one.parent?.run === run)))

const ask = (run: string, command: Command) =>
  Effect.flatMap(Coordinator, (coordinator) => coordinator.command("t", run, command))

const shared = Layer.build(MemoryState.MemoryState.layer)

const alone = <A, E>(test: Effect.Effect<A, E, Services>) =>
  Effect.scoped(Effect.gen(function*() {
    const { close, services } = yield* process(yield* shared)
    yield* Effect.ensuring(within(services)(test), close)
  }))

const sum = flow("sum", [value("add", "${ input.a + input.b }")], {
  input: { type: "object", required: ["a"], properties: { a: { type: "number" }, b: { type: "number" } } },
  output: "${ nodes.add.output }"
})

describe("a run that calls a flow", () => {
  it.live("K4 waits for its child, whose output is the step's; parent and depth are in the store", () =>
    alone(Effect.gen(function*() {
      const inner = yield* pin(sum)
      const middle = yield* pin(
        flow("middle", [call(inner, { input: { a: "${ input.n }", b: 1 } })], { output: "${ nodes.call.output }" })
      )
      yield* submit("top", flow("top", [call(middle, { input: { n: 4 } })], { output: "${ nodes.call.output }" }))
      const top = yield* ended("top")
      assert.strictEqual(top.status, "succeeded", top.reason)
      const all = yield* rows
      assert.deepStrictEqual(all.map(({ flow, parent }) => [flow, parent?.depth]).sort(), [
        ["middle", 1],
        ["sum", 2],
        ["top", undefined]
      ])
      assert.isTrue(all.every(({ status }) => status === "succeeded"))
    })))

  it.live("refuses an input that does not fit, and a flow that is gone, before a run is made", () =>
    alone(Effect.gen(function*() {
      const inner = yield* pin(sum)
      yield* submit("misfit", flow("misfit", [call(inner, { input: { a: "many" } })]))
      assert.strictEqual((yield* ended("misfit")).code, "INPUT_INVALID")
      yield* submit("gone", flow("gone", [call({ ...inner, hash: `sha256:${"0".repeat(64)}` })]))
      assert.strictEqual((yield* ended("gone")).code, "FLOW_MISSING")
      assert.strictEqual((yield* rows).length, 2)
    })))

  it.live("checks and selects what the child gives", () =>
    alone(Effect.gen(function*() {
      const inner = yield* pin(sum)
      const input = { a: 1, b: 2 }
      yield* submit("odd", flow("odd", [call(inner, { input, output: { type: "string" } })]))
      assert.strictEqual((yield* ended("odd")).code, "OUTPUT_INVALID")
      const chosen = flow("chosen", [call(inner, { input, select: { twice: "${ output * 2 }" } })], {
        output: "${ nodes.call.output.twice == 6 ? 'yes' : nodes.call.output.missing.deeper }"
      })
      yield* submit("chosen", chosen)
      assert.strictEqual((yield* ended("chosen")).status, "succeeded")
    })))

  it.live("a map keeps as many children under way as it may and gathers what they give", () =>
    alone(Effect.gen(function*() {
      const inner = yield* pin(sum)
      const each = { type: "flow", flow: inner, input: { a: "${ item }", b: "${ index }" } }
      const over = Array.from({ length: 30 }, (_, index) => index)
      yield* submit(
        "many",
        flow("many", [{ id: "all", type: "map", over, parallel: 4, each } as never], {
          output: "${ nodes.all.output.items[29] == 58.0 && nodes.all.output.succeeded == 30 }"
        })
      )
      assert.strictEqual((yield* ended("many")).status, "succeeded")
      assert.strictEqual((yield* rows).length, 31)
    })))
})

const held = flow("held", [{ id: "hold", type: "wait", event: "go" }])

describe("what a parent is told reaches its children", () => {
  it.live("K11 a cancel, and a child that is cancelled fails its step", () =>
    alone(Effect.gen(function*() {
      const inner = yield* pin(held)
      const middle = yield* pin(flow("middle", [call(inner)]))
      yield* submit("top", flow("top", [call(middle)]))
      const child = yield* childOf("top")
      yield* childOf(child.run)
      yield* ask("top", { type: "CancelRun", at: 1 })
      assert.strictEqual((yield* ended("top")).status, "cancelled")
      assert.isTrue((yield* rows).every(({ status }) => status === "cancelled"))
      yield* submit("other", flow("other", [call(inner)]))
      yield* ask((yield* childOf("other")).run, { type: "CancelRun", at: 1 })
      assert.strictEqual((yield* ended("other")).code, "CHILD_CANCELLED")
    })))

  it.live("a pause and its end; a pause of the child's own stays", () =>
    alone(Effect.gen(function*() {
      const inner = yield* pin(held)
      yield* submit("top", flow("top", [call(inner)]))
      const child = (yield* childOf("top")).run
      const paused = (wanted: boolean) =>
        until(Effect.map(row(child), (found) => found?.paused === wanted ? true : undefined))
      yield* ask("top", { type: "PauseRun", at: 1 })
      yield* paused(true)
      const refused = yield* ask(child, { type: "ResumeRun", at: 1 })
      assert.strictEqual(refused.kind === "refused" ? refused.code : "", "PARENT_PAUSED")
      yield* ask("top", { type: "ResumeRun", at: 1 })
      yield* paused(false)
      yield* ask(child, { type: "PauseRun", at: 1 })
      yield* Effect.sleep(60)
      yield* paused(true)
      yield* ask(child, { type: "SendEvent", at: 1, id: "1", name: "go", data: inline(null) })
      assert.strictEqual((yield* ended("top")).status, "succeeded")
    })))

  it.live("a timeout stops the child, then fails the step", () =>
    alone(Effect.gen(function*() {
      const inner = yield* pin(held)
      yield* submit("top", flow("top", [call(inner, { timeout: "20ms" })]))
      assert.strictEqual((yield* ended("top")).code, "CHILD_TIMEOUT")
      assert.strictEqual((yield* childOf("top")).status, "cancelled")
    })))
})

/** The process stops dead when it comes to `point` for the `n`-th time: nothing of it happens any more. */
const dyingAt = (point: Failpoint, n: number) =>
  Effect.gen(function*() {
    const dead = yield* Deferred.make<void>()
    let left = n
    const reach: Reach = (reached) =>
      Effect.suspend(() => {
        if (reached === point && left > 0 && --left === 0) Deferred.doneUnsafe(dead, Effect.void)
        return left === 0 ? Effect.never : Effect.void
      })
    return { dead, reach }
  })

const points: ReadonlyArray<readonly [Failpoint, number]> = [
  ["child.before-create", 1],
  ["child.after-create", 1],
  ["child.before-end", 1],
  ["coordinator.before-commit", 2],
  ["coordinator.after-commit-before-reply", 1],
  ["coordinator.after-commit-before-reply", 2],
  ["coordinator.after-commit-before-reply", 3],
  ["coordinator.after-reply-before-offer", 3]
]

describe("a process dies between the commits of a parent and its child", () => {
  for (const [point, n] of points) {
    it.live(`${point}, time ${n}: whoever adopts the parent ends both, each once`, () =>
      Effect.scoped(Effect.gen(function*() {
        const state = yield* shared
        const { dead, reach } = yield* dyingAt(point, n)
        const first = yield* process(state, reach)
        const session = Context.get(first.services, Sessions).id
        yield* within(first.services)(Effect.gen(function*() {
          const inner = yield* pin(sum)
          yield* Effect.forkChild(submit("top", flow("top", [call(inner, { input: { a: 1, b: 2 } })])))
          yield* Deferred.await(dead)
        }))
        MemoryState.kill(Context.get(state, MemoryState.MemoryState), session)
        const second = yield* process(state)
        yield* Effect.ensuring(
          within(second.services)(Effect.gen(function*() {
            const sweeper = yield* Sweeper
            assert.isDefined(yield* row("top"))
            yield* sweeper.adopt({ tenant: "t", run: "top" })
            assert.strictEqual((yield* ended("top")).status, "succeeded")
            const all = yield* rows
            assert.strictEqual(all.length, 2)
            assert.isTrue(all.every(({ status }) => status === "succeeded"))
          })),
          second.close
        )
      })))
  }
})
