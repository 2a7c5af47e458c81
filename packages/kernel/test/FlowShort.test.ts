import * as Compile from "@baton/kernel/Compile"
import * as FlowShort from "@baton/kernel/FlowShort"
import * as FlowText from "@baton/kernel/FlowText"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"

const folder = new URL("../../../examples/flows/", import.meta.url)
const flows = readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), "utf8")] as const)

type Doc = { readonly [key: string]: Json }
const canonical = (doc: Json): unknown => FlowShort.toCanonical(doc).flow
const node = (short: Doc): unknown => {
  const { nodes } = canonical({ name: "x", nodes: { a: short } }) as { readonly nodes: ReadonlyArray<unknown> }
  return nodes[0]
}
const edges = (needs: Json): unknown => {
  const doc = { name: "x", nodes: { a: { value: 1 }, b: { value: 1, needs } } }
  return (canonical(doc) as { readonly edges: unknown }).edges
}

describe("FlowShort", () => {
  const spellings: ReadonlyArray<readonly [Doc, Doc]> = [
    [{ agent: "p" }, { type: "agent", agent: "p" }],
    [{ agent: ["p", "q"] }, { type: "agent", agent: ["p", "q"] }],
    [{ http: "GET https://x.test/a b" }, { type: "http", url: "https://x.test/a b", method: "GET" }],
    [{ http: "post   https://x.test" }, { type: "http", url: "https://x.test", method: "POST" }],
    [{ http: "https://x.test" }, { type: "http", url: "https://x.test" }],
    [{ http: "${ input.url }" }, { type: "http", url: "${ input.url }" }],
    [{ value: { a: 1 } }, { type: "transform", value: { a: 1 } }],
    [{ function: "f", input: 1 }, { type: "function", function: "f", input: 1 }],
    [{ file: "x.md", content: "y" }, { type: "file", path: "x.md", content: "y" }],
    [{ flow: "other@1.0.0" }, { type: "flow", flow: "other@1.0.0" }],
    [{ approval: "Go?", quorum: 2 }, { type: "approval", question: "Go?", quorum: 2 }],
    [{ approval: { question: "Go?", quorum: 2 } }, { type: "approval", question: "Go?", quorum: 2 }],
    [{ wait: "10s" }, { type: "wait", for: "10s" }],
    [{ wait: "answered" }, { type: "wait", event: "answered" }],
    [{ wait: { until: "2030-01-01T00:00:00Z" } }, { type: "wait", until: "2030-01-01T00:00:00Z" }],
    [{ choice: { x: "true", y: "otherwise" } }, { type: "choice", rules: [{ x: "true" }, { y: "otherwise" }] }],
    [{ map: [1, 2], each: { value: 1 } }, { type: "map", over: [1, 2], each: { type: "transform", value: 1 } }],
    [{ map: "${ input.l }", flow: "f", input: "${ item }" }, {
      type: "map",
      over: "${ input.l }",
      each: { type: "flow", flow: "f", input: "${ item }" }
    }],
    [{ repeat: { until: "true", max: 3, each: { agent: "p" } } }, {
      type: "repeat",
      each: { type: "agent", agent: "p" },
      until: "true",
      max: 3
    }],
    [{ repeat: 3, until: "true", each: { agent: "p" } }, {
      type: "repeat",
      each: { type: "agent", agent: "p" },
      until: "true",
      max: 3
    }],
    [{ value: 1, outputSchema: { type: "number" }, reuse: { ttl: "1h" } }, {
      type: "transform",
      value: 1,
      output: { type: "number" },
      receipt: { ttl: "1h" }
    }],
    [{ value: 1, reuse: true }, { type: "transform", value: 1, receipt: {} }],
    [{ value: 1, reuse: false }, { type: "transform", value: 1 }],
    [{ http: "https://x.test", retry: { on: [429, "5xx"] } }, {
      type: "http",
      url: "https://x.test",
      retry: { on: ["429", "5xx"] }
    }],
    [{ value: 1, when: "input.x" }, { type: "transform", value: 1, when: "input.x" }],
    [{ type: "transform", value: 1 }, { type: "transform", value: 1 }]
  ]
  it.each(spellings)("%j is %j", (short, long) => assert.deepStrictEqual(node(short), { id: "a", ...long }))

  it("turns needs into edges that name the outcome", () => {
    assert.deepStrictEqual(edges("a"), [{ from: "a", to: "b" }])
    assert.deepStrictEqual(edges(["a", "a.succeeded", "a.failed", "a.settled", "a.approved"]), [
      { from: "a", to: "b" },
      { from: "a", to: "b" },
      { from: "a", to: "b", on: "failure" },
      { from: "a", to: "b", on: "always" },
      { from: "a", to: "b", on: "approved" }
    ])
    const aliased = canonical({ name: "x", nodes: { a: { value: 1 }, b: { value: 1, depends_on: ["a"] } } })
    assert.deepStrictEqual((aliased as { readonly edges: unknown }).edges, [{ from: "a", to: "b" }])
  })

  it("takes needs on a canonical node too, after the edges that are written out", () => {
    const nodes = ["a", "b", "c"].map((id) => ({ id, type: "transform", value: 1 }))
    const doc = {
      name: "x",
      nodes: [nodes[0], nodes[1], { ...nodes[2], needs: ["b"] }],
      edges: [{ from: "a", to: "b" }]
    } as Json
    assert.deepStrictEqual(canonical(doc), {
      name: "x",
      nodes,
      edges: [{ from: "a", to: "b" }, { from: "b", to: "c" }]
    })
  })

  it.each(flows)("makes one canonical document of %s, which stays as it is and means the same", (name, text) => {
    const source = FlowText.parse(text, name).data
    const once = FlowShort.toCanonical(source)
    assert.deepStrictEqual(once.problems, [])
    const twice = FlowShort.toCanonical(once.flow as unknown as Json)
    assert.strictEqual(JSON.stringify(twice.flow), JSON.stringify(once.flow))
    const direct = Compile.check(text, name)
    const again = Compile.checkData(once.flow)
    assert.deepStrictEqual(again.flow, direct.flow)
    assert.deepStrictEqual(again.problems.map(({ code }) => code), direct.problems.map(({ code }) => code))
  })

  it("gives the same canonical node whatever order its keys are written in", () => {
    for (const [short] of spellings) {
      const turned = Object.fromEntries(Object.entries(short).toReversed())
      assert.strictEqual(JSON.stringify(node(turned)), JSON.stringify(node(short)))
    }
  })

  it("keeps the order of nodes and of a choice's rules, which mean something", () => {
    const doc = canonical({ name: "x", nodes: { z: { value: 1 }, a: { choice: { q: "true", b: "otherwise" } } } })
    const { nodes } = doc as { readonly nodes: ReadonlyArray<{ readonly id: string; readonly rules?: unknown }> }
    assert.deepStrictEqual(nodes.map(({ id }) => id), ["z", "a"])
    assert.deepStrictEqual(nodes[1]?.rules, [{ q: "true" }, { b: "otherwise" }])
  })

  it("leads every canonical pointer back to what the author wrote", () => {
    const { origin } = FlowShort.toCanonical({
      name: "x",
      inputSchema: {},
      nodes: {
        "a": { value: 1 },
        "b/c": { http: "GET https://x.test", outputSchema: {}, needs: ["a"], query: { q: 1 } }
      },
      edges: [{ from: "a", to: "a" }]
    })
    const pairs: ReadonlyArray<readonly [string, string]> = [
      ["/input/type", "/inputSchema/type"],
      ["/nodes/1/url", "/nodes/b~1c/http"],
      ["/nodes/1/method", "/nodes/b~1c/http"],
      ["/nodes/1/query/q", "/nodes/b~1c/query/q"],
      ["/nodes/1/output/type", "/nodes/b~1c/outputSchema/type"],
      ["/edges/0/to", "/edges/0/to"],
      ["/edges/1/from", "/nodes/b~1c/needs/0"],
      ["/output", "/output"]
    ]
    for (const [from, to] of pairs) assert.strictEqual(origin.pointer(from), to)
  })

  it.prop("is idempotent and total on any JSON", [Schema.Json], ([json]) => {
    const once = FlowShort.toCanonical(json).flow as unknown as Json
    assert.deepStrictEqual(FlowShort.toCanonical(once).flow as unknown, once)
  })
})
