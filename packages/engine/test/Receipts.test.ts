/** Results that are used again, through the whole machine in memory. */
import * as Compile from "@baton/kernel/Compile"
import type * as Flow from "@baton/kernel/Flow"
import type { ReceiptNote } from "@baton/kernel/Receipt"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Coordinator } from "../src/Coordinator.ts"
import * as Engine from "../src/Engine.ts"
import { FlowStore } from "../src/FlowStore.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { ReceiptStore } from "../src/ReceiptStore.ts"
import * as RunLoader from "../src/RunLoader.ts"
import { RunStore } from "../src/RunStore.ts"
import { Secrets } from "../src/Secrets.ts"
import type { Determinants, StepType } from "../src/StepType.ts"
import { StepTypes } from "../src/StepType.ts"
import { secretsOf } from "../src/testing/AttemptHarness.ts"

/** What the functions of this file do, and how often they did it. */
class World {
  made = 0
  fails = false
  determined: Determinants = { version: "1" }

  readonly step = (type: string): StepType => ({
    type,
    determinants: () => Effect.sync(() => this.determined),
    execute: (context) =>
      Effect.flatMap(context.field("input"), (input) => {
        this.made++
        if (this.fails) {
          return Effect.fail({ code: "NO", kind: "internal" as const, message: "no", retryable: false })
        }
        return Effect.succeed({ output: { made: this.made, of: input, pad: "x".repeat(2_000) } })
      })
  })
}

let runs = 0

/** Decides about every answer of the node, in this order, once it waits for people; the run's state at its end. */
const decided = Effect.fnUntraced(function*(decisions: ReadonlyArray<string>) {
  const node = { id: "fetch", type: "function" as const, function: "f", input: 1, receipt: {}, checkpointAfter: true }
  const flow: Flow.Flow = { name: "looked-at", nodes: [node], edges: [] }
  const run = `run_${++runs}`
  const hash = yield* Effect.flatMap(FlowStore, (flows) => flows.freeze("t", flow))
  const plan = Result.getOrThrow(Compile.compile(flow))
  const coordinator = yield* Coordinator
  const command = {
    type: "CreateRun",
    at: 0,
    run,
    flow: { name: flow.name, version: "1", hash },
    input: inline(1)
  } as const
  yield* coordinator.submit({ tenant: "t", run, plan, blobs: [], command })
  const left = [...decisions]
  for (;;) {
    yield* TestClock.adjust("1 millis")
    const state = (yield* RunLoader.load(yield* RunStore, plan, "t", run))?.state
    if (state === undefined || state.finished !== undefined) return state
    const { wait } = state.nodes.get(0)
    if (wait?.kind !== "approval") continue
    const decision = left.shift() ?? "abort"
    const about = { path: "fetch", id: wait.id, hash: wait.hash, by: "ann", groups: [], decision }
    yield* coordinator.command("t", run, { type: "DecideApproval", at: 1, ...about })
  }
})

/** Runs a flow of one node to its end; what the node gave, and what it said about its receipt. */
const once = Effect.fnUntraced(function*(
  node: Partial<Extract<Flow.Node, { type: "function" }>>,
  input: Json,
  name = "brief"
) {
  const step = { id: "fetch", type: "function" as const, function: "f", input: "${ input }", receipt: {}, ...node }
  const flow: Flow.Flow = { name, nodes: [step], edges: [] }
  const run = `run_${++runs}`
  const hash = yield* Effect.flatMap(FlowStore, (flows) => flows.freeze("t", flow))
  const plan = Result.getOrThrow(Compile.compile(flow))
  yield* (yield* Coordinator).submit({
    tenant: "t",
    run,
    plan,
    blobs: [],
    command: { type: "CreateRun", at: 0, run, flow: { name, version: "1", hash }, input: inline(input) }
  })
  const store = yield* RunStore
  for (;;) {
    const loaded = yield* RunLoader.load(store, plan, "t", run)
    const at = loaded?.state.nodes.get(0)
    const receipts = yield* ReceiptStore
    if (loaded?.state.finished !== undefined && at !== undefined) {
      // The receipt is kept once the output is durable, a moment later.
      yield* TestClock.adjust("10 millis")
      return { run, receipt: at.receipt, output: at.output, stats: (yield* receipts.stats("t"))[0] }
    }
    yield* TestClock.adjust("1 millis")
  }
})

const kindOf = (note: ReceiptNote | undefined): string | undefined =>
  note?.kind === "miss" ? [note.why, ...(note.changed ?? [])].join(" ") : note?.kind

const test = (
  title: string,
  body: (world: World) => Effect.Effect<void, unknown, Coordinator | FlowStore | RunStore | ReceiptStore>
) =>
  it.effect(title, () =>
    Effect.suspend(() => {
      const world = new World()
      const steps = Layer.succeed(StepTypes, new Map([["function", world.step("function")]]))
      const machine = Engine.layer({ adopt: false }).pipe(
        Layer.provide(steps),
        Layer.provide(Layer.succeed(Secrets, secretsOf({}, ""))),
        Layer.provideMerge(MemoryStore.layer)
      )
      return body(world).pipe(Effect.provide(machine))
    }))

describe("a step that asks for receipts", () => {
  test("runs once for one input, over any number of runs, and says whose result it has", (world) =>
    Effect.gen(function*() {
      const first = yield* once({}, { n: 1 })
      assert.strictEqual(kindOf(first.receipt), "first")
      const second = yield* once({}, { n: 1 })
      assert.deepInclude(second.receipt, { kind: "hit", run: first.run, path: "fetch" })
      assert.deepStrictEqual(second.output, first.output)
      assert.strictEqual(world.made, 1)
      assert.deepInclude(second.stats, { entries: 1, hits: 1, misses: 1 })
    }))

  test("whose answers people decide about runs whenever they ask for another one, and leaves nothing", (world) =>
    Effect.gen(function*() {
      const state = yield* decided(["retry", "retry", "abort"])
      assert.strictEqual(state?.finished?.status, "failed")
      assert.strictEqual(world.made, 3)
      yield* decided(["continue"])
      assert.strictEqual(world.made, 4)
      assert.deepStrictEqual(yield* (yield* ReceiptStore).stats("t"), [])
    }))

  test("runs again when anything that determines its result has changed, and says what", (world) =>
    Effect.gen(function*() {
      const why = (node: Parameters<typeof once>[0], input: Json, name?: string) =>
        Effect.map(once(node, input, name), ({ receipt }) => kindOf(receipt))
      yield* once({}, 1)
      assert.strictEqual(yield* why({}, 2), "changed input")
      assert.strictEqual(yield* why({ function: "g" }, 2), "changed definition")
      world.determined = { version: "2" }
      assert.strictEqual(yield* why({ function: "g" }, 2), "changed version")
      world.determined = { version: "2", model: "m", prompt: "p", tools: ["t"] }
      assert.strictEqual(yield* why({ function: "g" }, 2), "changed model prompt tools")
      assert.strictEqual(yield* why({ function: "g" }, 2, "other"), "first", "another flow has receipts of its own")
      assert.strictEqual(yield* why({ function: "g", id: "write" }, 2), "first", "and so has another node")
      assert.strictEqual(yield* why({ function: "g", timeout: "9s", retry: { attempts: 2 } }, 2), "hit")
    }))

  test("trusts a result as long as it says: ten minutes unless it says otherwise, never with 0s", (world) =>
    Effect.gen(function*() {
      const after = (wait: Duration.Input, node = {}) =>
        Effect.andThen(TestClock.adjust(wait), Effect.map(once(node, 1), ({ receipt }) => kindOf(receipt)))
      yield* once({}, 1)
      assert.strictEqual(yield* after("9 minutes"), "hit")
      assert.strictEqual(yield* after("2 minutes"), "expired")
      assert.strictEqual(
        yield* after("1 minute", { receipt: { ttl: "30s" } }),
        "expired",
        "the reader's own time counts"
      )
      assert.isUndefined(yield* after("1 minute", { receipt: { ttl: "0s" } }))
      assert.strictEqual(world.made, 4)
    }))

  test("keeps nothing of a failure", (world) =>
    Effect.gen(function*() {
      world.fails = true
      yield* once({}, 1)
      world.fails = false
      assert.strictEqual(kindOf((yield* once({}, 1)).receipt), "first")
      assert.strictEqual(world.made, 2)
    }))

  test("has none where nobody can say what its result depends on, or its tools do more than its node says", (world) =>
    Effect.gen(function*() {
      for (
        const determined of [{ unversioned: "no version" }, { effect: "keyed" }, { effect: "irreversible" }] as const
      ) {
        world.determined = determined
        assert.strictEqual((yield* once({}, 1)).receipt?.kind, "none")
        assert.strictEqual((yield* once({}, 1)).receipt?.kind, "none")
      }
      assert.strictEqual(world.made, 6)
    }))

  test("K3: no effect that is keyed or irreversible is ever served from a receipt, whatever is kept", (world) =>
    Effect.gen(function*() {
      yield* once({}, 1)
      for (const effect of ["keyed", "irreversible"] as const) {
        assert.isUndefined((yield* once({ effect }, 1)).receipt)
      }
      assert.strictEqual(world.made, 3)
      assert.strictEqual(kindOf((yield* once({ effect: "pure" }, 1)).receipt), "hit")
    }))
})
