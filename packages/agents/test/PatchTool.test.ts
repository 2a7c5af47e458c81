/** The tool through which a model changes the plan of its run. */
import type { ToolContext } from "@baton/engine/AgentTool"
import { byName } from "@baton/engine/AgentTool"
import type { Settled } from "@baton/engine/RunSlot"
import type { Command } from "@baton/kernel/Command"
import * as Compile from "@baton/kernel/Compile"
import { decide } from "@baton/kernel/Decide"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import * as RunState from "@baton/kernel/RunState"
import type { JsonObject } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as PatchTool from "../src/tools/PatchTool.ts"

const flow: Flow.Flow = {
  name: "live",
  agents: { scout: { instructions: "Check." } },
  policy: { patches: { by: ["plan"], into: ["write"], add: { types: ["agent"] }, review: "off" } },
  nodes: [{ id: "plan", type: "agent", agent: "scout" }, { id: "write", type: "transform", value: 1 }],
  edges: [{ from: "plan", to: "write" }]
}

/** A run whose plan node is at work, asked directly. */
const runOf = () => {
  const state = RunState.empty(Result.getOrThrow(Compile.compile(flow)))
  const ask = (command: Command): Settled => {
    const decision = decide(state, command)
    if (decision.kind !== "events") {
      return decision.kind === "refused" ? { kind: "refused", ...decision.refusal } : assert.fail("it needs values")
    }
    for (const event of decision.events) evolve(state, event)
    return { kind: "accepted", events: decision.events.length, head: state.seq }
  }
  ask({
    type: "CreateRun",
    at: 1,
    run: "run_1",
    flow: { name: "live", version: "0.0.0", hash: "" },
    input: { v: null }
  })
  const context = (key: string): ToolContext => ({
    tenant: "main",
    run: "run_1",
    path: "plan",
    attempt: 1,
    agent: "scout",
    turn: 1,
    ordinal: 1,
    key,
    log: () => Effect.void,
    command: (command) => Effect.sync(() => ask(command)),
    state: Effect.sync(() => state)
  })
  const call = (input: JsonObject, key = "k1") => PatchTool.tool.execute(input, context(key))
  return { state, call }
}

const operations = [
  { op: "add", path: "/nodes/-", value: { id: "x", agent: "scout", needs: ["plan"] } },
  { op: "add", path: "/edges/-", value: { from: "x", to: "write" } }
]

describe("patch_plan", () => {
  it.effect("changes the plan, and the same call again changes nothing and answers the same", () =>
    Effect.gen(function*() {
      const { call, state } = runOf()
      const first = yield* call({ operations, base: 0, reason: "a claim is open" })
      assert.deepInclude("output" in first ? first.output : {}, { status: "applied", revision: 1 })
      assert.deepStrictEqual(yield* call({ operations, base: 0 }), first)
      assert.strictEqual(state.plan.revision, 1)
      assert.deepStrictEqual(state.patches?.map(({ reason }) => reason), ["a claim is open"])
    }))

  it.effect("shows the plan when it is asked with no operations", () =>
    Effect.gen(function*() {
      const { call } = runOf()
      const answer = yield* call({ operations: [] })
      const outline = "output" in answer ? answer.output as JsonObject : {}
      assert.deepInclude(outline, { revision: 0, nodesTotal: 2 })
      assert.deepStrictEqual((outline["nodes"] as ReadonlyArray<JsonObject>)[1], {
        id: "write",
        type: "transform",
        status: "pending",
        needs: ["plan"]
      })
    }))

  it.effect("a refusal says every problem with its place, what was expected, and the revision", () =>
    Effect.gen(function*() {
      const { call, state } = runOf()
      const wrong = [{ op: "add", path: "/nodes/-", value: { id: "x", agent: "scuot", needs: ["plan"] } }]
      const error = yield* Effect.flip(call({ operations: wrong }))
      assert.deepStrictEqual([error.outcome, error.code], ["failed", "PATCH_POLICY"])
      assert.deepInclude(error.detail as JsonObject, { revision: 0 })
      const [problem] = (error.detail as { readonly problems: ReadonlyArray<JsonObject> }).problems
      assert.deepInclude(problem, { pointer: "/0/value/agent", expected: "scout", suggestion: "scout" })
      const stale = yield* Effect.flip(call({ operations, base: 4 }))
      assert.strictEqual(stale.code, "PATCH_STALE")
      assert.strictEqual(state.plan.revision, 0)
    }))

  it("is keyed, so that a crash makes it again under its key", () => {
    assert.strictEqual(byName([PatchTool.tool]).get("patch_plan")?.effect, "keyed")
  })
})
