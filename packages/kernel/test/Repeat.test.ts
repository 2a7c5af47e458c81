/** Turns of a repeat (SEMANTICS 8.7d). */
import type * as Flow from "@baton/kernel/Flow"
import * as Invariants from "@baton/kernel/Invariants"
import { resolve } from "@baton/kernel/Value"
import { assert, describe, it } from "vitest"
import { flow, RunDriver } from "./RunDriver.ts"

type Repeat = Extract<Flow.Node, { type: "repeat" }>

const loop = (more: Partial<Repeat> = {}): Repeat => ({
  id: "loop",
  type: "repeat",
  each: { type: "function", function: "refine", input: { turn: "${ index }", draft: "${ last }" } },
  until: "last.score >= 3",
  max: 5,
  ...more
})

const outputOf = (run: RunDriver, id = "loop") => {
  const { output } = run.state.nodes.get(run.plan.byId.get(id)?.index ?? -1)
  return output === undefined ? undefined : resolve(output, new Map())
}

const holds = (run: RunDriver) => assert.deepStrictEqual(Invariants.violations(run.state), [])

describe("repeat", () => {
  it("turns come one after the other until the question is answered yes", () => {
    const run = new RunDriver(flow([loop()]))
    for (const score of [1, 2, 3]) {
      assert.deepStrictEqual(run.offered, [`loop[${score - 1}]`])
      run.succeed(`loop[${score - 1}]`, { score })
      holds(run)
    }
    assert.deepStrictEqual(outputOf(run), { last: { score: 3 }, iterations: 3, stopped: "until" })
    assert.strictEqual(run.state.finished?.status, "succeeded")
    assert.strictEqual(run.state.steps, 4)
  })

  it("reaching max succeeds and says so", () => {
    const run = new RunDriver(flow([loop({ max: 2 })]))
    run.succeed("loop[0]", { score: 0 })
    run.succeed("loop[1]", { score: 1 })
    assert.deepStrictEqual(outputOf(run), { last: { score: 1 }, iterations: 2, stopped: "limit" })
    assert.strictEqual(run.state.finished?.status, "succeeded")
  })

  it("a failed turn fails the step and keeps what the turns before made", () => {
    const run = new RunDriver(flow([loop()]))
    run.succeed("loop[0]", { score: 1 })
    run.fail("loop[1]")
    assert.strictEqual(run.status("loop"), "failed")
    assert.deepStrictEqual(outputOf(run), { last: { score: 1 }, iterations: 2, stopped: "error" })
    assert.strictEqual(run.state.finished?.code, "BROKE")
    holds(run)
  })

  it("a question that errs, or is no question, fails the step and keeps its output", () => {
    for (const until of ["last.missing.deeper > 1", "last.score"]) {
      const run = new RunDriver(flow([loop({ until })]))
      run.succeed("loop[0]", { score: 1 })
      assert.strictEqual(run.state.nodes.get(0).error?.code, "EXPRESSION_FAILED")
      assert.deepStrictEqual(outputOf(run), { last: { score: 1 }, iterations: 1, stopped: "error" })
    }
  })

  it("a turn is retried, falls back and asks by the rules of its body", () => {
    const retried = new RunDriver(flow([loop({ each: { ...loop().each, retry: { attempts: 2 } } })]))
    retried.fail("loop[0]", { retryable: true })
    holds(retried)
    retried.ring()
    assert.strictEqual(retried.attempt("loop[0]"), 2)
    retried.succeed("loop[0]", { score: 9 })
    assert.strictEqual(retried.state.finished?.status, "succeeded")

    const fell = new RunDriver(flow([loop({ each: { ...loop().each, onFailure: { fallback: { score: 4 } } } })]))
    fell.fail("loop[0]")
    assert.deepStrictEqual(outputOf(fell), { last: { score: 4 }, iterations: 1, stopped: "until" })
    assert.strictEqual(fell.state.finished?.status, "warned")

    const asked = new RunDriver(flow([loop({ each: { ...loop().each, onFailure: "ask" } })]))
    asked.fail("loop[0]")
    holds(asked)
    asked.ask({ type: "ResolveStep", at: asked.at, path: "loop[0]", action: "skip", output: { v: { score: 3 } } })
    assert.strictEqual(asked.status("loop"), "succeeded")
  })

  it("turns count as steps of the run", () => {
    const run = new RunDriver(flow([loop({ until: "false" })], [], { limits: { steps: 3 } }))
    run.succeed("loop[0]")
    run.succeed("loop[1]")
    assert.strictEqual(run.state.finished?.code, "STEPS_LIMIT")
    assert.deepStrictEqual(outputOf(run), { last: null, iterations: 2, stopped: "error" })
  })

  it("K11 after a cancel no further turn starts, and the repeat ends with the turn under way", () => {
    const run = new RunDriver(flow([loop()]))
    run.succeed("loop[0]", { score: 1 })
    run.ask({ type: "CancelRun", at: run.at })
    holds(run)
    run.succeed("loop[1]", { score: 1 })
    assert.strictEqual(run.status("loop"), "cancelled")
    assert.strictEqual(run.state.finished?.status, "cancelled")
  })

  it("a question may read the turn's index and what came before the repeat", () => {
    const first = { id: "first", type: "transform" as const, value: null }
    const run = new RunDriver(flow([first, loop({ until: "index + 1 == nodes.first.output.n" })], ["first>loop"]))
    run.succeed("first", { n: 2 })
    run.succeed("loop[0]")
    run.succeed("loop[1]")
    assert.strictEqual(run.state.finished?.status, "succeeded")
  })

  it("K13 a long repeat keeps the output of its last turns only", () => {
    const run = new RunDriver(flow([loop({ until: "false", max: 10_000 })], [], { limits: { steps: 20_000 } }))
    for (let turn = 0; turn < 10_000; turn++) run.succeed(`loop[${turn}]`, { text: "x".repeat(100) })
    const table = run.state.maps.get(0)
    const kept = Array.from({ length: 10_000 }, (_, turn) => table?.output(turn)).filter((value) => value !== undefined)
    assert.isAtMost(kept.length, 2)
    assert.strictEqual(table?.status(4_999), "succeeded")
    holds(run)
  })
})
