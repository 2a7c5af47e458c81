/** Expressions of nodes that a patch does not name: read once, and refused where what they name no longer comes before. */
import type { Refusal } from "@baton/kernel/Command"
import type * as Flow from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import { flow, RunDriver } from "./RunDriver.ts"

const patch = (run: RunDriver, operations: Json) =>
  run.ask({ type: "ProposePatch", at: ++run.at, id: "pat_1", base: 0, operations })

const fn = (id: string): Flow.Node => ({ id, type: "function", function: "f" })

/** `late` stands two behind `early`, and reads it. */
const behind = (late: object, edge: object = {}): RunDriver =>
  new RunDriver(
    flow(
      [fn("root"), fn("early"), fn("between"), { id: "late", ...late } as Flow.Node, fn("last")],
      ["root>early", "early>between", "root>between", "between>late", { from: "late", to: "last", ...edge }]
    )
  )

const reading: ReadonlyArray<readonly [what: string, late: object, edge?: object]> = [
  ["a field", { type: "transform", value: "${ nodes.early.output }" }],
  ["when", { type: "transform", value: 1, when: "nodes.early.status == 'succeeded'" }],
  ["a choice's rule", { type: "choice", rules: [{ a: "nodes.early.output == 1" }, { b: "otherwise" }] }],
  ["a wait", { type: "wait", for: "${ nodes.early.output }" }],
  ["a question", { type: "approval", question: "${ nodes.early.output }?" }],
  ["a checkpoint", { type: "function", function: "f", checkpointAfter: { question: "${ nodes.early.output }?" } }],
  ["a map's list", { type: "map", over: "${ nodes.early.output }", each: { type: "function", function: "f" } }],
  ["a body", { type: "map", over: [1], each: { type: "transform", value: "${ nodes.early.output }" } }],
  [
    "until",
    { type: "repeat", until: "nodes.early.output == 1", max: 2, each: { type: "function", function: "f" } }
  ],
  ["an edge", { type: "function", function: "f" }, { when: "nodes.early.output == 1" }]
]

describe("expressions behind a patch", () => {
  for (const [what, late, edge] of reading) {
    it(`${what} that reads what does not come before any more is told, and the patch refused`, () => {
      const run = behind(late, edge)
      const { plan } = run.state
      const answer = patch(run, [{ op: "remove", path: "/edges/1" }]) as Refusal
      assert.strictEqual(answer.code, "PATCH_INVALID", JSON.stringify(answer))
      assert.deepStrictEqual(answer.problems?.map(({ code }) => code), ["NOT_AN_ANCESTOR"])
      assert.strictEqual(run.state.plan, plan)
    })

    it(`${what} that still may read it is not read again when a node is put between`, () => {
      const run = behind(late, edge)
      const before = run.state.plan
      const answer = patch(run, [
        { op: "remove", path: "/edges/1" },
        { op: "add", path: "/nodes/-", value: { id: "new", type: "function", function: "f" } },
        { op: "add", path: "/edges/-", value: { from: "early", to: "new" } },
        { op: "add", path: "/edges/-", value: { from: "new", to: "between" } }
      ])
      assert.isArray(answer, JSON.stringify(answer))
      const { plan } = run.state
      assert.strictEqual(plan.byId.get("late")?.fields, before.byId.get("late")?.fields)
      assert.strictEqual(plan.byId.get("late")?.outgoing[0]?.when, before.byId.get("late")?.outgoing[0]?.when)
    })
  }

  const problemsOf = (run: RunDriver, operations: Json): ReadonlyArray<string> | undefined =>
    (patch(run, operations) as Refusal).problems?.map(({ code, pointer }) => `${code} ${pointer}`)

  it("needs are direct: one that has lost its edge is told, though it still comes before", () => {
    const late: Flow.Node = { id: "late", type: "transform", value: "${ needs.early.output }" }
    const run = new RunDriver(flow([fn("early"), fn("between"), late], ["early>between", "between>late", "early>late"]))
    assert.deepStrictEqual(problemsOf(run, [{ op: "remove", path: "/edges/2" }]), ["NOT_A_NEED /nodes/2/value"])
  })

  it("an edge that leads to nothing counts no more: the join behind it is told too", () => {
    const join: Flow.Node = { id: "late", type: "function", function: "f", join: { atLeast: 2 } }
    const run = new RunDriver(flow([fn("root"), fn("one"), join], ["root>one", "root>late", "one>late"]))
    assert.deepStrictEqual(problemsOf(run, [{ op: "remove", path: "/nodes/one" }]), [
      "UNKNOWN_NODE /edges/0/to",
      "UNKNOWN_NODE /edges/2/from",
      "BAD_JOIN /nodes/1/join/atLeast"
    ])
  })
})
