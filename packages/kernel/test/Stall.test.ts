/** Runs that claim to be running and do not move: flagged or failed, and said once. */
import { explain } from "@baton/kernel/Explain"
import type * as Flow from "@baton/kernel/Flow"
import { assert, describe, it } from "vitest"
import { flow, RunDriver } from "./RunDriver.ts"

const step = (id: string): Flow.Node => ({ id, type: "transform", value: id })
const check = (run: RunDriver, passed: number, afterMs?: number) => {
  run.at += passed
  return run.ask({ type: "CheckStall", at: run.at, ...(afterMs === undefined ? {} : { afterMs }) })
}

describe("a run that stands still", () => {
  it("longer than limits.stall is flagged once, with a warning that stays and a mark until it moves", () => {
    const run = new RunDriver(flow([step("a")], [], { limits: { stall: "10s" } }))
    assert.deepStrictEqual(check(run, 9_000), [])
    assert.deepInclude(
      check(run, 1_000),
      [{
        type: "RunStalled",
        v: 1,
        at: run.at,
        since: run.at - 10_000,
        policy: "flag",
        offered: 1
      }][0] as object
    )
    assert.deepStrictEqual(check(run, 60_000), [])
    assert.strictEqual(explain(run.state, run.at)[0]?.data["stalledSince"], run.state.stalledSince)
    run.ask({ type: "AddNote", at: run.at, text: "seen" })
    assert.isDefined(run.state.stalledSince)
    run.succeed("a")
    assert.isUndefined(run.state.stalledSince)
    assert.deepStrictEqual([run.state.finished?.status, run.state.warnings[0]?.code], ["warned", "RUN_STALLED"])
  })

  it("is failed where the policy says so, as after a breached deadline", () => {
    const run = new RunDriver(flow([step("a")], [], { limits: { stall: "10s" }, policy: { stall: "fail" } }))
    check(run, 10_000)
    assert.deepInclude(run.state.closing, { cause: "deadline", code: "RUN_STALLED" })
    run.answer("a", { ok: "interrupted" })
    assert.deepInclude(run.state.finished, { status: "failed", code: "RUN_STALLED" })
  })

  it("without a limit of its own is only flagged, and only where the engine says after what time", () => {
    const run = new RunDriver(flow([step("a")], [], { policy: { stall: "fail" } }))
    assert.deepStrictEqual(check(run, 3_600_000), [])
    check(run, 0, 300_000)
    assert.isUndefined(run.state.closing)
    assert.isDefined(run.state.stalledSince)
  })

  it("does not stall while it waits: for a time, an event, an operator, back-off or a resume", () => {
    const waits: ReadonlyArray<readonly [Flow.Node, (run: RunDriver) => void]> = [
      [{ id: "a", type: "wait", for: "10h" }, () => {}],
      [{ id: "a", type: "wait", event: "go" }, () => {}],
      [{ ...step("a"), onFailure: "ask" }, (run) => run.fail("a")],
      [{ ...step("a"), retry: { attempts: 2, initial: "1h", max: "1h" } }, (run) => run.fail("a", { retryable: true })]
    ]
    for (const [node, prepare] of waits) {
      const run = new RunDriver(flow([node], [], { limits: { stall: "10s" } }))
      prepare(run)
      assert.deepStrictEqual(check(run, 1_800_000), [], JSON.stringify(node))
    }
    const paused = new RunDriver(flow([step("a"), step("b")], ["a>b"], { limits: { stall: "10s" } }))
    paused.ask({ type: "PauseRun", at: paused.at })
    paused.succeed("a")
    assert.deepStrictEqual(check(paused, 60_000), [])
  })

  it("a stall limit under a second, or a policy of another name, is refused with the flow", () => {
    assert.throws(() => new RunDriver(flow([step("a")], [], { limits: { stall: "1ms" } })))
    assert.throws(() => new RunDriver(flow([step("a")], [], { policy: { stall: "shout" as "flag" } })))
  })
})
