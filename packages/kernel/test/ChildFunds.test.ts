/** What a child run has spent, in the books of the run that started it (SEMANTICS 8.10). */
import { decide } from "@baton/kernel/Decide"
import { evolve } from "@baton/kernel/Evolve"
import { violations } from "@baton/kernel/Invariants"
import * as Outstanding from "@baton/kernel/Outstanding"
import * as RunState from "@baton/kernel/RunState"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "vitest"
import { compile, epoch, flow } from "./RunDriver.ts"

const called = { name: "inner", version: "1.0.0", hash: `sha256:${"0".repeat(64)}` }

describe("a child run", () => {
  it("K7: that has spent more than it was given is recorded as an overrun of its parent", () => {
    const plan = compile(flow([{ id: "call", type: "flow", flow: called }]))
    const state = RunState.empty(plan)
    const ask = (command: Parameters<typeof decide>[1]): ReadonlyArray<string> => {
      const decision = decide(state, command)
      if (decision.kind !== "events") throw new Error(JSON.stringify(decision))
      for (const event of decision.events) evolve(state, event)
      assert.deepStrictEqual(violations(state), [])
      return decision.events.map((event) => event.type)
    }
    const ledger = { budget: { nanoUsd: 20_000_000 }, rates: { asOf: "2026-01-01", models: {}, agents: {} } }
    const named = { name: "x", version: "1", hash: "" }
    ask({ type: "CreateRun", at: epoch, run: "run_1", flow: named, input: inline({}), ledger })
    const [child] = Outstanding.children(state)
    const { attempt = 0, path = "", wait } = child ?? {}
    const end = { status: "succeeded" as const, code: "SUCCEEDED", message: "all steps are settled" }
    const spent = { nanoUsd: 30_000_000 }
    const types = ask({ type: "EndChild", at: epoch, path, attempt, run: wait?.run ?? "", ...end, spent })
    assert.include(types, "OverrunRecorded")
    assert.strictEqual(state.finished?.status, "warned")
  })
})
