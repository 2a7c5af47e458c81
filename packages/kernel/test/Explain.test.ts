/** Why a run is not finished: reasons that facts of the engine sharpen (SEMANTICS 8.12e). */
import { explain } from "@baton/kernel/Explain"
import type * as Flow from "@baton/kernel/Flow"
import { assert, describe, it } from "vitest"
import { flow, RunDriver } from "./RunDriver.ts"

const step = (more: Partial<Flow.Node> = {}): Flow.Node =>
  ({ id: "a", type: "function", function: "f", ...more }) as Flow.Node
const only = (run: RunDriver, facts = {}) => explain(run.state, run.at, facts)[0]

describe("the reason of a step", () => {
  it("that is offered is a worker's: taken, not taken, or served by nobody here", () => {
    const run = new RunDriver(flow([step()]))
    assert.strictEqual(only(run)?.reason, "queued")
    assert.strictEqual(only(run, { served: new Set(["function"]) })?.reason, "queued")
    assert.deepInclude(only(run, { served: new Set(["http"]) }), { reason: "no_worker", door: "baton runs resume RUN" })
    assert.strictEqual(only(run, { begun: new Map([["a#1", run.at]]), served: new Set() })?.reason, "running")
  })

  it("of an item or a gather is about the type that runs it", () => {
    const each = { type: "function" as const, function: "f" }
    const run = new RunDriver(flow([{ id: "a", type: "map", over: [1], each }]))
    assert.strictEqual(only(run, { served: new Set(["map", "gather"]) })?.reason, "no_worker")
    run.succeed("a[0]")
    assert.strictEqual(only(run, { served: new Set(["function", "gather"]) })?.reason, "queued")
    assert.strictEqual(only(run, { served: new Set(["function"]) })?.reason, "no_worker")
  })

  it("that failed for a secret or a key, and asks, is the credential, with where to set it", () => {
    for (const error of [{ code: "SECRET_MISSING" }, { code: "HTTP_STATUS", status: 401 }]) {
      const run = new RunDriver(flow([step({ onFailure: "ask" })]))
      run.fail("a", error)
      assert.strictEqual(only(run)?.reason, "credential")
      assert.include(only(run)?.door, "baton secrets set")
      assert.include(only(run)?.door, "baton runs retry RUN a")
    }
  })

  it("that failed and asks is an operator's", () => {
    const plain = { code: "BROKE" }
    const run = new RunDriver(flow([step({ onFailure: "ask" })]))
    run.fail("a", plain)
    assert.deepInclude(only(run), { reason: "operator", door: "baton runs retry|skip|abort RUN a" })
  })
})
