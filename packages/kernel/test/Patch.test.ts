import * as CanonicalText from "@baton/kernel/CanonicalText"
import type { Command, Refusal } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import { explain } from "@baton/kernel/Explain"
import type * as Flow from "@baton/kernel/Flow"
import * as Invariants from "@baton/kernel/Invariants"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import { flow, RunDriver } from "./RunDriver.ts"

const fn = (id: string): Flow.Node => ({ id, type: "function", function: "f" })
const agent = (id: string): Flow.Node => ({ id, type: "agent", agent: "scout" })

const addNode = (value: object): Json => ({ op: "add", path: "/nodes/-", value: value as Json })
const addEdge = (from: string, to: string, more: object = {}): Json => ({
  op: "add",
  path: "/edges/-",
  value: { from, to, ...more }
})

let count = 0
const patch = (
  run: RunDriver,
  operations: Json,
  more: Partial<Extract<Command, { type: "ProposePatch" }>> = {}
): ReadonlyArray<Event> | Refusal =>
  run.ask({
    type: "ProposePatch",
    at: ++run.at,
    id: `pat_${++count}`,
    base: run.state.plan.revision,
    operations,
    ...more
  })

/** What refuses it; nothing of the run has moved. */
const refused = (run: RunDriver, operations: Json, more: Parameters<typeof patch>[2] = {}): Refusal => {
  const before = [JSON.stringify(run.state.plan.document), run.state.seq, run.events.length]
  const answer = patch(run, operations, more)
  assert.deepStrictEqual([JSON.stringify(run.state.plan.document), run.state.seq, run.events.length], before)
  assert.property(answer, "code", JSON.stringify(answer))
  return answer as Refusal
}

const typesOf = (answer: ReadonlyArray<Event> | Refusal): ReadonlyArray<string> => {
  assert.isArray(answer, JSON.stringify(answer))
  return (answer as ReadonlyArray<Event>).map((event) => event.type)
}

/** Every promise holds, and the journal folds to the same run from the frozen plan. */
const holds = (run: RunDriver): void => {
  assert.isUndefined(run.state.sealed)
  assert.deepStrictEqual(Invariants.violations(run.state), [])
  const again = RunState.empty(run.plan)
  for (const event of JSON.parse(JSON.stringify(run.events))) evolve(again, event)
  assert.isUndefined(again.sealed)
  assert.strictEqual(CanonicalText.address(again.plan.document), CanonicalText.address(run.state.plan.document))
  for (const node of again.plan.nodes) {
    assert.deepStrictEqual(again.nodes.get(node.index), run.state.nodes.get(node.index))
  }
}

describe("Patch", () => {
  it("a node is added behind a settled one: its edge is decided at once, and it starts", () => {
    const run = new RunDriver(flow([fn("a"), fn("b")], ["a>b"]))
    run.succeed("a", { n: 3 })
    const answer = patch(run, [
      addNode({ id: "x", type: "function", function: "f", input: "${ nodes.a.output.n }" }),
      addEdge("a", "x", { when: "nodes.a.output.n > 2" })
    ])
    assert.deepStrictEqual(typesOf(answer), ["PlanPatched", "StepsDispatched"])
    assert.deepStrictEqual(run.offered, ["b", "x"])
    assert.strictEqual(run.state.plan.revision, 1)
    assert.strictEqual(run.state.patches?.[0]?.hash, CanonicalText.address(run.state.plan.document))
    holds(run)
    run.succeed("b")
    run.succeed("x")
    assert.strictEqual(run.state.finished?.status, "succeeded")
    holds(run)
  })

  it("a node that is put before another keeps every state with its id, maps and queues too", () => {
    const run = new RunDriver(flow(
      [
        fn("a"),
        { id: "m", type: "map", over: [1, 2, 3], each: { type: "function", function: "f" }, parallel: 1 },
        fn("z")
      ],
      ["a>z", "m>z"],
      { limits: { parallel: 2 } }
    ))
    run.succeed("m[0]", 1)
    patch(run, [{ op: "add", path: "/nodes/0", value: { ...fn("first") } as unknown as Json }, addEdge("a", "first")])
    assert.deepStrictEqual(run.state.plan.nodes.map(({ id }) => id), ["first", "a", "m", "z"])
    holds(run)
    run.succeed("m[1]", 2)
    run.succeed("m[2]", 3)
    run.succeed("m")
    run.succeed("a")
    run.succeed("first")
    run.succeed("z")
    assert.strictEqual(run.state.finished?.status, "succeeded")
    holds(run)
  })

  it("pending nodes may be replaced, moved and removed; a token names a node by its id", () => {
    const run = new RunDriver(flow([fn("a"), fn("b"), fn("c")], ["a>b", "b>c"]))
    patch(run, [
      { op: "test", path: "/nodes/b/function", value: "f" },
      { op: "replace", path: "/nodes/b/function", value: "g" },
      { op: "copy", from: "/nodes/b", path: "/nodes/-" },
      { op: "replace", path: "/nodes/3/id", value: "b2" },
      addEdge("a", "b2"),
      { op: "move", from: "/nodes/c", path: "/nodes/0" }
    ])
    assert.deepStrictEqual(run.state.plan.nodes.map(({ id }) => id), ["c", "a", "b", "b2"])
    holds(run)
    patch(run, [{ op: "remove", path: "/nodes/c" }, { op: "remove", path: "/edges/1" }])
    run.succeed("a")
    assert.deepStrictEqual(run.offered, ["b", "b2"])
    holds(run)
  })

  it("K6: what has started, waits or has settled is closed, and so are edges into it", () => {
    const run = new RunDriver(
      flow([fn("a"), fn("b"), fn("c"), { id: "w", type: "wait", event: "e" }], ["a>b", "b>c", "a>w"])
    )
    run.succeed("a")
    for (const id of ["a", "b", "w"]) {
      assert.strictEqual(
        refused(run, [{ op: "replace", path: `/nodes/${id}/description`, value: "x" }]).code,
        "PATCH_TARGET"
      )
      assert.strictEqual(
        refused(run, [{ op: "add", path: `/nodes/${id}/description`, value: "x" }]).code,
        "PATCH_STARTED"
      )
      assert.strictEqual(
        refused(run, [addNode(fn("x")), addEdge("a", "x"), addEdge("x", id)]).code,
        id === "a" ? "PATCH_INVALID" : "PATCH_STARTED"
      )
    }
    assert.strictEqual(refused(run, [{ op: "remove", path: "/edges/0" }]).code, "PATCH_STARTED")
    assert.deepStrictEqual(typesOf(patch(run, [{ op: "add", path: "/nodes/c/description", value: "x" }])), [
      "PlanPatched"
    ])
    holds(run)
  })

  it("refuses orphans, circles, what is dead on arrival, and a plan over its limits", () => {
    const run = new RunDriver(flow(
      [fn("a"), fn("b"), fn("c"), { id: "never", type: "function", function: "f", when: "false" }],
      ["a>b", "b>c", "a>never"],
      { limits: { agents: 1, steps: 5 }, agents: { scout: { instructions: "look" } } }
    ))
    run.succeed("a")
    assert.strictEqual(run.status("never"), "skipped")
    assert.strictEqual(refused(run, [addNode(fn("x"))]).code, "PATCH_ORPHANS")
    assert.strictEqual(refused(run, [{ op: "remove", path: "/edges/1" }]).code, "PATCH_ORPHANS")
    const circle = refused(run, [addNode(fn("x")), addEdge("c", "x"), addEdge("x", "c")])
    assert.deepStrictEqual([circle.code, circle.problems?.[0]?.code], ["PATCH_INVALID", "CYCLE"])
    assert.strictEqual(refused(run, [addNode(fn("x")), addEdge("never", "x")]).code, "PATCH_DEAD")
    assert.strictEqual(refused(run, [addNode(fn("x")), addEdge("a", "x", { when: "false" })]).code, "PATCH_DEAD")
    assert.strictEqual(refused(run, [addNode(fn("x")), addEdge("a", "x", { when: "1 + 1" })]).code, "PATCH_DEAD")
    assert.strictEqual(refused(run, [addEdge("never", "c")]).code, "PATCH_DEAD")
    const agents = [addNode(agent("x")), addNode(agent("y")), addEdge("a", "x"), addEdge("a", "y")]
    assert.strictEqual(refused(run, agents).code, "PATCH_AGENTS_MAX")
    const steps = [addNode(fn("x")), addNode(fn("y")), addEdge("a", "x"), addEdge("a", "y")]
    assert.include(["PATCH_STEPS_MAX", "PATCH_INVALID"], refused(run, steps).code)
    holds(run)
  })

  it("refuses whatever is no patch of nodes and edges, and names the place in the patch", () => {
    const run = new RunDriver(flow([fn("a"), fn("fetch")], ["a>fetch"]))
    for (const path of ["/limits/agents", "/__proto__/admin", "/constructor/prototype/x", "", "/policy/patches"]) {
      assert.strictEqual(refused(run, [{ op: "add", path, value: 99 }]).code, "PATCH_PATH", path)
    }
    assert.strictEqual(refused(run, [{ op: "copy", from: "/agents", path: "/nodes/-" }]).code, "PATCH_PATH")
    assert.strictEqual(refused(run, { op: "add" }).code, "PATCH_MALFORMED")
    assert.strictEqual(refused(run, [{ op: "test", path: "/nodes/0/id", value: "b" }]).code, "PATCH_TEST_FAILED")
    assert.strictEqual(refused(run, [{ op: "test", path: "/nodes/0/id", value: "a" }]).code, "PATCH_EMPTY")
    assert.strictEqual(refused(run, [{ op: "add", path: "/nodes/__proto__/x", value: 1 }]).code, "PATCH_TARGET")
    const bomb = Array.from({ length: 40 }, () => ({ op: "copy", from: "/nodes", path: "/nodes/-" }))
    assert.strictEqual(refused(run, bomb).code, "PATCH_TOO_LARGE")
    let each: Json = { type: "function", function: "f" }
    for (let level = 0; level < 50_000; level++) each = { each, map: [] }
    assert.strictEqual(refused(run, [addNode({ id: "x", needs: ["a"], each } as object)]).code, "PATCH_TOO_LARGE")
    const near = refused(run, [{ op: "remove", path: "/nodes/fech" }])
    assert.deepStrictEqual([near.code, near.problems?.[0]?.pointer, near.problems?.[0]?.suggestion], [
      "PATCH_TARGET",
      "/0/path",
      "fetch"
    ])
    const wrong = refused(run, [addNode({ id: "x", type: "htpp", url: 3 }), addNode({ id: "y", type: "http" })], {})
    assert.deepStrictEqual(wrong.problems?.map(({ code, pointer }) => [code, pointer]), [["MISSING_FIELD", "/1/value"]])
    assert.strictEqual(refused(run, [addNode(fn("x")), addEdge("a", "x")], { base: 7 }).code, "PATCH_STALE")
  })

  it("takes nodes in the short form, with what they need", () => {
    const run = new RunDriver(flow([fn("a"), fn("b")], ["a>b"]))
    assert.include(typesOf(patch(run, [addNode({ id: "x", needs: ["a"], value: "${ needs.a }" })])), "PlanPatched")
    run.succeed("a", 7)
    run.succeed("x", 7)
    run.succeed("b")
    assert.strictEqual(run.state.finished?.status, "succeeded")
    holds(run)
  })

  it("a patched-in node of an unknown type is skipped with a warning, or refused where the policy says so", () => {
    const run = new RunDriver(flow([fn("a")]))
    patch(run, [addNode({ id: "v", type: "video", codec: "av1" }), addEdge("a", "v")])
    run.succeed("a")
    assert.strictEqual(run.status("v"), "skipped")
    assert.deepStrictEqual([run.state.finished?.status, run.state.warnings[0]?.code], ["warned", "NODE_TYPE_UNSERVED"])
    holds(run)
    const strict = new RunDriver(flow([fn("a")], [], { policy: { unknownTypes: "refuse" } }))
    assert.strictEqual(refused(strict, [addNode({ id: "v", type: "video" }), addEdge("a", "v")]).code, "PATCH_INVALID")
  })

  it("the same id counts once; a finished and a closing run take none; limits.patches holds", () => {
    const run = new RunDriver(flow([fn("a"), fn("b")], ["a>b"], { limits: { patches: 2 } }))
    const one = [addNode(fn("x")), addEdge("a", "x")]
    patch(run, one, { id: "pat_same" })
    assert.deepStrictEqual(patch(run, one, { id: "pat_same", base: 0 }), [])
    patch(run, [addNode(fn("y")), addEdge("a", "y")])
    assert.strictEqual(refused(run, [addNode(fn("z")), addEdge("a", "z")]).code, "PATCHES_MAX")
    run.ask({ type: "CancelRun", at: ++run.at })
    assert.strictEqual(refused(run, [addNode(fn("z")), addEdge("a", "z")]).code, "PATCHES_MAX")
    const closing = new RunDriver(flow([fn("a"), fn("b")], ["a>b"]))
    closing.ask({ type: "CancelRun", at: ++closing.at })
    assert.strictEqual(refused(closing, one).code, "RUN_CLOSING")
    closing.answer("a", { ok: "interrupted" })
    assert.strictEqual(refused(closing, one).code, "RUN_FINISHED")
  })

  it("a budget on a node is refused where the run was started without prices to watch it by", () => {
    const nodes = [{ ...agent("x"), budget: { usd: 1 } }, { ...fn("y"), budget: { calls: 1 } }]
    for (const node of nodes) {
      const run = new RunDriver(flow([fn("a"), fn("b")], ["a>b"], { agents: { scout: { instructions: "look" } } }))
      assert.strictEqual(refused(run, [addNode(node), addEdge("a", node.id)]).code, "PATCH_BUDGET")
      holds(run)
    }
  })

  it("a patch is taken back while nothing of it has started, and not after", () => {
    const run = new RunDriver(flow([fn("a"), fn("b"), fn("c")], ["a>b", "b>c"]))
    const before = CanonicalText.address(run.state.plan.document)
    patch(run, [
      addNode(fn("x")),
      addEdge("b", "x"),
      addEdge("x", "c"),
      { op: "add", path: "/nodes/c/description", value: "last" }
    ], { id: "pat_x" })
    const revert = (id: string, of: string) => run.ask({ type: "RevertPatch", at: ++run.at, id, patch: of })
    assert.deepStrictEqual(typesOf(revert("pat_r", "pat_x")), ["PlanPatched"])
    assert.strictEqual(CanonicalText.address(run.state.plan.document), before)
    assert.deepStrictEqual(run.state.patches?.map(({ status }) => status), ["reverted", "applied"])
    assert.propertyVal(revert("pat_r2", "pat_x"), "code", "PATCH_DECIDED")
    patch(run, [addNode(fn("y")), addEdge("a", "y")], { id: "pat_y" })
    run.succeed("a")
    assert.propertyVal(revert("pat_r3", "pat_y"), "code", "PATCH_STARTED")
    assert.propertyVal(revert("pat_r3", "pat_nobody"), "code", "PATCH_NOT_FOUND")
    holds(run)
  })
})

const adaptive = (review: "required" | "whenItGrows" | "off", more: object = {}): Flow.Flow =>
  flow([agent("plan"), fn("authored"), fn("write"), fn("loose")], [
    "plan>authored",
    "plan>write",
    "authored>write",
    "write>loose"
  ], {
    agents: { scout: { instructions: "look" } },
    policy: {
      patches: {
        by: ["plan"],
        into: ["write"],
        add: { types: ["agent", "http", "transform"], hosts: ["api.openalex.org", "*.example.com"], secrets: [] },
        review,
        ...more
      }
    },
    secrets: ["KEY"]
  })

const byPlan = { author: { path: "plan", attempt: 1 } }

describe("agents' patches", () => {
  const grown: Json = [addNode(agent("x")), addEdge("plan", "x"), addEdge("x", "write")]

  it("are off unless the policy lets that node patch, and only while its attempt runs", () => {
    const off = new RunDriver(
      flow([agent("plan"), fn("b")], ["plan>b"], { agents: { scout: { instructions: "look" } } })
    )
    assert.strictEqual(refused(off, grown, byPlan).code, "PATCH_OFF")
    const run = new RunDriver(adaptive("off"))
    assert.strictEqual(refused(run, grown, { author: { path: "write", attempt: 1 } }).code, "PATCH_OFF")
    assert.strictEqual(refused(run, grown, { author: { path: "plan", attempt: 2 } }).code, "PATCH_AUTHOR")
    assert.include(typesOf(patch(run, grown, byPlan)), "PlanPatched")
    holds(run)
    run.fail("plan")
    assert.isTrue(run.state.plan.byId.has("x"), "what it has added stays when its attempt fails")
  })

  it("bring no irreversible effect that the policy does not list, by whatever name", () => {
    const add = { types: ["function", "agent"] }
    const pay = { ...fn("authored"), function: "pay", effect: "irreversible" as const }
    const made = (effects: object) => {
      const before = adaptive("off", { add: { ...add, ...effects } })
      const nodes = before.nodes.map((node) => node.id === "authored" ? pay : node)
      return new RunDriver({ ...before, nodes })
    }
    // The author calls this function and says what it does: an agent's node does the same, whatever it says.
    const again = [addNode({ ...fn("x"), function: "pay" }), addEdge("plan", "x")]
    const run = made({})
    assert.include(JSON.stringify(refused(run, again, byPlan)), "effects that are irreversible")
    // What the tools of an agent do is known when they are called.
    patch(run, grown, byPlan)
    run.succeed("plan")
    const charge = (driver: RunDriver) =>
      driver.ask({ type: "StartCall", at: driver.at, path: "x", attempt: 1, key: "k", tool: "charge", ordinal: 1 })
    assert.propertyVal(charge(run), "code", "EFFECT_NOT_ALLOWED")
    const free = made({ effects: ["idempotent", "irreversible"] })
    patch(free, grown, byPlan)
    assert.include(
      typesOf(patch(free, [addNode({ ...fn("y"), function: "pay" }), addEdge("plan", "y")], byPlan)),
      "PlanPatched"
    )
    free.succeed("plan")
    assert.deepStrictEqual(typesOf(charge(free)), ["CallStarted"])
  })

  it("may follow an authored approval only where people have approved", () => {
    const gated = adaptive("off")
    const gate: Flow.Node = { id: "gate", type: "approval", question: "Go?" }
    const run = new RunDriver({
      ...gated,
      nodes: [...gated.nodes, gate],
      edges: [...gated.edges, { from: "plan", to: "gate" }]
    })
    const added = addNode({ id: "x", type: "transform", value: 1 })
    for (const on of ["rejected", "always"]) {
      const answer = refused(run, [added, addEdge("gate", "x", { on })], byPlan)
      assert.strictEqual(answer.code, "PATCH_POLICY", JSON.stringify(answer))
      assert.include(answer.message, "what people refuse")
    }
    assert.include(typesOf(patch(run, [added, addEdge("gate", "x", { on: "approved" })], byPlan)), "PlanPatched")
  })

  it("only add, and only what the policy lists", () => {
    const run = new RunDriver(adaptive("off"))
    const cases: ReadonlyArray<readonly [Json, string]> = [
      [[{ op: "remove", path: "/nodes/loose" }, { op: "remove", path: "/edges/3" }], "may not be removed"],
      [[{ op: "add", path: "/nodes/write/description", value: "x" }], "may not be changed"],
      [[{ op: "remove", path: "/edges/2" }], "may not be removed"],
      [
        [addNode({ id: "x", type: "transform", value: 1 }), addEdge("plan", "x"), addEdge("x", "loose")],
        "no edge into 'loose'"
      ],
      [[addNode(fn("x")), addEdge("plan", "x")], "nodes of the type 'function'"],
      [
        [addNode({ id: "x", type: "agent", agent: { instructions: "evil", tools: ["shell"] } }), addEdge("plan", "x")],
        "in place"
      ],
      [[addNode({ id: "x", type: "agent", agent: "root" }), addEdge("plan", "x")], "the agent 'root'"],
      [[addNode({ id: "x", type: "http", url: "https://evil.test/x" }), addEdge("plan", "x")], "the host 'evil.test'"],
      [[addNode({ id: "x", type: "http", url: "https://${ input.host }/x" }), addEdge("plan", "x")], "written out"],
      [
        [addNode({ id: "x", type: "http", url: "https://api.openalex.org${ input.rest }" }), addEdge("plan", "x")],
        "written out"
      ],
      [
        [addNode({ id: "x", type: "http", url: "https://api.openalex.org@evil.test/" }), addEdge("plan", "x")],
        "written out"
      ],
      [[
        addNode({ id: "x", type: "http", method: "POST", effect: "pure", url: "https://a.example.com/" }),
        addEdge("plan", "x")
      ], "irreversible"],
      [[
        addNode({ id: "x", type: "http", url: "https://a.example.com/", headers: { k: "${ secrets.KEY }" } }),
        addEdge("plan", "x")
      ], "the secret 'KEY'"],
      [[
        addNode({ id: "x", type: "map", over: [1], each: { type: "file", path: "x", content: "y" } }),
        addEdge("plan", "x")
      ], "nodes of the type 'map'"],
      [
        [addNode({ id: "x", type: "transform", value: 1 }), addEdge("plan", "x", { on: "failure" })],
        "may not handle the failure"
      ],
      [[{ op: "move", from: "/edges/0", path: "/edges/-" }], "Agents only add: move"]
    ]
    for (const [operations, why] of cases) {
      const answer = refused(run, operations, byPlan)
      assert.strictEqual(answer.code, "PATCH_POLICY", `${why}: ${answer.code} ${answer.message}`)
      assert.isTrue(answer.problems?.some(({ message }) => message.includes(why)), `${why}: ${JSON.stringify(answer)}`)
    }
    const fine = [
      addNode({ id: "x", type: "http", url: "https://a.example.com/${ input.q }" }),
      addEdge("plan", "x"),
      addEdge("x", "write")
    ]
    assert.deepStrictEqual(typesOf(patch(run, fine, byPlan)), ["PlanPatched"])
    // What an agent has brought is not the author's: another patch may lead into it.
    const more = [addNode({ id: "y", type: "transform", value: 1 }), addEdge("plan", "y"), addEdge("y", "x")]
    assert.deepStrictEqual(typesOf(patch(run, more, byPlan)), ["PlanPatched"])
    holds(run)
  })

  it("wait for a review that the run waits for too; another is refused meanwhile", () => {
    const run = new RunDriver(adaptive("required"))
    assert.deepStrictEqual(typesOf(patch(run, grown, { ...byPlan, id: "pat_r" })), ["PatchProposed"])
    assert.strictEqual(run.state.plan.revision, 0)
    assert.strictEqual(refused(run, grown, byPlan).code, "PATCH_PENDING")
    assert.strictEqual(run.state.review?.growth?.agentNodes, 1)
    assert.include(explain(run.state, run.at).map(({ reason }) => reason), "patch_review")
    holds(run)
    const approve = { type: "DecidePatch", at: ++run.at, patch: "pat_r", by: "ana", action: "approve" } as const
    assert.deepStrictEqual(typesOf(run.ask(approve)), ["PlanPatched"])
    const late = run.ask({ ...approve, action: "reject", by: "bob" }) as Refusal
    assert.deepStrictEqual([late.code, late.message.includes("applied by ana")], ["PATCH_DECIDED", true])
    run.succeed("plan")
    assert.deepStrictEqual(run.offered, ["authored", "x"])
    holds(run)
  })

  it("K4: a run with everything settled is not finished while a patch is in review", () => {
    const run = new RunDriver(adaptive("required"))
    patch(run, grown, { ...byPlan, id: "pat_r" })
    for (const path of ["plan", "authored", "write", "loose"]) run.succeed(path)
    assert.strictEqual(RunState.status(run.state), "waiting")
    holds(run)
    run.ask({ type: "DecidePatch", at: ++run.at, patch: "pat_r", by: "ana", action: "approve" })
    assert.deepStrictEqual(run.state.patches?.map(({ status }) => status), ["void"], "write has ended meanwhile")
    assert.strictEqual(run.state.finished?.status, "succeeded")
    holds(run)
  })

  it("a review is checked for who decides and until when, and a rejected patch leaves the plan as it was", () => {
    const run = new RunDriver(adaptive("whenItGrows", { approvers: ["group:editors", "ana"], timeout: "1m" }))
    const small = [addNode({ id: "t", type: "transform", value: 1 }), addEdge("plan", "t"), addEdge("t", "write")]
    assert.deepStrictEqual(typesOf(patch(run, small, byPlan)), ["PlanPatched"], "it does not grow in power")
    patch(run, grown, { ...byPlan, id: "pat_g" })
    const decide = { type: "DecidePatch", at: ++run.at, patch: "pat_g", action: "reject" } as const
    assert.propertyVal(run.ask({ ...decide, by: "eve" }), "code", "PATCH_DENIED")
    assert.propertyVal(run.ask({ ...decide, by: "eve", at: run.at + 60_000 }), "code", "PATCH_EXPIRED")
    const hash = CanonicalText.address(run.state.plan.document)
    assert.deepStrictEqual(typesOf(run.ask({ ...decide, by: "eve", groups: ["editors"], comment: "no" })), [
      "PatchRejected"
    ])
    assert.strictEqual(CanonicalText.address(run.state.plan.document), hash)
    patch(run, grown, { ...byPlan, id: "pat_h" })
    assert.isTrue(run.ring(), "its time comes")
    assert.deepStrictEqual(run.state.patches?.map(({ comment, status }) => [status, comment]), [
      ["applied", undefined],
      ["rejected", "no"],
      ["rejected", "expired"]
    ])
    holds(run)
  })

  it("a name that a reviewed patch has brought is nothing new to the next one, until it is taken back", () => {
    const run = new RunDriver(adaptive("whenItGrows", { add: { types: ["function"], functions: ["fresh"] } }))
    const calling = (id: string): Json => [addNode({ ...fn(id), function: "fresh" }), addEdge("authored", id)]
    assert.deepStrictEqual(typesOf(patch(run, calling("x"), { ...byPlan, id: "pat_x" })), ["PatchProposed"])
    run.ask({ type: "DecidePatch", at: ++run.at, patch: "pat_x", action: "approve", by: "ana" })
    assert.deepStrictEqual(typesOf(patch(run, calling("y"), { ...byPlan, id: "pat_y" })), ["PlanPatched"])
    for (const id of ["pat_y", "pat_x"]) {
      const revert = { type: "RevertPatch", at: ++run.at, id: `${id}r`, patch: id } as const
      assert.deepStrictEqual(typesOf(run.ask(revert)), ["PlanPatched"])
    }
    assert.deepStrictEqual(typesOf(patch(run, calling("z"), { ...byPlan, id: "pat_z" })), ["PatchProposed"])
    holds(run)
  })

  it("each irreversible node that is added is looked at, whatever irreversible nodes there are", () => {
    const add = { types: ["http"], hosts: ["a.example"], effects: ["irreversible"] }
    const flow = adaptive("whenItGrows", { add })
    const post = (id: string): Flow.Node => ({ id, type: "http", method: "POST", url: "https://a.example/x" })
    const edges = [...flow.edges ?? [], { from: "plan", to: "pay" }]
    const run = new RunDriver({ ...flow, nodes: [...flow.nodes, post("pay")], edges })
    assert.deepStrictEqual(typesOf(patch(run, [addNode(post("again")), addEdge("authored", "again")], byPlan)), [
      "PatchProposed"
    ])
    holds(run)
  })

  it("a run that closes voids what is in review", () => {
    const run = new RunDriver(adaptive("required"))
    patch(run, grown, { ...byPlan, id: "pat_r" })
    run.ask({ type: "CancelRun", at: ++run.at })
    assert.isUndefined(run.state.review)
    assert.propertyVal(
      run.ask({ type: "DecidePatch", at: ++run.at, patch: "pat_r", action: "approve" }),
      "code",
      "PATCH_DECIDED"
    )
    run.answer("plan", { ok: "interrupted" })
    assert.strictEqual(run.state.finished?.status, "cancelled")
    holds(run)
  })
})

describe("what a patch may cost", () => {
  it("is known where caps and budgets say so, and unknown, not zero, everywhere else", () => {
    const base = adaptive("required")
    const capped = {
      ...base,
      agents: {
        scout: { instructions: "look", maxOutputTokens: 100 },
        digger: { instructions: "dig", tools: ["patch_plan"] }
      }
    }
    const terms = { budget: {}, rates: { asOf: "2026-01-01", models: {}, agents: {} } }
    const worst = (node: object) => {
      const run = new RunDriver(capped, {}, undefined, terms)
      patch(run, [addNode({ id: "x", needs: ["plan"], ...node }), addEdge("x", "write")], byPlan)
      return run.state.review?.growth?.worstCase
    }
    assert.deepStrictEqual(worst({ agent: "scout", budget: { usd: 0.25 }, retry: { attempts: 2 } }), {
      agentCalls: 2,
      outputTokens: 400,
      usd: 0.5
    })
    assert.deepStrictEqual(worst({ agent: "scout" }), { agentCalls: 1, outputTokens: 200, usd: null })
    assert.deepStrictEqual(worst({ agent: "digger" }), { agentCalls: 1, outputTokens: null, usd: null })
    assert.deepStrictEqual(worst({ type: "transform", value: 1 }), { agentCalls: 0, outputTokens: 0, usd: 0 })
  })
})
