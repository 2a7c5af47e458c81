/** Two people at once, too late, while the plan changes, while the process dies: one decision counts, and everybody is told. */
import { Coordinator } from "@baton/engine/Coordinator"
import * as MemoryState from "@baton/engine/MemoryState"
import type { Command } from "@baton/kernel/Command"
import type { Flow } from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { flow } from "../../packages/kernel/test/RunDriver.ts"
import * as Machine from "./Machine.ts"

const ask = (command: Omit<Extract<Command, { type: "DecideApproval" }>, "at"> | Proposal) =>
  Effect.gen(function*() {
    const at = yield* Clock.currentTimeMillis
    return yield* (yield* Coordinator).command(Machine.tenant, "run", { ...command, at })
  })

type Proposal = Omit<Extract<Command, { type: "ProposePatch" }>, "at">

const decide = (by: string, decision: string) => ask({ type: "DecideApproval", path: "gate", by, decision })

const propose = (id: string, base: number, operations: Json) => ask({ type: "ProposePatch", id, base, operations })

const isAsked = (events: Parameters<typeof Machine.isEnded>[0]): boolean =>
  events.some((event) => event.type === "StepWaiting")

const gated = (fields: object = {}): Flow =>
  flow(
    [
      { id: "gate", type: "approval", question: "Go?", ...fields },
      { id: "yes", type: "transform", value: "yes" },
      { id: "no", type: "transform", value: "no" }
    ],
    [{ from: "gate", to: "yes", on: "approved" }, { from: "gate", to: "no", on: "rejected" }]
  )

const codes = (answers: ReadonlyArray<{ readonly kind: string; readonly code?: string }>): ReadonlyArray<string> =>
  answers.map((answer) => answer.code ?? answer.kind).sort()

describe("an approval", () => {
  it.live("fault 46: two people decide at once: the first counts, the other is told who it was", () =>
    Effect.gen(function*() {
      yield* Machine.start("run", gated())
      yield* Machine.until("run", isAsked)
      const answers = yield* Effect.all([decide("ann", "approve"), decide("bob", "reject")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(codes(answers), ["ALREADY_DECIDED", "accepted"])
      const [first] = Machine.all(yield* Machine.until("run", Machine.isEnded), "ApprovalDecided")
      const told = answers.find((answer) => answer.kind === "refused")
      assert.include(told?.kind === "refused" ? told.message : "", first?.by ?? "nobody")
      const events = yield* Machine.journal("run")
      assert.strictEqual(Machine.all(events, "ApprovalDecided").length, 1)
      const began = new Set(Machine.all(events, "StepsDispatched").flatMap(({ steps }) => steps.map(([path]) => path)))
      assert.deepStrictEqual([...began], [first?.decision === "approve" ? "yes" : "no"])
    }).pipe(Effect.provide(Machine.layer())))

  it.live("fault 46: a decision after the time is over is refused, and the flow's rule stands", () =>
    Effect.gen(function*() {
      const base = gated({ timeout: "30ms", onTimeout: "reject" })
      yield* Machine.start("run", { ...base, nodes: [...base.nodes, { id: "open", type: "wait", event: "end" }] })
      const isDecided = (events: Parameters<typeof Machine.isEnded>[0]): boolean =>
        events.some((event) => event.type === "ApprovalDecided")
      yield* Machine.until("run", isDecided)
      assert.deepStrictEqual(codes([yield* decide("ann", "approve")]), ["ALREADY_DECIDED"])
      const [decided, ...others] = Machine.all(yield* Machine.journal("run"), "ApprovalDecided")
      assert.deepInclude(decided, { cause: "timeout", decision: "reject" })
      assert.deepStrictEqual(others, [])
    }).pipe(Effect.provide(Machine.layer())))

  it.live("fault 46: a patch of the step that waits is refused; of what hangs on it, it is taken, and the decision holds", () =>
    Effect.gen(function*() {
      yield* Machine.start("run", gated())
      yield* Machine.until("run", isAsked)
      const [onGate, beside] = yield* Effect.all([
        propose("pat_1", 0, [{ op: "replace", path: "/nodes/gate/question", value: "Stop?" }]),
        propose("pat_2", 0, [
          { op: "add", path: "/nodes/-", value: { id: "also", type: "transform", value: 2 } },
          { op: "add", path: "/edges/-", value: { from: "gate", to: "also", on: "approved" } }
        ])
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(codes([onGate, beside]), ["PATCH_STARTED", "accepted"])
      assert.deepStrictEqual(codes([yield* decide("ann", "approve")]), ["accepted"])
      const events = yield* Machine.until("run", Machine.isEnded)
      assert.deepStrictEqual(Machine.all(events, "StepSucceeded").map(({ path }) => path).sort(), [
        "also",
        "gate",
        "yes"
      ])
    }).pipe(Effect.provide(Machine.layer())))

  it.live("fault 46: the process dies with the decision in hand: it is there or it is not, and can be made again", () =>
    Effect.gen(function*() {
      const state = yield* MemoryState.MemoryState
      // The second record is the decision: it is durable, and nobody was told.
      let commits = 0
      const dying = Layer.build(Machine.processOn({
        reach: (point) =>
          point === "coordinator.after-commit-before-reply" && ++commits === 2 ? Effect.never : Effect.void
      }))
      const victim = yield* dying
      yield* Effect.provide(Machine.start("run", gated()), victim)
      yield* Effect.provide(Machine.until("run", isAsked), victim)
      yield* Effect.forkScoped(Effect.provide(decide("ann", "approve"), victim))
      while (Machine.all(yield* Effect.provide(Machine.journal("run"), victim), "ApprovalDecided").length === 0) {
        yield* Effect.yieldNow
      }
      for (const session of [...state.sessions.keys()]) MemoryState.kill(state, session)
      const heir = yield* Layer.build(Machine.processOn({}))
      const events = yield* Effect.provide(Machine.until("run", Machine.isEnded), heir)
      assert.strictEqual(Machine.all(events, "ApprovalDecided").length, 1)
      assert.strictEqual(Machine.end(events)?.status, "succeeded")
    }).pipe(Effect.scoped, Effect.provide(MemoryState.MemoryState.layer)))
})

describe("a patch", () => {
  const steps = flow(
    [{ id: "a", type: "wait", event: "go" }, { id: "b", type: "transform", value: 1 }],
    ["a>b"]
  )
  const change = (value: Json): Json => [{ op: "replace", path: "/nodes/b/value", value }]

  it.live("fault 47: two on one base: one is taken, the other is stale, and the plan holds the one", () =>
    Effect.gen(function*() {
      yield* Machine.start("run", steps)
      yield* Machine.until("run", isAsked)
      const answers = yield* Effect.all([propose("pat_1", 0, change("one")), propose("pat_2", 0, change("two"))], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(codes(answers), ["PATCH_STALE", "accepted"])
      const patched = Machine.all(yield* Machine.journal("run"), "PlanPatched")
      assert.deepStrictEqual(patched.map(({ base, revision }) => [base, revision]), [[0, 1]])
    }).pipe(Effect.provide(Machine.layer())))

  it.live("fault 47: a race with the completion that starts what it changes: whichever comes first wins", () =>
    Effect.gen(function*() {
      yield* Machine.start("run", steps)
      yield* Machine.until("run", isAsked)
      const at = yield* Clock.currentTimeMillis
      const go = Effect.flatMap(
        Coordinator,
        (coordinator) =>
          coordinator.command(Machine.tenant, "run", { type: "SendEvent", at, id: "1", name: "go", data: { v: null } })
      )
      const [, patched] = yield* Effect.all([go, propose("pat_1", 0, change("late"))], { concurrency: "unbounded" })
      const events = yield* Machine.until("run", Machine.isEnded)
      const taken = Machine.all(events, "PlanPatched").length === 1
      assert.deepStrictEqual(codes([patched]), [taken ? "accepted" : "PATCH_STARTED"])
      assert.deepStrictEqual(Machine.end(events)?.output, { fields: { b: { v: taken ? "late" : 1 } } })
    }).pipe(Effect.provide(Machine.layer())))

  it.live("fault 47: a bomb is refused before it is unpacked, and the run goes on", () =>
    Effect.gen(function*() {
      yield* Machine.start("run", steps)
      yield* Machine.until("run", isAsked)
      const doubled = Array.from(
        { length: 60 },
        (_, n): Json => ({ op: "copy", from: "/nodes/b/value", path: `/nodes/b/value/k${n}` })
      )
      const bombs: ReadonlyArray<Json> = [
        [{ op: "replace", path: "/nodes/b/value", value: { a: "xxxx" } }, ...doubled],
        Array.from({ length: 5_000 }, (): Json => ({ op: "test", path: "/nodes", value: [] })),
        [{ op: "replace", path: "/nodes/b/value", value: "x".repeat(5_000_000) }],
        [{ op: "add", path: "/nodes/b/__proto__/polluted", value: 1 }]
      ]
      const began = performance.now()
      for (const [index, bomb] of bombs.entries()) {
        assert.strictEqual((yield* propose(`pat_${index}`, 0, bomb)).kind, "refused", String(index))
      }
      assert.isBelow(performance.now() - began, 2_000)
      assert.isUndefined(({} as { polluted?: unknown }).polluted)
      assert.deepStrictEqual(Machine.all(yield* Machine.journal("run"), "PlanPatched"), [])
      assert.strictEqual((yield* propose("pat_9", 0, change(2))).kind, "accepted")
    }).pipe(Effect.provide(Machine.layer())))
})
