/** The operator's doors of a waiting step, one small run each (SEMANTICS 8.8, 8.11). */
import type { Command, Refusal } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import type * as Flow from "@baton/kernel/Flow"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "vitest"
import { flow, RunDriver } from "./RunDriver.ts"

type Resolve = Extract<Command, { type: "ResolveStep" }>

const asks = (more: Partial<Flow.Node> = {}): Flow.Node =>
  ({ id: "charge", type: "function", function: "charge", onFailure: "ask", ...more }) as Flow.Node

const waiting = (node: Flow.Node = asks()): RunDriver => {
  const run = new RunDriver(flow([node, { id: "after", type: "transform", value: 1 }], ["charge>after"]))
  run.fail("charge")
  return run
}

const resolve = (
  run: RunDriver,
  action: Resolve["action"],
  more: Partial<Omit<Resolve, "type" | "action">> = {}
): ReadonlyArray<Event> | Refusal =>
  run.ask({ type: "ResolveStep", at: ++run.at, by: "ana", path: "charge", action, ...more })

const code = (answer: ReadonlyArray<Event> | Refusal): string => "code" in answer ? answer.code : ""

/** A refusal leaves the run as it was. */
const refused = (run: RunDriver, action: Resolve["action"], more: Partial<Omit<Resolve, "type" | "action">>) => {
  const before = JSON.stringify([run.events, run.state.changes.size, run.status("charge")])
  const found = code(resolve(run, action, more))
  assert.strictEqual(JSON.stringify([run.events, run.state.changes.size, run.status("charge")]), before)
  return found
}

describe("an operator's retry", () => {
  it("opens the next attempt, and says who asked for it and why", () => {
    const run = waiting()
    resolve(run, "retry", { note: "the key is renewed" })
    assert.deepStrictEqual(run.events.find((event) => event.type === "StepReopened"), {
      type: "StepReopened",
      v: 1,
      at: run.at,
      path: "charge",
      by: "ana",
      note: "the key is renewed"
    })
    assert.strictEqual(run.attempt("charge"), 2)
    assert.isUndefined(run.state.changes.get("charge"))
  })

  it("with a delay rests until its time, and not longer", () => {
    const run = waiting()
    resolve(run, "retry", { delayMs: 30_000 })
    assert.deepStrictEqual(Outstanding.timers(run.state), [{
      path: "charge",
      kind: "retry",
      n: 1,
      due: run.at + 30_000
    }])
    assert.deepStrictEqual(run.offered, [])
    run.ring()
    assert.strictEqual(run.attempt("charge"), 2)
  })

  it("with modifications begins a new generation, which automatic retries keep", () => {
    const run = waiting(asks({ retry: { attempts: 5, jitter: false } }))
    resolve(run, "retry", { modifications: inline({ amount: 5 }) })
    assert.deepStrictEqual(run.state.changes.get("charge"), { generation: 1, modifications: inline({ amount: 5 }) })
    run.fail("charge", { retryable: true })
    assert.strictEqual(run.state.changes.get("charge")?.generation, 1)
    run.ring()
    run.fail("charge")
    resolve(run, "retry")
    assert.strictEqual(run.state.changes.get("charge")?.generation, 1)
    run.fail("charge")
    resolve(run, "retry", { modifications: inline({}) })
    assert.deepStrictEqual(run.state.changes.get("charge"), { generation: 2, modifications: inline({}) })
  })

  it("reaches one item of a map, with its own modifications and delay", () => {
    const each = { type: "function" as const, function: "f", onFailure: "ask" as const }
    const run = new RunDriver(flow([{ id: "charge", type: "map", over: [1, 2], each }]))
    run.succeed("charge[0]")
    run.fail("charge[1]")
    resolve(run, "retry", { path: "charge[1]", delayMs: 1000, modifications: inline({ n: 3 }) })
    assert.strictEqual(run.state.changes.get("charge[1]")?.generation, 1)
    assert.deepStrictEqual(run.offered, [])
    run.ring()
    assert.deepStrictEqual(run.offered, ["charge[1]"])
  })

  it("is refused when its delay or its modifications are out of bounds, or do not fit the step", () => {
    const run = waiting()
    for (const delayMs of [-1, 600_001, 1.5]) assert.strictEqual(refused(run, "retry", { delayMs }), "DELAY_INVALID")
    let deep: Json = 1
    for (let level = 0; level < 40; level++) deep = { deep }
    assert.strictEqual(refused(run, "retry", { modifications: inline(deep) }), "MODIFICATIONS_INVALID")
    const http = waiting({ id: "charge", type: "http", url: "https://a.example", onFailure: "ask" })
    assert.strictEqual(refused(http, "retry", { modifications: inline({ method: "PUT" }) }), "MODIFICATIONS_INVALID")
    assert.strictEqual(refused(http, "retry", { modifications: inline(7) }), "MODIFICATIONS_INVALID")
    assert.strictEqual(code(resolve(http, "retry", { modifications: inline({ url: "https://b.example" }) })), "")
  })

  it("of a step that does not wait for an operator is refused", () => {
    const run = waiting()
    assert.strictEqual(refused(run, "retry", { path: "after" }), "STEP_NOT_WAITING")
    assert.strictEqual(refused(run, "retry", { path: "nowhere" }), "STEP_NOT_FOUND")
  })
})

describe("an operator's skip and abort", () => {
  it("a skip settles the step with its replacement output, under the operator's name", () => {
    const run = waiting()
    resolve(run, "skip", { output: inline({ id: 7 }), note: "charged by hand" })
    const settled = run.events.find((event) => event.type === "StepSucceeded")
    assert.deepInclude(settled, { output: inline({ id: 7 }), by: "ana", note: "charged by hand" })
    assert.deepStrictEqual(run.offered, ["after"])
  })

  it("a skip is refused where the flow does not allow it, and with an output that does not fit the node's schema", () => {
    assert.strictEqual(refused(waiting(asks({ allowSkip: false })), "skip", {}), "SKIP_NOT_ALLOWED")
    const run = waiting(asks({ output: { type: "object", required: ["id"] } }))
    assert.strictEqual(refused(run, "skip", { output: inline({}) }), "OUTPUT_INVALID")
    assert.strictEqual(refused(run, "skip", {}), "OUTPUT_INVALID")
    assert.strictEqual(code(resolve(run, "skip", { output: inline({ id: 1 }) })), "")
  })

  it("an abort ends the run as aborted by hand, with the note and the error that led there", () => {
    const run = waiting()
    resolve(run, "abort", { note: "the customer withdrew" })
    const failed = run.events.find((event) => event.type === "StepFailed")
    assert.deepInclude(failed, { by: "ana", note: "the customer withdrew", handled: "none" })
    assert.strictEqual(run.state.finished?.code, "MANUAL_ABORT")
    assert.deepStrictEqual(run.state.nodes.get(0).error?.detail, { code: "BROKE", message: "it broke" })
  })
})
