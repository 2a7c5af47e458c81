/** `limits.concurrency` in the kernel: what a flow may say, when a run waits for a place, and what it does meanwhile. */
import * as Compile from "@baton/kernel/Compile"
import { decide } from "@baton/kernel/Decide"
import { explain } from "@baton/kernel/Explain"
import type * as Flow from "@baton/kernel/Flow"
import { violations } from "@baton/kernel/Invariants"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { compile, epoch, flow, RunDriver } from "./RunDriver.ts"

const step = (id: string): Flow.Node => ({ id, type: "transform", value: id })
const limited = (concurrency: Flow.Limits["concurrency"], more: Flow.Limits = {}): Flow.Flow =>
  flow([step("a"), step("b")], ["a>b"], { limits: { ...more, ...(concurrency === undefined ? {} : { concurrency }) } })
const perCustomer = { key: "${ input.customer }", max: 2 }
const take = (run: RunDriver) => run.ask({ type: "TakePlace", at: ++run.at })
const types = (run: RunDriver) => run.events.map(({ type }) => type)

const created = (document: Flow.Flow, input: Json) => {
  const plan = compile(document)
  const command = {
    type: "CreateRun",
    at: epoch,
    run: "run_1",
    flow: { name: plan.name, version: plan.version, hash: "" },
    tags: { team: "blue" },
    input: inline(input)
  } as const
  const decision = decide(RunState.empty(plan), command)
  if (decision.kind === "refused") return decision.refusal.code
  const [first] = decision.kind === "events" ? decision.events : []
  return first?.type === "RunCreated" ? first.concurrency?.key : undefined
}

const problems = (concurrency: unknown): ReadonlyArray<string> => {
  const compiled = Compile.compile(limited(concurrency as Flow.Limits["concurrency"]))
  return Result.isSuccess(compiled) ? [] : compiled.failure.map(({ code, pointer }) => `${code} ${pointer}`)
}

describe("a concurrency key", () => {
  it("is asked of the input, the tags and the run's own facts, and its value is kept as text", () => {
    assert.strictEqual(created(limited(perCustomer), { customer: "acme" }), "acme")
    assert.strictEqual(created(limited(perCustomer), { customer: 7 }), "7")
    assert.strictEqual(created(limited({ key: "everybody", max: 1 }), {}), "everybody")
    assert.strictEqual(created(limited({ key: "${ run.tags.team }/${ input.n }", max: 1 }), { n: 1 }), "blue/1")
  })

  it("that cannot be told lets nobody in", () => {
    for (const input of [{}, { customer: null }, { customer: {} }, { customer: "" }, { customer: "x".repeat(201) }]) {
      assert.strictEqual(created(limited(perCustomer), input), "CONCURRENCY_KEY_INVALID", JSON.stringify(input))
    }
  })

  it("is checked with the flow, and each mistake has its place", () => {
    assert.deepStrictEqual(problems({ ...perCustomer, whenFull: "refuse" }), [])
    assert.deepStrictEqual(problems({ key: "x", max: 0 }), ["OUT_OF_RANGE /limits/concurrency/max"])
    assert.deepStrictEqual(problems({ key: "x", max: 10_001 }), ["OUT_OF_RANGE /limits/concurrency/max"])
    assert.deepStrictEqual(problems({ key: "", max: 1 }), ["BAD_CONCURRENCY /limits/concurrency/key"])
    assert.deepStrictEqual(problems({ key: "${ nodes.a.output }", max: 1 }), [
      "BAD_CONCURRENCY /limits/concurrency/key"
    ])
    assert.deepStrictEqual(problems({ key: "${ inptu.x }", max: 1 }), ["UNKNOWN_NAME /limits/concurrency/key"])
    assert.deepStrictEqual(problems({ key: "${ ", max: 1 }), ["EXPRESSION_SYNTAX /limits/concurrency/key"])
    assert.deepStrictEqual(problems({ key: 7, max: 1 }), ["WRONG_TYPE /limits/concurrency/key"])
    assert.deepStrictEqual(problems({ key: "x" }), ["MISSING_FIELD /limits/concurrency"])
    assert.deepStrictEqual(problems({ key: "x", max: 1, whenFull: "wait" }), [
      "WRONG_TYPE /limits/concurrency/whenFull"
    ])
    assert.deepStrictEqual(problems({ key: "x", max: 1, full: "queue" }), ["UNKNOWN_FIELD /limits/concurrency/full"])
  })
})

describe("a run that needs a place", () => {
  it("is created pending and starts nothing, says why, and starts with its place", () => {
    const run = new RunDriver(limited(perCustomer), { customer: "acme" })
    assert.deepStrictEqual(types(run), ["RunCreated"])
    assert.strictEqual(RunState.status(run.state), "pending")
    const place = { position: 2, max: 2, held: 2, holders: ["run_8", "run_9"] }
    const reasons = explain(run.state, run.at, { place })
    assert.deepStrictEqual(reasons.map(({ data, reason }) => ({ reason, data })), [{
      reason: "concurrency",
      data: { key: "acme", ...place }
    }])
    assert.include(reasons[0]?.door, "baton runs cancel run_8")
    take(run)
    assert.deepStrictEqual(types(run).slice(1), ["PlaceTaken", "StepsDispatched"])
    run.succeed("a")
    run.succeed("b")
    assert.strictEqual(run.state.finished?.status, "succeeded")
  })

  it("takes one place, however often it is told to", () => {
    const run = new RunDriver(limited(perCustomer), { customer: "acme" })
    take(run)
    assert.deepStrictEqual(take(run), [])
    run.ask({ type: "CancelRun", at: ++run.at })
    run.answer("a", { ok: "interrupted" })
    assert.deepStrictEqual(take(run), [])
  })

  it("that refuses takes its place as it is created, in the same record", () => {
    const run = new RunDriver(limited({ ...perCustomer, whenFull: "refuse" }), { customer: "acme" })
    assert.deepStrictEqual(types(run), ["RunCreated", "PlaceTaken", "StepsDispatched"])
  })

  it("ends without one: by a cancel, and at its deadline", () => {
    const cancelled = new RunDriver(limited(perCustomer), { customer: "acme" })
    cancelled.ask({ type: "CancelRun", at: ++cancelled.at })
    assert.deepInclude(cancelled.state.finished, { status: "cancelled" })
    const late = new RunDriver(limited(perCustomer, { deadline: "1h" }), { customer: "acme" })
    assert.isTrue(late.ring())
    assert.deepInclude(late.state.finished, { status: "failed", code: "DEADLINE_EXCEEDED" })
    for (const { events } of [cancelled, late]) assert.notInclude(events.map(({ type }) => type), "StepsDispatched")
  })

  it("takes none while it is paused, and keeps what it is told meanwhile", () => {
    const nodes: ReadonlyArray<Flow.Node> = [{ id: "w", type: "wait", event: "go" }, step("a")]
    const run = new RunDriver(flow(nodes, ["w>a"], { limits: { concurrency: { key: "k", max: 1 } } }))
    run.ask({ type: "PauseRun", at: ++run.at })
    assert.strictEqual(RunState.status(run.state), "waiting")
    assert.deepStrictEqual(take(run), [])
    run.ask({ type: "SendEvent", at: ++run.at, id: "e1", name: "go", data: inline(1) })
    run.ask({ type: "ResumeRun", at: ++run.at })
    assert.deepStrictEqual(types(run).slice(1), ["RunPaused", "EventReceived", "RunResumed"])
    take(run)
    assert.strictEqual(run.status("w"), "succeeded")
    assert.strictEqual(run.status("a"), "queued")
  })

  it("does not stall, and does not start, whatever else happens to it", () => {
    const run = new RunDriver(limited(perCustomer, { stall: "1s" }), { customer: "acme" })
    run.at += 3_600_000
    run.ask({ type: "CheckStall", at: run.at })
    run.ask({ type: "AdoptRun", at: run.at, session: "s2", epoch: 2 })
    run.ask({ type: "AddNote", at: run.at, text: "hello" })
    assert.isUndefined(run.state.stalledSince)
    assert.notInclude(types(run), "StepsDispatched")
    assert.deepStrictEqual(violations(run.state), [])
  })

  it("keeps what it was made with: steps that are reused are not run, the rest begins with the place", () => {
    const reuse = {
      lineage: { run: "run_0", seq: 5, kind: "retry" as const },
      steps: [{ path: "a", attempt: 1, output: inline("a"), live: [0] }],
      maps: [],
      guarded: [],
      started: [],
      warnings: [],
      changes: []
    }
    const run = new RunDriver(limited(perCustomer), { customer: "acme" }, reuse)
    assert.deepStrictEqual(types(run), ["RunCreated", "StepsReused"])
    assert.strictEqual(RunState.status(run.state), "pending")
    take(run)
    assert.deepStrictEqual([run.status("a"), run.status("b")], ["succeeded", "queued"])
  })
})
