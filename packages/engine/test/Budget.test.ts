/** Money in the machine: attempts that draw, steps that are sent back and go on, children that ask their parents. */
import * as Amount from "@baton/kernel/Amounts"
import type { Command } from "@baton/kernel/Command"
import type { Flow, Node } from "@baton/kernel/Flow"
import type { Terms } from "@baton/kernel/Ledger"
import type { StepError } from "@baton/kernel/StepError"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Coordinator } from "../src/Coordinator.ts"
import * as Engine from "../src/Engine.ts"
import * as Limits from "../src/MachineLimits.ts"
import { MachineLimits } from "../src/MachineLimits.ts"
import * as MemoryState from "../src/MemoryState.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { Plans } from "../src/Plans.ts"
import { CurrentPurse } from "../src/Purse.ts"
import { isFinished, RunStore } from "../src/RunStore.ts"
import { Secrets, SecretsError } from "../src/Secrets.ts"
import { type StepType, StepTypes } from "../src/StepType.ts"

/** What the first turn sets aside at these prices: 2.048 cents. */
const rates = { asOf: "2026-01-01", models: { m: { input: 1_000, output: 3_000 } }, agents: {}, defaultModel: "m" }
const turnNano = 8_192 * 1_000 + 4_096 * 3_000

/** Asks for a turn of as many input tokens as its instructions say; uses a tenth of what a usual one may. */
const agent: StepType = {
  type: "agent",
  execute: (context) =>
    Effect.gen(function*() {
      const purse = yield* CurrentPurse
      const { definition } = context.work
      const asked = "agent" in definition && typeof definition.agent === "object" && "instructions" in definition.agent
        ? Number(definition.agent.instructions)
        : 0
      const drawn = purse === undefined
        ? { outputTokens: 0 }
        : yield* purse.draw({ model: "m", inputTokens: asked, outputTokens: undefined })
      const usage = { calls: 1, inputTokens: 1_000, outputTokens: 200, costUsd: 0.0016, model: "m" }
      purse?.spent(usage)
      return { output: { attempt: context.attempt, outputTokens: drawn.outputTokens }, usage }
    }).pipe(
      Effect.mapError((error): StepError => ({
        code: error.code ?? "AGENT",
        kind: "policy",
        message: error.message,
        retryable: false,
        sent: false
      }))
    )
}

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
const machine = Layer.fresh(Engine.layer({ adopt: false })).pipe(
  Layer.provide(Layer.mergeAll(
    Layer.succeed(StepTypes, new Map([["agent", agent]])),
    Layer.succeed(Secrets, {
      reveal: () => noSecret,
      has: () => Effect.succeed(false),
      set: () => noSecret,
      list: () => Effect.succeed([]),
      remove: () => noSecret
    }),
    Layer.succeed(MachineLimits, { ...Limits.defaults, sweepEvery: Duration.millis(20) })
  )),
  Layer.provideMerge(MemoryStore.layer),
  Layer.provide(Layer.fresh(MemoryState.MemoryState.layer))
)

const asks = (id: string, inputTokens: number, more: object = {}): Node =>
  ({ id, type: "agent", agent: { instructions: String(inputTokens), model: "m" }, ...more }) as never

const flow = (
  nodes: ReadonlyArray<Node>,
  edges: ReadonlyArray<readonly [string, string]> = [],
  name = "paid"
): Flow => ({
  name,
  version: "1.0.0",
  nodes,
  edges: edges.map(([from, to]) => ({ from, to }))
})

const submit = Effect.fnUntraced(function*(flow: Flow, budget: Amount.Amounts) {
  const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze("t", flow))
  const ledger: Terms = { budget, rates }
  yield* Effect.flatMap(Coordinator, (coordinator) =>
    coordinator.submit({
      tenant: "t",
      run: "run",
      plan,
      blobs: [],
      command: {
        type: "CreateRun",
        at: 0,
        run: "run",
        flow: { name: plan.name, version: plan.version, hash },
        input: inline({}),
        ledger
      }
    }))
})

const until = <A, E, R>(look: Effect.Effect<A | undefined, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    look,
    (found) => found === undefined ? Effect.andThen(Effect.sleep(2), until(look)) : Effect.succeed(found)
  )

const state = (run = "run") =>
  Effect.flatMap(Coordinator, (coordinator) => Effect.map(coordinator.peek("t", run), (seen) => seen?.state))
const command = (command: Command) => Effect.flatMap(Coordinator, (all) => all.command("t", "run", command))
const events = Effect.flatMap(RunStore, (store) => store.records("t", "run", 0, 1_000)).pipe(
  Effect.map((records) =>
    records.flatMap(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)) as ReadonlyArray<{ type: string }>)
  )
)
const ended = until(Effect.map(
  Effect.flatMap(RunStore, (store) => store.find("t", "run")),
  (found) => found !== undefined && isFinished(found) ? found : undefined
))
const short = until(
  Effect.map(state(), (seen) => seen !== undefined && (seen.ledger?.waiters.size ?? 0) > 0 ? seen : undefined)
)

const test = <A, E>(title: string, body: () => Effect.Effect<A, E, Coordinator | Plans | RunStore>) =>
  it.live(title, () => Effect.provide(Effect.suspend(body), machine), 30_000)

describe("Budgets in the machine", () => {
  test("a turn that fits what was set aside asks for nothing; the model is told the cap", () =>
    Effect.gen(function*() {
      yield* submit(flow([asks("a", 8_192)]), { nanoUsd: turnNano })
      assert.strictEqual((yield* ended).status, "succeeded")
      const found = yield* events
      assert.notInclude(found.map(({ type }) => type), "TurnReserved")
      assert.include(JSON.stringify(found), "\"outputTokens\":4096")
    }))

  test("a longer prompt sets more aside before it is sent", () =>
    Effect.gen(function*() {
      yield* submit(flow([asks("a", 20_000)]), { nanoUsd: turnNano * 2 })
      assert.strictEqual((yield* ended).status, "succeeded")
      const reserved = (yield* events).find(({ type }) => type === "TurnReserved")
      assert.deepInclude(reserved as object, { path: "a", attempt: 1, reserved: { nanoUsd: (20_000 - 8_192) * 1_000 } })
    }))

  test("a turn that cannot be set aside sends its step back; a raise lets the same attempt go on", () =>
    Effect.gen(function*() {
      yield* submit(flow([asks("a", 50_000), asks("b", 100)]), { nanoUsd: turnNano * 2 })
      const waiting = yield* short
      assert.strictEqual(waiting.nodes.get(0).status, "waiting")
      const raised = yield* command({ type: "RaiseBudget", at: 1, add: { nanoUsd: 50_000_000 }, by: "ana" })
      assert.strictEqual(raised.kind, "accepted")
      assert.strictEqual((yield* ended).status, "succeeded")
      const found = JSON.stringify(yield* events)
      assert.include(found, "\"path\":\"a\",\"attempt\":1,\"output\":{\"v\":{\"attempt\":1")
      assert.notInclude(found, "OverrunRecorded")
    }))

  test("a budget of the step itself keeps its answer short, and refuses what it cannot hold", () =>
    Effect.gen(function*() {
      const nodes = [
        asks("small", 1_000, { budget: { usd: 0.004 } }),
        asks("none", 5_000, { budget: { usd: 0.004 }, onFailure: "continue" })
      ]
      yield* submit(flow(nodes), {})
      assert.strictEqual((yield* ended).status, "warned")
      const found = JSON.stringify(yield* events)
      assert.include(found, "\"outputTokens\":1000")
      assert.include(found, "STEP_BUDGET")
    }))

  test("a child draws on its allotment, asks its parent when that is used up, and returns the rest", () =>
    Effect.gen(function*() {
      const child = flow([asks("one", 8_192), asks("two", 8_192), asks("three", 8_192)], [["one", "two"], [
        "two",
        "three"
      ]], "child")
      const { hash } = yield* Effect.flatMap(Plans, (plans) => plans.freeze("t", child))
      const call = { name: "child", version: "1.0.0", hash }
      const node = { id: "call", type: "flow", flow: call, budget: { usd: turnNano / 1e9 } } as never
      yield* submit(flow([node]), { nanoUsd: turnNano * 2 })
      assert.strictEqual((yield* ended).status, "succeeded")
      const found = yield* events
      assert.strictEqual(found.filter(({ type }) => type === "AllotmentGranted").length, 2)
      const ending = JSON.stringify(found.find(({ type }) => type === "StepSucceeded"))
      assert.include(ending, `"spent":{"nanoUsd":${3 * 1_600_000},`)
      assert.notInclude(JSON.stringify(found), "OverrunRecorded")
    }))

  test("a child that its parent cannot help waits; more for the parent lets it go on", () =>
    Effect.gen(function*() {
      const child = flow([asks("one", 8_192)], [], "child")
      const { hash } = yield* Effect.flatMap(Plans, (plans) => plans.freeze("t", child))
      const node = { id: "call", type: "flow", flow: { name: "child", version: "1.0.0", hash } } as never
      yield* submit(flow([node]), { nanoUsd: turnNano / 2 })
      const started = yield* until(Effect.map(state(), (seen) => {
        const wait = seen?.nodes.get(0).wait
        return wait?.kind === "child" ? wait.run : undefined
      }))
      yield* until(Effect.map(state(started), (seen) => (seen?.ledger?.waiters.size ?? 0) > 0 ? seen : undefined))
      yield* command({ type: "RaiseBudget", at: 1, add: { nanoUsd: turnNano } })
      assert.strictEqual((yield* ended).status, "succeeded")
    }))

  test("a run in the middle asks its own parent for what its child lacks", () =>
    Effect.gen(function*() {
      const freeze = (flow: Flow) => Effect.flatMap(Plans, (plans) => plans.freeze("t", flow))
      const called = (name: string, hash: string) =>
        ({ id: "call", type: "flow", flow: { name, version: "1.0.0", hash }, budget: { usd: turnNano / 2e9 } }) as never
      const low = yield* freeze(flow([asks("one", 8_192)], [], "low"))
      const middle = yield* freeze(flow([called("low", low.hash)], [], "middle"))
      yield* submit(flow([called("middle", middle.hash)]), { nanoUsd: turnNano })
      assert.strictEqual((yield* ended).status, "succeeded")
      const ending = JSON.stringify((yield* events).find(({ type }) => type === "StepSucceeded"))
      assert.include(ending, "\"spent\":{\"nanoUsd\":1600000,")
    }))
})
