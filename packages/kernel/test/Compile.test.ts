import * as Ancestors from "@baton/kernel/Ancestors"
import * as Compile from "@baton/kernel/Compile"
import * as Flow from "@baton/kernel/Flow"
import type { Plan } from "@baton/kernel/Plan"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"

const folder = new URL("../../../examples/", import.meta.url)
const examples = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yaml"))
  // A patch is a list of operations, and no flow.
  .filter((name) => /^name:/m.test(readFileSync(new URL(name, folder), "utf8")))
  .map((name) => [name, readFileSync(new URL(name, folder), "utf8")] as const)

type Doc = { readonly [key: string]: Json }
const plan = (nodes: Json, more: Doc = {}): Plan => {
  const { plan, problems } = Compile.checkData({ name: "x", nodes, ...more })
  assert.isDefined(plan, JSON.stringify(problems))
  return plan as Plan
}
const node = (nodes: Json, id: string, more: Doc = {}) => {
  const found = plan(nodes, more).byId.get(id)
  assert.isDefined(found)
  return found as NonNullable<typeof found>
}
const a = { value: 1 }

describe("Compile, examples", () => {
  it.each(examples)("%s checks without a problem", (name, text) => {
    const { plan, problems } = Compile.check(text, name)
    assert.deepStrictEqual(problems, [])
    assert.isDefined(plan)
    assert.isTrue(Schema.is(Flow.Flow)(plan?.document))
  })
})

describe("Compile, plans", () => {
  it("connects nodes both ways, in the order of the document", () => {
    const made = plan({ a, b: a, c: { value: "${ needs }", needs: ["b", "a.failed"] }, d: { ...a, needs: ["c"] } })
    const [first, second, third] = made.nodes
    assert.deepStrictEqual(third?.incoming.map(({ from, on, ordinal }) => [from, on, ordinal]), [[1, "success", 0], [
      0,
      "failure",
      0
    ]])
    assert.strictEqual(first?.outgoing[0], third?.incoming[1])
    assert.strictEqual(second?.outgoing[0]?.to, 2)
    assert.deepStrictEqual([...Ancestors.of(made, 3)].sort(), [0, 1, 2])
    assert.deepStrictEqual(made.sinks, [3])
    assert.isTrue(third?.fields["value"]?.references.allNeeds)
  })

  it("folds defaults into steps that a worker runs, and into no others", () => {
    const more: Doc = {
      defaults: { timeout: "5s", retry: { attempts: 3, initial: "1s", factor: 3, on: [429] } },
      limits: { agents: 9 }
    }
    const nodes: Doc = {
      http: { http: "GET https://x.test", retry: { attempts: 2 } },
      own: { http: "GET https://x.test", timeout: "1m", retry: { initial: "2m" } },
      map: { map: [1], each: { agent: "p" } },
      gate: { approval: "?" },
      wait: { wait: { event: "x" } },
      sub: { flow: "other" },
      pick: { choice: { x: "otherwise" } }
    }
    const of = (id: string) => node(nodes, id, more)
    assert.strictEqual(of("http").timeoutMs, 5000)
    assert.deepStrictEqual(of("http").retry, {
      attempts: 2,
      initialMs: 1000,
      factor: 3,
      maxMs: 30_000,
      jitter: true,
      on: ["429"]
    })
    assert.strictEqual(of("own").timeoutMs, 60_000)
    assert.strictEqual(of("own").retry.maxMs, 120_000)
    assert.strictEqual(of("map").map?.body.timeoutMs, 5000)
    assert.strictEqual(of("map").map?.body.retry.attempts, 3)
    for (const id of ["map", "gate", "wait", "sub", "pick"]) {
      assert.isUndefined(of(id).timeoutMs, id)
      assert.strictEqual(of(id).retry.attempts, 1, id)
    }
  })

  it("knows what each step may do to the world", () => {
    const effect = (short: Doc) => node({ a: short }, "a").effect
    assert.strictEqual(effect({ value: 1 }), "pure")
    for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
      assert.strictEqual(effect({ http: `${method} https://x.test` }), "idempotent")
    }
    for (const method of ["POST", "PATCH"]) {
      assert.strictEqual(effect({ http: `${method} https://x.test` }), "irreversible")
    }
    assert.strictEqual(effect({ http: "POST https://x.test", effect: "keyed" }), "keyed")
    for (const short of [{ agent: "p" }, { file: "x", content: "y" }, { function: "f" }]) {
      assert.strictEqual(effect(short), "idempotent")
    }
  })

  it("reads maps, choices, waits, repeats and joins", () => {
    const map = node({
      a: {
        map: "${ input.l }",
        parallel: 5,
        rate: "40/s",
        tolerate: { failures: "2.5 %" },
        each: { value: "${ item + index }" }
      }
    }, "a").map
    assert.deepStrictEqual([map?.parallel, map?.rate, map?.tolerate], [5, { count: 40, windowMs: 1000 }, {
      share: 0.025
    }])
    assert.deepStrictEqual(map?.over.lone, ["input", "l"])
    assert.deepStrictEqual([...(map?.body.fields["value"]?.references.roots ?? [])], ["item", "index"])
    const plain = node({ a: { map: [1], each: a } }, "a", { limits: { parallel: 3 } }).map
    assert.deepStrictEqual([plain?.parallel, plain?.rate, plain?.tolerate], [3, undefined, { count: 0 }])
    const choice = node({ a: { choice: { x: "${ input.n > 1 }", y: "otherwise" } } }, "a").choice
    assert.deepStrictEqual(choice?.map(({ outcome, when }) => [outcome, when?.source]), [["x", " input.n > 1 "], [
      "y",
      undefined
    ]])
    const wait = node({ a: { wait: { for: "${ input.d }" }, timeout: "1h" } }, "a").wait
    assert.deepStrictEqual([wait?.forDuration?.lone, wait?.event, wait?.timeoutMs], [
      ["input", "d"],
      undefined,
      3_600_000
    ])
    const repeat = node({ a: { repeat: 3, until: "last.done || index > 1", each: { value: "${ last }" } } }, "a").repeat
    assert.deepStrictEqual([repeat?.max, repeat?.until.source, repeat?.body.type], [
      3,
      "last.done || index > 1",
      "transform"
    ])
    const join = (join: Json) => node({ a, b: a, c: { ...a, needs: ["a", "b"], join } }, "c").join
    assert.deepStrictEqual([join("all"), join("any"), join({ atLeast: 2, wait: true })], [
      { need: "all", wait: false },
      { need: 1, wait: false },
      { need: 2, wait: true }
    ])
  })

  it("lets an edge's condition read its source, and a body read item and index", () => {
    const edges = [{ from: "a", to: "b", when: "nodes.a.output == 1" }]
    assert.strictEqual(plan({ a, b: a }, { edges }).nodes[1]?.incoming[0]?.when?.source, "nodes.a.output == 1")
    plan({
      a: { map: [1], each: { value: "${ item }", select: "${ output }" } },
      b: { map: [1], each: { http: "GET https://x.test/${ index }" } }
    })
  })

  it("warns about joins of exclusive edges only", () => {
    const codes = (nodes: Json) => plan(nodes).problems.map(({ code }) => code)
    const gate = { approval: "?" }
    assert.deepStrictEqual(
      codes({ gate, b: { ...a, needs: ["gate.approved"] }, c: { ...a, needs: ["gate.approved", "b"] } }),
      []
    )
    assert.deepStrictEqual(
      codes({
        gate,
        b: { ...a, needs: ["gate.approved"] },
        c: { ...a, needs: ["gate.rejected"] },
        d: { ...a, needs: ["b", "c"], join: "any" }
      }),
      []
    )
    assert.deepStrictEqual(codes({ a, b: { ...a, needs: ["a", "a.settled"] } }), [])
    assert.deepStrictEqual(codes({ gate, b: { ...a, needs: ["gate", "gate.approved"] } }), [])
  })

  it("takes the revision and the registered agents from outside", () => {
    const doc = { name: "x", nodes: [{ id: "a", type: "agent", agent: "p" }], edges: [] } as unknown as Flow.Flow
    const made = Result.getOrThrow(Compile.compile(doc, { revision: 4, agents: new Set(["p"]) }))
    assert.deepStrictEqual([made.revision, made.problems, made.version], [4, [], "0.0.0"])
  })
})

describe("Compile, any document", () => {
  it.prop("K8: any JSON gives a plan or problems, never a throw", [Schema.Json], ([json]) => {
    const result = Compile.compile(json as unknown as Flow.Flow)
    if (Result.isFailure(result)) assert.isNotEmpty(result.failure)
    assert.isArray(Compile.checkData(json).problems)
  }, { arbitrary: { runs: 300 } })

  const Id = Schema.Literals(["a", "b", "c"])
  const Text = Schema.Literals([
    "${ needs.a }",
    "${ nodes.b.output.x }",
    "${ 1 +",
    "plain",
    "10s",
    "${ item }",
    "otherwise",
    ""
  ])
  const Part = Schema.Union([Text, Schema.Int, Schema.Null, Schema.Array(Text), Schema.Record(Schema.String, Text)])
  const Key = Schema.Literals([
    "agent",
    "http",
    "map",
    "each",
    "needs",
    "value",
    "choice",
    "wait",
    "retry",
    "join",
    "output",
    "type",
    "when",
    "over"
  ])
  const Shapeless = Schema.Struct({
    name: Text,
    nodes: Schema.Record(Id, Schema.Record(Key, Part)),
    edges: Schema.optionalKey(
      Schema.Array(Schema.Record(Schema.Literals(["from", "to", "on", "when"]), Schema.Union([Id, Text])))
    )
  })
  it.prop("K8: what almost looks like a flow gives a plan or problems, never a throw", [Shapeless], ([json]) => {
    const { plan, problems } = Compile.checkData(json)
    assert.isTrue(plan !== undefined || problems.length > 0)
  }, { arbitrary: { runs: 500 } })

  it.prop("K8: any text gives a plan or problems, never a throw", [Schema.String], ([text]) => {
    assert.isNotEmpty(Compile.check(text).problems)
  })

  it.prop("K8: a document of the right shape is judged by rules alone", [Flow.Flow], ([flow]) => {
    const result = Compile.compile(flow)
    // The fields of a checkpoint, a flow written in place, and a policy's lists are open in the shape: a rule looks at them.
    const isOpen = (pointer: string) =>
      pointer.includes("/checkpointAfter/") || /\/flow(\/|$)/.test(pointer) || pointer.startsWith("/policy/")
    const shape = Result.isFailure(result) ? result.failure.filter((_) => !isOpen(_.pointer)) : []
    const codes = shape.map(({ code }) => code)
    assert.notInclude(codes, "UNKNOWN_FIELD")
    assert.notInclude(codes, "UNKNOWN_NODE_TYPE")
  }, { arbitrary: { runs: 100 } })
})

describe("Compile, size", () => {
  const chain = (length: number): Flow.Flow => ({
    name: "chain",
    limits: { steps: 100_000 },
    nodes: Array.from({ length }, (_, index): Flow.Node => ({
      id: `n${index}`,
      type: "transform",
      value: index === 0 ? "start" : { last: `\${ needs.n${index - 1} }`, first: "${ nodes.n0.output }" }
    })),
    edges: Array.from({ length: length - 1 }, (_, index) => ({ from: `n${index}`, to: `n${index + 1}` }))
  })
  const cost = (length: number): number => {
    const flow = chain(length)
    const before = process.cpuUsage()
    assert.isTrue(Result.isSuccess(Compile.compile(flow)))
    const { system, user } = process.cpuUsage(before)
    return (system + user) / 1000 / length
  }

  it("compiles a chain of 10,000 nodes, at a cost per node that does not grow", () => {
    cost(1000)
    const small = cost(1000)
    const large = cost(10_000)
    assert.isBelow(large, 6 * small + 0.1)
    assert.isBelow(large * 10_000, 5000)
  })

  it("visits a node once, however many ways lead to it", () => {
    const nodes: Record<string, Json> = { n0: a }
    for (let rung = 0; rung < 60; rung++) {
      nodes[`l${rung}`] = { ...a, needs: [`n${rung}`] }
      nodes[`r${rung}`] = { ...a, needs: [`n${rung}`] }
      nodes[`n${rung + 1}`] = { value: "${ nodes.n0.output }", needs: [`l${rung}`, `r${rung}`] }
    }
    const made = plan(nodes)
    assert.strictEqual(Ancestors.of(made, made.byId.get("n60")?.index ?? -1).size, 180)
  })

  it("refuses more nodes than the limit at once", () => {
    const { problems } = Compile.checkData({ name: "x", nodes: Array.from({ length: 20_001 }, () => null) })
    assert.deepStrictEqual(problems.map(({ code }) => code), ["TOO_MANY_NODES"])
  })
})
