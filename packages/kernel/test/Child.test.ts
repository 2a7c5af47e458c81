/** Steps that call flows, seen from the parent (SEMANTICS 8.7e). */
import * as Child from "@baton/kernel/Child"
import type { Event } from "@baton/kernel/Event"
import { explain } from "@baton/kernel/Explain"
import type * as Flow from "@baton/kernel/Flow"
import * as Invariants from "@baton/kernel/Invariants"
import * as Outstanding from "@baton/kernel/Outstanding"
import * as RunState from "@baton/kernel/RunState"
import { inline, resolve } from "@baton/kernel/Value"
import { assert, describe, it } from "vitest"
import { flow, RunDriver } from "./RunDriver.ts"

const called = { name: "inner", version: "1.0.0", hash: `sha256:${"0".repeat(64)}` }
type FlowNode = Extract<Flow.Node, { type: "flow" }>
const call = (more: Partial<FlowNode> = {}): FlowNode => ({
  id: "call",
  type: "flow",
  flow: called,
  input: { n: "${ input.n }" },
  ...more
})
const mapOf = (over: ReadonlyArray<number>, more: object = {}): Flow.Node => ({
  id: "all",
  type: "map",
  over,
  parallel: 2,
  each: { type: "flow", flow: called, input: { item: "${ item }", at: "${ index }" } },
  ...more
})
const tidy = { id: "tidy", type: "transform" as const, value: null }

type Ended = "succeeded" | "warned" | "failed" | "cancelled" | "refused"

/** A run whose children are played by hand. */
class Family extends RunDriver {
  get children(): ReadonlyArray<Outstanding.Child> {
    return Outstanding.children(this.state)
  }

  end(path: string, status: Ended = "succeeded", more: { code?: string; output?: unknown } = {}) {
    const child = this.children.find((child) => child.path === path)
    return this.ask({
      type: "EndChild",
      at: ++this.at,
      path,
      attempt: child?.attempt ?? 0,
      run: child?.wait.run ?? "",
      status,
      code: more.code ?? status.toUpperCase(),
      message: "it ended so",
      ...(status === "succeeded" || status === "warned" ? { output: inline((more.output ?? null) as never) } : {})
    })
  }

  holds() {
    assert.deepStrictEqual(Invariants.violations(this.state), [])
  }
}

const types = (events: ReadonlyArray<Event>) => events.map((event) => event.type)

describe("a step that calls a flow", () => {
  it("K4 takes no slot, waits for its child under a derived id, and gives the child's output", () => {
    const run = new Family(flow([call(), tidy], ["call>tidy"], { limits: { parallel: 1 } }), { n: 7 })
    run.holds()
    assert.strictEqual(run.state.offered, 0)
    assert.strictEqual(RunState.status(run.state), "waiting")
    const [child] = run.children
    assert.deepStrictEqual(child?.wait.input, inline({ n: 7 }))
    assert.strictEqual(child?.wait.run, Child.runOf("run_1", run.state.createdAt, "call", 1))
    assert.strictEqual(child?.want, "run")
    run.end("call", "succeeded", { output: { sum: 3 } })
    assert.deepStrictEqual(run.offered, ["tidy"])
    assert.deepStrictEqual(run.state.nodes.get(0).output, inline({ sum: 3 }))
    run.holds()
  })

  it("is tried again as another child, with the input that an operator or an approver has changed", () => {
    const run = new Family(flow([call({ onFailure: "ask", checkpointAfter: true } as never)]), { n: 7 })
    const first = run.children[0]?.wait.run
    run.end("call", "failed")
    run.ask({
      type: "ResolveStep",
      at: ++run.at,
      path: "call",
      action: "retry",
      modifications: inline({ n: 8, more: true })
    })
    const [second] = run.children
    assert.deepStrictEqual(second?.wait.input, inline({ n: 8, more: true }))
    assert.notStrictEqual(second?.wait.run, first)
    run.end("call", "succeeded", { output: 1 })
    const change = inline({ n: 9 })
    run.ask({ type: "DecideApproval", at: ++run.at, by: "ana", path: "call", decision: "retry", modifications: change })
    assert.deepStrictEqual(run.children.map(({ attempt, wait }) => [attempt, wait.input]), [[3, inline({ n: 9 })]])
    run.end("call", "succeeded", { output: 2 })
    run.ask({ type: "DecideApproval", at: ++run.at, by: "ana", path: "call", decision: "continue" })
    assert.deepStrictEqual([run.state.finished?.status, run.state.nodes.get(0).output], ["succeeded", inline(2)])
    run.holds()
  })

  it("K12 has its child's id as the door", () => {
    const run = new Family(flow([call()]), { n: 1 })
    const [reason] = explain(run.state, run.at)
    assert.strictEqual(reason?.reason, "sub_run")
    assert.include(reason?.door, run.children[0]?.wait.run ?? "-")
  })

  it("K3 a second or stale end yields no event", () => {
    const run = new Family(flow([call({ retry: { attempts: 2, jitter: false } })]), { n: 1 })
    const first = run.children[0]
    run.end("call", "failed")
    const stale = { path: "call", attempt: 1, run: first?.wait.run ?? "" }
    const late = {
      type: "EndChild" as const,
      at: run.at,
      ...stale,
      status: "succeeded" as const,
      code: "",
      message: ""
    }
    assert.deepStrictEqual(run.ask(late), [])
    run.ring()
    assert.deepStrictEqual(run.ask({ ...late, attempt: 2 }), [])
    assert.deepStrictEqual(run.ask(late), [])
    run.end("call")
    assert.strictEqual(run.state.finished?.status, "succeeded")
    assert.deepStrictEqual(run.ask(late), [])
  })

  it("a failed child fails the step; the step's retry starts another child", () => {
    const run = new Family(flow([call({ retry: { attempts: 2 } })]), { n: 1 })
    const first = run.children[0]?.wait.run
    run.end("call", "failed", { code: "BROKE" })
    run.holds()
    assert.strictEqual(run.children.length, 0)
    run.ring()
    run.holds()
    assert.strictEqual(run.children[0]?.attempt, 2)
    assert.notStrictEqual(run.children[0]?.wait.run, first)
    run.end("call", "failed", { code: "BROKE" })
    assert.strictEqual(run.state.finished?.code, "CHILD_FAILED")
    assert.include(run.state.finished?.message, "BROKE")
  })

  it("a child that was cancelled or refused fails the step, and is not tried again", () => {
    for (const [status, code] of [["cancelled", "CHILD_CANCELLED"], ["refused", "INPUT_INVALID"]] as const) {
      const run = new Family(flow([call({ retry: { attempts: 3 } })]), { n: 1 })
      run.end("call", status, { code: "INPUT_INVALID" })
      assert.strictEqual(run.state.nodes.get(0).error?.code, code)
      assert.strictEqual(run.state.finished?.status, "failed")
    }
  })

  it("a child that warned makes the step succeed and the run warn", () => {
    const run = new Family(flow([call()]), { n: 1 })
    run.end("call", "warned", { output: 1 })
    assert.strictEqual(run.status("call"), "succeeded")
    assert.strictEqual(run.state.finished?.status, "warned")
    assert.strictEqual(run.state.warnings[0]?.code, "CHILD_WARNED")
  })

  it("its failure may be handled as any other", () => {
    const handled = new Family(flow([call(), tidy], ["call>tidy on failure"]), { n: 1 })
    handled.end("call", "failed")
    assert.deepStrictEqual(handled.offered, ["tidy"])
    const fell = new Family(flow([call({ onFailure: { fallback: 5 } })]), { n: 1 })
    fell.end("call", "failed")
    assert.strictEqual(fell.state.finished?.status, "warned")
    const asked = new Family(flow([call({ onFailure: "ask" })]), { n: 1 })
    asked.end("call", "failed")
    asked.ask({ type: "ResolveStep", at: asked.at, path: "call", action: "retry" })
    asked.holds()
    assert.strictEqual(asked.children[0]?.attempt, 2)
  })

  it("a mapping that errs, a call that is not pinned, and a run too deep start nothing", () => {
    const erred = new Family(flow([call({ input: "${ input.missing.deeper }" })]), {})
    assert.strictEqual(erred.state.finished?.code, "EXPRESSION_FAILED")
    const unpinned = new Family(flow([call({ flow: "inner" })]), { n: 1 })
    assert.strictEqual(unpinned.state.finished?.code, "FLOW_UNPINNED")
    const deep = new RunDriver(flow([call()]), { n: 1 })
    const state = RunState.empty(deep.plan)
    assert.strictEqual(state.parent, undefined)
    const fresh = new Family(flow([{ id: "w", type: "wait", event: "go" }, call()], ["w>call"]), { n: 1 })
    fresh.state.parent = { run: "run_0", path: "x", attempt: 1, depth: Child.depthMax }
    fresh.ask({ type: "SendEvent", at: fresh.at, id: "e", name: "go", data: inline(null) })
    assert.strictEqual(fresh.state.finished?.code, "CHILD_DEPTH")
  })

  it("its timeout tells the child to stop, and the step fails once it has", () => {
    const run = new Family(flow([call({ timeout: "10s", retry: { attempts: 2, initial: "0ms" } })]), { n: 1 })
    run.ring()
    run.holds()
    assert.strictEqual(run.children[0]?.want, "stop")
    assert.deepStrictEqual(Outstanding.timers(run.state), [])
    run.end("call", "cancelled")
    assert.strictEqual(run.status("call"), "retrying")
    run.ring()
    run.ring()
    run.end("call", "cancelled")
    assert.strictEqual(run.state.finished?.code, "CHILD_TIMEOUT")
  })
})

describe("K11 a run that ends takes its children with it", () => {
  it("a cancel reaches the child, and the run ends when the child has", () => {
    const run = new Family(flow([call()]), { n: 1 })
    run.ask({ type: "CancelRun", at: run.at })
    run.holds()
    assert.strictEqual(run.state.finished, undefined)
    assert.strictEqual(run.children[0]?.want, "stop")
    run.at += 60_000
    run.ring()
    assert.strictEqual(run.state.finished, undefined)
    run.end("call", "cancelled")
    assert.strictEqual(run.state.finished?.status, "cancelled")
    assert.strictEqual(run.status("call"), "cancelled")
  })

  it("so does a failure elsewhere; work that was done all the same is kept", () => {
    const run = new Family(flow([call(), tidy]), { n: 1 })
    run.fail("tidy")
    run.holds()
    assert.strictEqual(run.children[0]?.want, "stop")
    run.end("call", "succeeded", { output: 1 })
    assert.strictEqual(run.status("call"), "succeeded")
    assert.strictEqual(run.state.finished?.status, "failed")
  })

  it("a child behind an always edge runs after a failure, until the run is cancelled", () => {
    const run = new Family(flow([tidy, call()], ["tidy>call on always"]), { n: 1 })
    run.fail("tidy")
    run.holds()
    assert.strictEqual(run.children[0]?.want, "run")
    run.ask({ type: "CancelRun", at: run.at })
    run.holds()
    assert.strictEqual(run.children[0]?.want, "stop")
    run.end("call", "cancelled")
    assert.strictEqual(run.state.finished?.status, "failed")
    run.holds()
  })
})

describe("pause", () => {
  it("starts no child; resuming does", () => {
    const run = new Family(flow([tidy, call()], ["tidy>call"]), { n: 1 })
    run.ask({ type: "PauseRun", at: run.at })
    run.succeed("tidy")
    run.holds()
    assert.strictEqual(run.status("call"), "ready")
    assert.deepStrictEqual(run.children, [])
    assert.deepStrictEqual(types(run.ask({ type: "ResumeRun", at: run.at }) as ReadonlyArray<Event>), [
      "RunResumed",
      "StepWaiting"
    ])
    run.holds()
  })

  it("from above and of its own are lifted apart", () => {
    const run = new Family(flow([tidy]))
    run.state.parent = { run: "run_0", path: "x", attempt: 1, depth: 1 }
    run.ask({ type: "PauseRun", at: run.at, parent: true })
    assert.isTrue(run.state.paused)
    const refused = run.ask({ type: "ResumeRun", at: run.at })
    assert.strictEqual((refused as { code: string }).code, "PARENT_PAUSED")
    run.ask({ type: "PauseRun", at: run.at })
    run.ask({ type: "ResumeRun", at: run.at, parent: true })
    assert.isTrue(run.state.paused)
    run.ask({ type: "ResumeRun", at: run.at })
    assert.isFalse(run.state.paused)
  })
})

describe("a map over a flow", () => {
  it("K10 keeps at most `parallel` children under way, whatever slots the run has", () => {
    const run = new Family(flow([mapOf([5, 6, 7])], [], { limits: { parallel: 1 } }))
    run.holds()
    assert.deepStrictEqual(run.children.map(({ path, wait }) => [path, resolve(wait.input, new Map())]), [
      ["all[0]", { item: 5, at: 0 }],
      ["all[1]", { item: 6, at: 1 }]
    ])
    run.end("all[1]", "succeeded", { output: "b" })
    run.holds()
    assert.deepStrictEqual(run.children.map(({ path }) => path), ["all[0]", "all[2]"])
    run.end("all[0]", "succeeded", { output: "a" })
    run.end("all[2]", "warned", { output: "c" })
    assert.deepStrictEqual(run.offered, ["all"])
    run.succeed("all", {})
    assert.strictEqual(run.state.finished?.status, "warned")
    run.holds()
  })

  it("past what it tolerates, children under way finish and no other starts", () => {
    const run = new Family(flow([mapOf([1, 2, 3, 4])]))
    run.end("all[0]", "failed")
    run.holds()
    assert.deepStrictEqual(run.children.map(({ path, want }) => [path, want]), [["all[1]", "run"]])
    run.end("all[1]")
    assert.deepStrictEqual(run.offered, ["all"])
    run.succeed("all", {})
    assert.strictEqual(run.state.finished?.code, "MAP_FAILED")
  })

  it("items whose mapping errs count as failed", () => {
    const erring = { each: { type: "flow", flow: called, input: "${ item.missing }" }, tolerate: { failures: "100%" } }
    const run = new Family(flow([mapOf([1, 2, 3], erring)]))
    run.holds()
    assert.deepStrictEqual(run.offered, ["all"])
    run.succeed("all", {})
    assert.strictEqual(run.state.finished?.code, "MAP_FAILED")
  })

  it("a cancel reaches every child", () => {
    const run = new Family(flow([mapOf([1, 2, 3])]))
    run.ask({ type: "CancelRun", at: run.at })
    run.holds()
    assert.deepStrictEqual(run.children.map(({ want }) => want), ["stop", "stop"])
    run.end("all[0]", "cancelled")
    run.holds()
    run.end("all[1]", "cancelled")
    assert.strictEqual(run.state.finished?.status, "cancelled")
  })

  it("the rate holds back children too", () => {
    const run = new Family(flow([mapOf([1, 2, 3], { rate: "1/s", parallel: 3 })]))
    run.holds()
    assert.strictEqual(run.children.length, 1)
    run.ring()
    run.holds()
    assert.strictEqual(run.children.length, 2)
  })
})

describe("a repeat over a flow", () => {
  it("starts one child after the other", () => {
    const run = new Family(flow([{
      id: "loop",
      type: "repeat",
      max: 3,
      until: "last > 1",
      each: { type: "flow", flow: called, input: { before: "${ last }" } }
    }]))
    run.end("loop[0]", "succeeded", { output: 1 })
    run.holds()
    assert.deepStrictEqual(run.children[0]?.wait.input, inline({ before: 1 }))
    run.end("loop[1]", "succeeded", { output: 2 })
    assert.strictEqual(run.state.finished?.status, "succeeded")
  })
})
