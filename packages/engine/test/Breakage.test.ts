/** One run that breaks something keeps no other from going on, and nobody who asks waits for ever. */
import * as Compile from "@baton/kernel/Compile"
import type { Flow } from "@baton/kernel/Flow"
import { assert, describe, it } from "@effect/vitest"
import * as Array from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { BlobStore, BlobStoreError } from "../src/BlobStore.ts"
import { Coordinator } from "../src/Coordinator.ts"
import * as Engine from "../src/Engine.ts"
import { EventFeed } from "../src/EventFeed.ts"
import { FlowStore } from "../src/FlowStore.ts"
import * as Limits from "../src/MachineLimits.ts"
import { MachineLimits } from "../src/MachineLimits.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { RunStore, RunStoreError } from "../src/RunStore.ts"
import { Secrets, SecretsError } from "../src/Secrets.ts"
import { Sessions } from "../src/Sessions.ts"
import { type StepType, StepTypes } from "../src/StepType.ts"
import { refOf } from "../src/StoredValue.ts"

const steps: Flow = { name: "steps", nodes: [{ id: "a", type: "transform", value: "${ input }" }], edges: [] }
const silent: Flow = { name: "silent", nodes: [{ id: "a", type: "function", function: "f", input: {} }], edges: [] }
const waits: Flow = { name: "waits", nodes: [{ id: "a", type: "wait", event: "news" }], edges: [] }

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
const world = Layer.mergeAll(
  Layer.succeed(
    StepTypes,
    new Map<string, StepType>([
      ["transform", {
        type: "transform",
        execute: (context) => Effect.map(context.field("value"), (output) => ({ output }))
      }],
      ["function", { type: "function", execute: () => Effect.never }]
    ])
  ),
  Layer.succeed(Secrets, {
    reveal: () => noSecret,
    has: () => Effect.succeed(false),
    set: () => noSecret,
    list: () => Effect.succeed([]),
    remove: () => noSecret
  })
)

/** The machine on a store that was tampered with. */
const machine = (
  tampered: (store: RunStore["Service"]) => Partial<RunStore["Service"]>,
  blobs: Layer.Layer<BlobStore, never, BlobStore> = Layer.effect(BlobStore, BlobStore)
) => {
  const store = Layer.effect(RunStore, Effect.map(RunStore, (store) => ({ ...store, ...tampered(store) })))
  return Engine.layer({ adopt: false }).pipe(
    Layer.provide(world),
    Layer.provide(Layer.succeed(MachineLimits, { ...Limits.defaults, stopGrace: Duration.zero })),
    Layer.provideMerge(Layer.provideMerge(Layer.merge(store, blobs), MemoryStore.layer))
  )
}

const submit = Effect.fnUntraced(function*(run: string, flow: Flow, large?: Uint8Array) {
  const coordinator = yield* Coordinator
  const hash = yield* Effect.flatMap(FlowStore, (flows) => flows.freeze("t", flow))
  const plan = Result.getOrThrow(Compile.compile(flow))
  return yield* coordinator.submit({
    tenant: "t",
    run,
    plan,
    blobs: large === undefined ? [] : [{ ref: refOf(large), bytes: large }],
    command: {
      type: "CreateRun",
      at: 1,
      run,
      flow: { name: plan.name, version: plan.version, hash },
      input: large === undefined ? { v: 7 } : { ref: refOf(large), bytes: large.length }
    }
  })
})

const send = (run: string, id: string) =>
  Effect.flatMap(
    Coordinator,
    (coordinator) => coordinator.command("t", run, { type: "SendEvent", at: 2, id, name: "other", data: { v: 1 } })
  )

describe("a record that the store cannot take", () => {
  const dies = machine((store) => ({
    commit: (batch) =>
      batch.some((commit) => commit.run === "bad") ? Effect.die(new Error("too big")) : store.commit(batch)
  }))

  it.live("is refused, and the runs that shared its commit go on", () =>
    Effect.gen(function*() {
      const moved = yield* Effect.flatMap(EventFeed, (feed) => feed.subscribe("t", "good"))
      const [bad, good] = yield* Effect.all([submit("bad", steps), submit("good", steps)], { concurrency: 2 })
      assert.deepInclude(bad, { kind: "lost", reason: "unavailable" })
      assert.strictEqual(good.kind, "accepted")
      const end = yield* Stream.runHead(Stream.filter(moved, (wakeup) => wakeup.kind === "moved" && wakeup.ended))
      assert.isTrue(end._tag === "Some")
    }).pipe(Effect.scoped, Effect.provide(dies)))
})

describe("a record that the store refuses again and again", () => {
  it.live("turns away who asks, and the run stays with its owner and goes on when the store takes records again", () =>
    Effect.gen(function*() {
      const coordinator = yield* Coordinator
      yield* submit("run", waits)
      refusing = true
      assert.deepInclude(yield* send("run", "1"), { kind: "lost", reason: "conflict" })
      assert.isDefined(coordinator.slot("t", "run"))
      refusing = false
      assert.strictEqual((yield* send("run", "2")).kind, "accepted")
    }).pipe(Effect.provide(conflicts)))

  let refusing = false
  const conflicts = machine((store) => ({
    commit: (batch) =>
      refusing ? Effect.succeed(batch.map(() => ({ ok: false, reason: "conflict" }))) : store.commit(batch)
  }))

  it.live("fails the attempt whose output is gone, and says so", () =>
    Effect.gen(function*() {
      const coordinator = yield* Coordinator
      const moved = yield* Effect.flatMap(EventFeed, (feed) => feed.subscribe("t", "run"))
      yield* submit("run", silent)
      const output = { ref: `sha256:${"0".repeat(64)}`, bytes: 9 } as const
      coordinator.post("t", "run", {
        type: "CompleteStep",
        at: 2,
        path: "a",
        attempt: 1,
        outcome: { ok: true, output }
      }, [])
      yield* Stream.runHead(Stream.filter(moved, (wakeup) => wakeup.kind === "moved" && wakeup.ended))
      const [row] = yield* Effect.flatMap(RunStore, (store) => store.list({ tenant: "t", limit: 1 }))
      assert.deepInclude(row, { status: "failed", code: "BLOB_MISSING" })
    }).pipe(Effect.scoped, Effect.provide(machine(() => ({})))))
})

describe("a run whose journal is damaged", () => {
  const corrupt = new RunStoreError({ reason: "corrupt", message: "bytes do not match" })
  const damaged = machine(() => ({ records: () => Effect.fail(corrupt) }))

  it.live("answers who takes it over instead of keeping them waiting", () =>
    Effect.gen(function*() {
      const coordinator = yield* Coordinator
      const store = yield* RunStore
      const sessions = yield* Sessions
      assert.strictEqual((yield* submit("run", waits)).kind, "accepted")
      const known = coordinator.slot("t", "run")
      const row = yield* store.find("t", "run")
      assert.isTrue(known !== undefined && row?.owner === sessions.id)
      if (known !== undefined) known.state = undefined
      assert.deepInclude(yield* send("run", "1"), {
        kind: "lost",
        reason: "unavailable",
        message: "bytes do not match"
      })
      assert.deepInclude(yield* send("run", "2"), {
        kind: "lost",
        reason: "unavailable",
        message: "bytes do not match"
      })
    }).pipe(Effect.provide(damaged)))
})

describe("a stored value that is gone", () => {
  const gone = Layer.effect(
    BlobStore,
    Effect.map(BlobStore, (blobs) => ({
      ...blobs,
      get: () => Effect.fail(new BlobStoreError({ reason: "missing", message: "the bytes are gone" }))
    }))
  )
  const looks: Flow = {
    name: "looks",
    nodes: [{ id: "a", type: "function", function: "f", input: {} }, { id: "b", type: "wait", event: "e" }],
    edges: [{ from: "a", to: "b", when: "input.ready" }]
  }

  it.live("fails the step after which it had to be read, and the run with it", () =>
    Effect.gen(function*() {
      const coordinator = yield* Coordinator
      const moved = yield* Effect.flatMap(EventFeed, (feed) => feed.subscribe("t", "run"))
      yield* submit("run", looks, Buffer.from(JSON.stringify({ ready: true })))
      const answer = { ok: true, output: { v: 1 } } as const
      coordinator.post("t", "run", { type: "CompleteStep", at: 2, path: "a", attempt: 1, outcome: answer }, [])
      yield* Stream.runHead(Stream.filter(moved, (wakeup) => wakeup.kind === "moved" && wakeup.ended))
      const [row] = yield* Effect.flatMap(RunStore, (store) => store.list({ tenant: "t", limit: 1 }))
      assert.deepInclude(row, { status: "failed", code: "BLOB_MISSING" })
    }).pipe(Effect.scoped, Effect.provide(machine(() => ({}), gone))))
})

describe("a run that cannot be decided because of a bug", () => {
  it.live("says so to whoever asks, and the machine goes on with the others", () =>
    Effect.gen(function*() {
      const coordinator = yield* Coordinator
      yield* submit("bad", waits)
      const slot = coordinator.slot("t", "bad")
      const nodes = slot?.state?.nodes
      if (nodes !== undefined) nodes.fork = () => Array.getUnsafe([], 1)
      assert.deepInclude(yield* send("bad", "1"), { kind: "lost", reason: "unavailable" })
      assert.strictEqual((yield* submit("good", waits)).kind, "accepted")
      // What broke was the state at hand: the journal is whole, and the run is folded from it again.
      assert.strictEqual((yield* send("bad", "2")).kind, "accepted")
    }).pipe(Effect.provide(machine(() => ({})))))
})
