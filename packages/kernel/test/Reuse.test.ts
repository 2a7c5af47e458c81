/** Runs made from other runs: what is kept, what runs again, and what asks first (SEMANTICS 8.11e). */
import type * as Flow from "@baton/kernel/Flow"
import * as Invariants from "@baton/kernel/Invariants"
import * as ReusePlan from "@baton/kernel/ReusePlan"
import { SourceRun } from "@baton/kernel/SourceRun"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "vitest"
import { compile, flow, RunDriver } from "./RunDriver.ts"

interface Wanted {
  readonly at?: number
  readonly flow?: Flow.Flow
  readonly kind?: "retry" | "fork"
  readonly again?: ReadonlyArray<string>
  readonly input?: { readonly before: Json; readonly after: Json }
  readonly allowIrreversible?: boolean
  readonly changes?: ReadonlyArray<{ readonly path: string; readonly modifications: { readonly v: Json } }>
}

/** The new run, at the end of its creation. */
const made = (
  from: RunDriver,
  wanted: Wanted = {}
): { readonly run: RunDriver; readonly plan: ReusePlan.ReusePlan } => {
  const source = new SourceRun(from.plan, wanted.at)
  for (const event of from.events) source.fold(event)
  const target = wanted.flow ?? from.plan.document
  const plan = ReusePlan.make(source, {
    plan: wanted.flow === undefined ? from.plan : compile(target),
    kind: wanted.kind ?? "fork",
    again: new Set(wanted.again),
    allowIrreversible: wanted.allowIrreversible ?? false,
    ...(wanted.input === undefined ? {} : { input: wanted.input })
  })
  const { guarded, maps, started, steps, warnings } = plan
  const lineage = { run: "run_0", seq: source.state.seq, kind: wanted.kind ?? "fork" }
  const reuse = { lineage, steps, maps, guarded, started, warnings, changes: wanted.changes ?? [] }
  const run = new RunDriver(target, wanted.input?.after ?? {}, reuse)
  assert.isUndefined(run.state.sealed)
  assert.deepStrictEqual(Invariants.violations(run.state), [])
  return { run, plan }
}

const transform = (id: string, value: Json = id): Flow.Node => ({ id, type: "transform", value })
const pay = (id: string): Flow.Node => ({ id, type: "function", function: "pay", effect: "irreversible" })

const finish = (run: RunDriver): RunDriver => {
  for (let left = 1000; run.offered.length > 0 && left > 0; left--) {
    run.succeed(run.offered[0] ?? "", run.offered[0] ?? "")
  }
  return run
}

const diamond = [transform("a"), transform("b"), transform("c"), transform("d"), transform("e")]
const ways = ["a>b", "a>c", "b>d", "c>d"]

describe("a fork", () => {
  it("of a run that has changed nothing keeps everything and ends as the source did", () => {
    const source = finish(new RunDriver(flow(diamond, ways)))
    const { plan, run } = made(source)
    assert.deepStrictEqual(plan.running, [])
    assert.strictEqual(run.state.finished?.status, "succeeded")
    assert.deepStrictEqual(run.state.finished?.output, source.state.finished?.output)
    assert.deepStrictEqual(run.state.lineage, { run: "run_0", seq: source.state.seq, kind: "fork" })
    assert.isTrue(run.state.nodes.get(0).reused)
  })

  it("at an event keeps what had settled by then, and runs the rest", () => {
    const source = new RunDriver(flow(diamond, ways))
    source.succeed("a")
    source.succeed("e")
    const { seq } = source.state
    finish(source)
    const { run } = made(source, { at: seq })
    assert.deepStrictEqual([...run.offered].toSorted(), ["b", "c"])
    assert.strictEqual(finish(run).state.finished?.status, "succeeded")
  })

  it("with another definition runs exactly that node and what is behind it", () => {
    const source = finish(new RunDriver(flow(diamond, ways)))
    const nodes = diamond.map((node) => node.id === "b" ? transform("b", "other") : node)
    const { plan, run } = made(source, { flow: flow(nodes, ways) })
    assert.deepStrictEqual(plan.running, ["b", "d"])
    assert.deepStrictEqual(run.offered, ["b"])
  })

  it("with another description, timeout or retry policy runs nothing again", () => {
    const source = finish(new RunDriver(flow(diamond, ways)))
    const nodes = diamond.map((node) => ({ ...node, description: "x", timeout: "5s", retry: { attempts: 3 } }))
    assert.deepStrictEqual(made(source, { flow: flow(nodes, ways) }).plan.running, [])
  })

  it("with another input runs what reads the part that has changed", () => {
    const nodes = [transform("a", "${ input.x }"), transform("b", "${ input.y }"), transform("c", "${ needs.b }")]
    const before = { x: 1, y: { deep: 1, other: 1 } }
    const source = finish(new RunDriver(flow(nodes, ["b>c"]), before))
    const x = made(source, { input: { before, after: { ...before, x: 2 } } })
    assert.deepStrictEqual(x.plan.running, ["a"])
    const y = made(source, { input: { before, after: { ...before, y: { deep: 2, other: 1 } } } })
    assert.deepStrictEqual(y.plan.running, ["b", "c"])
  })

  it("with a new node and edges runs only the new node", () => {
    const source = finish(new RunDriver(flow(diamond, ways)))
    const { plan, run } = made(source, { flow: flow([...diamond, transform("f")], [...ways, "d>f"]) })
    assert.deepStrictEqual(plan.running, ["f"])
    assert.deepStrictEqual(run.offered, ["f"])
  })

  it("decides a new edge of a kept step by its condition", () => {
    const source = new RunDriver(flow([transform("a"), transform("b")]))
    source.succeed("a", 5)
    source.succeed("b", 1)
    for (const [when, status] of [["nodes.a.output > 3", "queued"], ["nodes.a.output > 9", "skipped"]] as const) {
      const next = flow([transform("a"), transform("b"), transform("c")], [{ from: "a", to: "c", when }])
      assert.strictEqual(made(source, { flow: next }).run.status("c"), status)
    }
  })

  it("keeps the way a choice took, and takes another one when its rules change", () => {
    const choice = (limit: number): Flow.Node => ({
      id: "which",
      type: "choice",
      rules: [{ big: `needs.a > ${limit}` }, { small: "otherwise" }]
    })
    const edges = ["a>which", "which>up on big", "which>down on small", "up>end", "down>end"]
    const nodes = (limit: number) => [
      transform("a"),
      choice(limit),
      transform("up"),
      transform("down"),
      { ...transform("end"), join: "any" as const }
    ]
    const source = new RunDriver(flow(nodes(3), edges))
    source.succeed("a", 5)
    finish(source)
    assert.strictEqual(source.status("down"), "skipped")
    const same = made(source)
    assert.deepStrictEqual([same.plan.running, same.run.status("down")], [[], "skipped"])
    const other = made(source, { flow: flow(nodes(9), edges) })
    assert.deepStrictEqual(other.plan.running, ["which", "up", "down", "end"])
    assert.deepStrictEqual([other.run.status("up"), other.run.offered], ["skipped", ["down"]])
  })

  it("keeps a step that had begun before the other branch of its join was there", () => {
    const nodes = [transform("a"), transform("b"), { ...transform("first"), join: "any" as const }]
    const source = new RunDriver(flow(nodes, ["a>first", "b>first"]))
    source.succeed("a")
    source.succeed("first")
    const { run } = made(source)
    assert.deepStrictEqual(run.offered, ["b"])
    assert.strictEqual(finish(run).state.finished?.status, "succeeded")
  })

  it("keeps a failure that an edge or `continue` had taken, and warns as the source did", () => {
    const nodes = [
      { ...transform("a"), onFailure: "continue" as const },
      transform("b"),
      transform("c"),
      transform("d")
    ]
    const source = new RunDriver(flow(nodes, ["a>b", "c>d on failure"]))
    source.fail("a")
    source.fail("c")
    finish(source)
    assert.strictEqual(source.state.finished?.status, "warned")
    const { plan, run } = made(source)
    assert.deepStrictEqual(plan.running, [])
    assert.deepStrictEqual([run.state.finished?.status, run.status("a"), run.status("d")], [
      "warned",
      "failed",
      "succeeded"
    ])
  })
})

describe("a retry of a finished run", () => {
  it("keeps what succeeded, and runs what failed, was cancelled, or came after that", () => {
    const source = new RunDriver(flow(diamond, ways))
    source.succeed("a")
    source.succeed("e")
    source.succeed("b")
    source.fail("c")
    assert.strictEqual(source.state.finished?.status, "failed")
    const { plan, run } = made(source, { kind: "retry" })
    assert.deepStrictEqual(plan.running, ["c", "d"])
    assert.deepStrictEqual(run.offered, ["c"])
    assert.strictEqual(run.state.nodes.get(1).output, source.state.nodes.get(1).output)
    assert.strictEqual(finish(run).state.finished?.status, "succeeded")
  })

  it("takes back what a failure's edge had started", () => {
    const source = new RunDriver(flow([transform("a"), transform("mend")], ["a>mend on failure"]))
    source.fail("a")
    source.succeed("mend")
    const { run } = made(source, { kind: "retry" })
    assert.deepStrictEqual(run.offered, ["a"])
    run.succeed("a")
    assert.strictEqual(run.status("mend"), "skipped")
  })

  it("of one step runs that step and what is behind it, with the operator's modifications", () => {
    const source = finish(new RunDriver(flow(diamond, ways)))
    const changes = [{ path: "c", modifications: { v: { value: 2 } } }]
    const { plan, run } = made(source, { kind: "retry", again: ["c"], changes })
    assert.deepStrictEqual(plan.running, ["c", "d"])
    assert.deepStrictEqual(run.state.changes.get("c"), { generation: 1, modifications: { v: { value: 2 } } })
  })

  it("keeps the items of a map that succeeded, in the list as it was", () => {
    const each = { type: "function" as const, function: "f" }
    const map: Flow.Node = { id: "m", type: "map", over: [1, 2, 3], tolerate: { failures: 2 }, each }
    const source = new RunDriver(flow([map, transform("after")], ["m>after"]))
    source.succeed("m[0]", "zero")
    source.fail("m[1]")
    source.succeed("m[2]", "two")
    source.succeed("m", {})
    finish(source)
    assert.strictEqual(source.state.finished?.status, "warned")
    assert.deepStrictEqual(made(source, { kind: "fork" }).plan.running, [])
    const { run } = made(source, { kind: "retry" })
    assert.deepStrictEqual(run.offered, ["m[1]"])
    assert.deepStrictEqual(run.state.maps.get(0)?.output(2), inline("two"))
    run.succeed("m[1]", "one")
    assert.deepStrictEqual(run.offered, ["m"])
    const one = made(source, { kind: "retry", again: ["m[0]"] })
    assert.deepStrictEqual(one.run.offered, ["m[0]", "m[1]"])
  })

  it("runs all items again when the map, its list or its body has changed", () => {
    const map = (over: Json, f: string): Flow.Node =>
      ({ id: "m", type: "map", over, each: { type: "function", function: f } }) as Flow.Node
    const source = new RunDriver(flow([transform("a"), map("${ needs.a }", "f")], ["a>m"]))
    source.succeed("a", [1, 2])
    source.succeed("m[0]")
    source.fail("m[1]")
    source.succeed("m", {})
    assert.strictEqual(source.state.finished?.status, "failed")
    assert.deepStrictEqual(made(source, { kind: "retry" }).run.offered, ["m[1]"])
    const body = made(source, { kind: "retry", flow: flow([transform("a"), map("${ needs.a }", "g")], ["a>m"]) })
    assert.deepStrictEqual(body.run.offered, ["m[0]", "m[1]"])
    const list = made(source, { kind: "retry", again: ["a"] })
    assert.deepStrictEqual(list.run.offered, ["a"])
  })
})

describe("an irreversible step that the source had started", () => {
  const chain = flow([transform("a"), pay("charge"), transform("b")], ["a>charge", "charge>b"])
  const charged = (): RunDriver => {
    const run = new RunDriver(chain)
    run.succeed("a")
    run.ask({ type: "StartCall", at: run.at, path: "charge", attempt: 1, key: "k" })
    return run
  }
  const failed = (): RunDriver => {
    const run = charged()
    run.fail("charge", { sent: true })
    run.ask({ type: "ResolveStep", at: run.at, path: "charge", action: "abort" })
    return run
  }

  it("waits for a person before it runs again, whose doors are retry, skip and abort", () => {
    for (const action of ["retry", "skip", "abort"] as const) {
      const { plan, run } = made(failed(), { kind: "retry" })
      assert.deepStrictEqual(plan.guarded, ["charge"])
      assert.strictEqual(run.status("charge"), "waiting")
      assert.deepStrictEqual(run.offered, [])
      run.ask({ type: "ResolveStep", at: ++run.at, path: "charge", action, output: inline({ id: 1 }) })
      const expected = { retry: ["charge"], skip: ["b"], abort: [] }[action]
      assert.deepStrictEqual(run.offered, expected)
      assert.deepStrictEqual(Invariants.violations(run.state), [])
    }
  })

  it("runs again at once when that is allowed, and when it comes to be kept", () => {
    assert.deepStrictEqual(made(failed(), { kind: "retry", allowIrreversible: true }).run.offered, ["charge"])
    const done = finish(charged())
    assert.strictEqual(done.state.finished?.status, "succeeded")
    assert.strictEqual(made(done, { again: ["b"] }).run.status("charge"), "succeeded")
    assert.strictEqual(made(done, { again: ["charge"] }).run.status("charge"), "waiting")
  })

  it("waits although the fork begins before the call was made, and in a fork of the fork", () => {
    const { run } = made(finish(charged()), { at: 3 })
    assert.strictEqual(run.status("charge"), "waiting")
    assert.strictEqual(made(run).run.status("charge"), "waiting")
  })

  it("waits in a fork of a fork that had kept it, or was allowed to do it again and never came to it", () => {
    const kept = made(finish(charged()), { again: ["b"] }).run
    assert.strictEqual(kept.status("charge"), "succeeded")
    assert.strictEqual(made(finish(kept), { again: ["charge"] }).run.status("charge"), "waiting")
    const allowed = made(failed(), { kind: "retry", again: ["a"], allowIrreversible: true }).run
    allowed.ask({ type: "CancelRun", at: allowed.at })
    const last = made(allowed, { kind: "retry" }).run
    last.succeed("a")
    assert.strictEqual(last.status("charge"), "waiting")
  })

  it("may be put off by the person who lets it run", () => {
    const { run } = made(failed(), { kind: "retry" })
    run.ask({ type: "ResolveStep", at: ++run.at, path: "charge", action: "retry", delayMs: 5000 })
    assert.deepStrictEqual(run.offered, [])
    run.ring()
    assert.deepStrictEqual(run.offered, ["charge"])
  })

  it("as an item of a kept map waits alone; where the map runs anew the map waits", () => {
    const each = { type: "function" as const, function: "pay", effect: "irreversible" as const }
    const map = (f: string) => flow([{ id: "m", type: "map", over: [1, 2], each: { ...each, function: f } }])
    const source = new RunDriver(map("pay"))
    source.ask({ type: "StartCall", at: source.at, path: "m[0]", attempt: 1, key: "k" })
    source.succeed("m[0]")
    source.ask({ type: "StartCall", at: source.at, path: "m[1]", attempt: 1, key: "l" })
    source.fail("m[1]", { sent: true })
    source.ask({ type: "ResolveStep", at: source.at, path: "m[1]", action: "abort" })
    source.succeed("m", {})
    assert.strictEqual(source.state.finished?.status, "failed")
    const one = made(source, { kind: "retry" }).run
    assert.deepStrictEqual([one.offered, one.state.maps.get(0)?.status(1)], [[], "waiting"])
    one.ask({ type: "ResolveStep", at: ++one.at, path: "m[1]", action: "retry" })
    assert.deepStrictEqual(one.offered, ["m[1]"])
    const all = made(source, { kind: "retry", flow: map("other") }).run
    assert.strictEqual(all.status("m"), "waiting")
    all.ask({ type: "ResolveStep", at: ++all.at, path: "m", action: "retry" })
    assert.deepStrictEqual(all.offered, ["m[0]", "m[1]"])
  })
})

describe("a flow of 57 nodes", () => {
  const agent = (id: string, instructions: string): Flow.Node => ({ id, type: "agent", agent: { instructions } })
  /** Seven chains of eight agents below one root: chain c, step s. */
  const grid = (prompt: (id: string) => string): Flow.Flow => {
    const ids = Array.from({ length: 56 }, (_, n) => `n${Math.floor(n / 8)}_${n % 8}`)
    const edges = ids.map((id) => id.endsWith("_0") ? `root>${id}` : `${id.slice(0, 3)}${Number(id[3]) - 1}>${id}`)
    const nodes = [agent("root", prompt("root")), ...ids.map((id) => agent(id, prompt(id)))]
    return flow(nodes, [...edges, "n0_3>n1_5", "n2_7>n3_7"], { limits: { agents: 100 } })
  }

  it("runs exactly the changed prompt's node and those behind it again, whichever prompt it is", () => {
    const source = finish(new RunDriver(grid((id) => `do ${id}`)))
    assert.strictEqual(source.state.finished?.status, "succeeded")
    for (const node of source.plan.nodes) {
      const behind = new Set([node.index])
      for (const index of behind) for (const edge of source.plan.nodes[index]?.outgoing ?? []) behind.add(edge.to)
      const { plan } = made(source, { flow: grid((id) => id === node.id ? "do it better" : `do ${id}`) })
      assert.deepStrictEqual(
        new Set(plan.running),
        new Set([...behind].map((index) => source.plan.nodes[index]?.id ?? "")),
        node.id
      )
    }
  })

  it("finds the prompt of a named agent of the flow, through what it is bound to", () => {
    const named = (instructions: string) =>
      flow([{ id: "a", type: "agent", agent: "first" }, agent("b", "x")], [], {
        agents: { first: { use: "second" }, second: { instructions }, other: { instructions } }
      })
    const source = finish(new RunDriver(named("old")))
    assert.deepStrictEqual(made(source, { flow: named("new") }).plan.running, ["a"])
  })
})
