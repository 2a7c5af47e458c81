import * as Compile from "@baton/kernel/Compile"
import * as Problem from "@baton/kernel/Problem"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"

type Doc = { readonly [key: string]: Json }
const flow = (nodes: Json, more: Doc = {}): Doc => ({ name: "x", nodes, ...more })
const a = { value: 1 }
const chain = (node: Doc): Doc => flow({ a, b: { needs: ["a"], value: 1, ...node } })

interface Case {
  readonly code: Problem.Code
  readonly doc: Json
  /** Where, in the document as it is written here. */
  readonly at: string
  readonly suggestion?: string
}

/** One document per problem, and often several per code. */
const cases: ReadonlyArray<Case> = [
  { code: "NOT_JSON", doc: flow({ a: { value: "x\0" } }), at: "/nodes/a/value" },
  { code: "NOT_A_FLOW", doc: [], at: "" },
  { code: "NOT_A_FLOW", doc: null, at: "" },
  { code: "MISSING_FIELD", doc: { nodes: { a } }, at: "" },
  { code: "MISSING_FIELD", doc: { name: "x" }, at: "" },
  { code: "MISSING_FIELD", doc: flow([{ id: "a", type: "file", path: "x" }]), at: "/nodes/0" },
  { code: "MISSING_FIELD", doc: flow([{ type: "transform", value: 1 }]), at: "/nodes/0" },
  { code: "MISSING_FIELD", doc: flow({ a }, { agents: { p: { model: "m" } } }), at: "/agents/p" },
  { code: "UNKNOWN_FIELD", doc: flow({ a }, { limmits: {} }), at: "/limmits", suggestion: "limits" },
  { code: "UNKNOWN_FIELD", doc: flow({ a: { value: 1, timeut: "1s" } }), at: "/nodes/a/timeut", suggestion: "timeout" },
  {
    code: "UNKNOWN_FIELD",
    doc: flow({ a: { http: "GET https://x.test", retry: { atempts: 2 } } }),
    at: "/nodes/a/retry/atempts",
    suggestion: "attempts"
  },
  {
    code: "UNKNOWN_FIELD",
    doc: flow({ a: { value: 1, checkpointAfter: { questoin: "?" } } }),
    at: "/nodes/a/checkpointAfter/questoin",
    suggestion: "question"
  },
  { code: "WRONG_TYPE", doc: flow({ a: { value: 1, timeout: 5 } }), at: "/nodes/a/timeout" },
  { code: "WRONG_TYPE", doc: flow({ a: { value: 1, timeout: "soon" } }), at: "/nodes/a/timeout" },
  { code: "WRONG_TYPE", doc: flow({ a: 5 }), at: "/nodes/a" },
  { code: "WRONG_TYPE", doc: flow({ a: { value: 1, needs: 5 } }), at: "/nodes/a/needs" },
  { code: "WRONG_TYPE", doc: flow({ a: { value: 1, needs: ["b.c.d"] } }), at: "/nodes/a/needs/0" },
  { code: "WRONG_TYPE", doc: flow({ a: { map: [1], rate: "fast", each: a } }), at: "/nodes/a/rate" },
  {
    code: "WRONG_TYPE",
    doc: flow({ a: { map: [1], tolerate: { failures: "some" }, each: a } }),
    at: "/nodes/a/tolerate/failures"
  },
  { code: "WRONG_TYPE", doc: flow({ a: { http: "FETCH https://x.test" } }), at: "/nodes/a/http" },
  {
    code: "WRONG_TYPE",
    doc: flow({ a: { http: "GET https://x.test", retry: { on: ["netwrok"] } } }),
    at: "/nodes/a/retry/on/0",
    suggestion: "network"
  },
  { code: "EMPTY_FLOW", doc: flow({}), at: "/nodes" },
  { code: "TOO_MANY_NODES", doc: flow({ a, b: a }, { limits: { steps: 1 } }), at: "/limits/steps" },
  {
    code: "TOO_MANY_NODES",
    doc: flow({ a: { agent: "p" } }, { agents: { p: { instructions: "x" } }, limits: { agents: 0 } }),
    at: "/limits/agents"
  },
  { code: "NO_NODE_TYPE", doc: flow({ a: { agnet: "p" } }), at: "/nodes/a", suggestion: "agent" },
  { code: "AMBIGUOUS_NODE_TYPE", doc: flow({ a: { value: 1, file: "x" } }), at: "/nodes/a" },
  { code: "UNKNOWN_NODE_TYPE", doc: flow([{ id: "a", type: "agnt" }]), at: "/nodes/0/type", suggestion: "agent" },
  { code: "UNKNOWN_NODE_TYPE", doc: flow({ a: { map: [1], each: { approval: "?" } } }), at: "/nodes/a/each/type" },
  { code: "BAD_ID", doc: flow({ "1a": a }), at: "/nodes/1a" },
  { code: "BAD_ID", doc: flow([{ id: "a/b", type: "transform", value: 1 }]), at: "/nodes/0/id" },
  {
    code: "DUPLICATE_ID",
    doc: flow([{ id: "a", type: "transform", value: 1 }, { id: "a", type: "transform", value: 1 }]),
    at: "/nodes/1/id"
  },
  { code: "DUPLICATE_KEY", doc: flow({ a: { value: 1, output: {}, outputSchema: {} } }), at: "/nodes/a/outputSchema" },
  {
    code: "UNKNOWN_NODE",
    doc: flow({ plan: a, b: { needs: ["plna"], value: 1 } }),
    at: "/nodes/b/needs/0",
    suggestion: "plan"
  },
  { code: "UNKNOWN_NODE", doc: flow({ a }, { edges: [{ from: "a", to: "zebra" }] }), at: "/edges/0/to" },
  { code: "UNKNOWN_NODE", doc: chain({ value: "${ nodes.c.output }" }), at: "/nodes/b/value" },
  {
    code: "UNKNOWN_NODE",
    doc: flow({ "my-id": a, b: { needs: ["my-id"], value: "${ nodes.my-id.output }" } }),
    at: "/nodes/b/value",
    suggestion: "nodes['my-id']"
  },
  { code: "UNKNOWN_NODE", doc: flow({ a }, { policy: { patches: { by: ["zebra"] } } }), at: "/policy/patches/by/0" },
  { code: "SELF_DEPENDENCY", doc: flow({ a: { value: 1, needs: ["a"] } }), at: "/nodes/a/needs/0" },
  { code: "DUPLICATE_EDGE", doc: flow({ a, b: { value: 1, needs: ["a", "a"] } }), at: "/nodes/b/needs/1" },
  {
    code: "CYCLE",
    doc: flow({ a: { value: 1, needs: ["b"] }, b: { value: 1, needs: ["a"] } }),
    at: "/nodes/b/needs/0"
  },
  {
    code: "UNREACHABLE",
    doc: flow({ a: { value: 1, needs: ["b"] }, b: { value: 1, needs: ["a"] }, c: { value: 1, needs: ["b"] } }),
    at: "/nodes/c"
  },
  { code: "UNKNOWN_OUTCOME", doc: flow({ a, b: { value: 1, needs: ["a.approved"] } }), at: "/nodes/b/needs/0" },
  {
    code: "UNKNOWN_OUTCOME",
    doc: flow({ a: { choice: { page: "true", other: "otherwise" } }, b: { value: 1, needs: ["a.pgae"] } }),
    at: "/nodes/b/needs/0",
    suggestion: "page"
  },
  { code: "EXPRESSION_SYNTAX", doc: flow({ a: { value: { x: ["${ 1 + }"] } } }), at: "/nodes/a/value/x/0" },
  { code: "EXPRESSION_SYNTAX", doc: flow({ a: { value: 1, when: "a ==" } }), at: "/nodes/a/when" },
  { code: "EXPRESSION_LIMIT", doc: flow({ a: { value: `\${ ${"1+".repeat(300)}1 }` } }), at: "/nodes/a/value" },
  { code: "EXPRESSION_NOT_ALLOWED", doc: flow({ a: { function: "${ input.f }" } }), at: "/nodes/a/function" },
  { code: "EXPRESSION_NOT_ALLOWED", doc: flow({ a: { agent: "${ input.f }" } }), at: "/nodes/a/agent" },
  { code: "UNKNOWN_NAME", doc: chain({ value: "${ a.output }" }), at: "/nodes/b/value", suggestion: "nodes.a.output" },
  { code: "UNKNOWN_NAME", doc: chain({ value: "${ item }" }), at: "/nodes/b/value" },
  { code: "UNKNOWN_NAME", doc: flow({ a: { value: "${ inptu.x }" } }), at: "/nodes/a/value", suggestion: "input" },
  { code: "UNKNOWN_NAME", doc: chain({ value: "${ nodes.a.outptu }" }), at: "/nodes/b/value", suggestion: "output" },
  { code: "UNKNOWN_NAME", doc: flow({ a: { value: "${ run.idd }" } }), at: "/nodes/a/value", suggestion: "id" },
  { code: "UNKNOWN_NAME", doc: flow({ a }, { output: "${ needs.a }" }), at: "/output", suggestion: "nodes" },
  { code: "NOT_AN_ANCESTOR", doc: flow({ a, b: { value: "${ nodes.a.output }" } }), at: "/nodes/b/value" },
  { code: "NOT_AN_ANCESTOR", doc: flow({ a: { value: "${ nodes.a.output }" } }), at: "/nodes/a/value" },
  {
    code: "NOT_A_NEED",
    doc: flow({ a, b: { ...a, needs: ["a"] }, c: { needs: ["b"], value: "${ needs.a }" } }),
    at: "/nodes/c/value"
  },
  {
    code: "UNKNOWN_INPUT",
    doc: flow({ a: { value: "${ input.topc }" } }, { inputSchema: { properties: { topic: {} } } }),
    at: "/nodes/a/value",
    suggestion: "topic"
  },
  {
    code: "SECRET_NOT_ALLOWED",
    doc: flow({ a: { value: "${ secrets.K }" } }, { secrets: ["K"] }),
    at: "/nodes/a/value"
  },
  {
    code: "SECRET_NOT_ALLOWED",
    doc: flow({ a: { agent: "x", input: "${ secrets.K }" } }, { secrets: ["K"] }),
    at: "/nodes/a/input"
  },
  {
    code: "SECRET_NOT_ALLOWED",
    doc: flow({ a: { http: "GET https://x.test", body: "${ secrets }" } }, { secrets: ["K"] }),
    at: "/nodes/a/body"
  },
  {
    code: "UNDECLARED_SECRET",
    doc: flow({ a: { http: "GET https://x.test", body: "${ secrets.TOKN }" } }, { secrets: ["TOKEN"] }),
    at: "/nodes/a/body",
    suggestion: "TOKEN"
  },
  {
    code: "BRANCH_WITHOUT_OTHERWISE",
    doc: flow({ a: { value: 1, branch: "first" }, b: { value: 1, needs: ["a"] } }),
    at: "/nodes/a/branch"
  },
  {
    code: "OTHERWISE_NOT_LAST",
    doc: flow({ a: { value: 1, branch: "first" }, b: a, c: a }, {
      edges: [{ from: "a", to: "b", otherwise: true }, { from: "a", to: "c" }]
    }),
    at: "/edges/0/otherwise"
  },
  { code: "OTHERWISE_NOT_LAST", doc: flow({ a: { choice: { x: "otherwise", y: "true" } } }), at: "/nodes/a/choice/x" },
  {
    code: "OTHERWISE_NOT_ALLOWED",
    doc: flow({ a, b: a }, { edges: [{ from: "a", to: "b", otherwise: true }] }),
    at: "/edges/0/otherwise"
  },
  { code: "CHOICE_WITHOUT_OTHERWISE", doc: flow({ a: { choice: { x: "true" } } }), at: "/nodes/a/choice" },
  {
    code: "CHOICE_RULE",
    doc: flow([{ id: "a", type: "choice", rules: [{ x: "true", y: "true" }, { z: "otherwise" }] }]),
    at: "/nodes/0/rules/0"
  },
  {
    code: "FLOW_CALLS_ITSELF",
    doc: { ...flow({ a: { flow: "loop" } }), name: "loop" },
    at: "/nodes/a/flow"
  },
  {
    code: "FAILURE_HANDLED_TWICE",
    doc: flow({ a: { value: 1, onFailure: "continue" }, b: { value: 1, needs: ["a.failed"] } }),
    at: "/nodes/a/onFailure"
  },
  {
    code: "NOT_IN_EACH",
    doc: flow({ a: { map: [1], each: { value: 1, onFailure: "continue" } } }),
    at: "/nodes/a/each/onFailure"
  },
  { code: "NOT_IN_EACH", doc: flow({ a: { map: [1], each: { value: 1, join: "any" } } }), at: "/nodes/a/each/join" },
  { code: "RETRY_NOT_ALLOWED", doc: flow({ a: { map: [1], each: a, retry: { attempts: 2 } } }), at: "/nodes/a/retry" },
  {
    code: "RETRY_NOT_ALLOWED",
    doc: flow({ a: { repeat: 3, until: "true", each: a, retry: { attempts: 2 } } }),
    at: "/nodes/a/retry"
  },
  {
    code: "OUT_OF_RANGE",
    doc: flow({ a: { http: "GET https://x.test", retry: { attempts: 11 } } }),
    at: "/nodes/a/retry/attempts"
  },
  {
    code: "OUT_OF_RANGE",
    doc: flow({ a: { http: "GET https://x.test", retry: { factor: 0.5 } } }),
    at: "/nodes/a/retry/factor"
  },
  { code: "OUT_OF_RANGE", doc: flow({ a: { value: 1, timeout: "0s" } }), at: "/nodes/a/timeout" },
  { code: "OUT_OF_RANGE", doc: flow({ a: { map: [1], each: a, parallel: 0 } }), at: "/nodes/a/parallel" },
  { code: "OUT_OF_RANGE", doc: flow({ a }, { limits: { parallel: 1001 } }), at: "/limits/parallel" },
  { code: "OUT_OF_RANGE", doc: flow({ a }, { limits: { steps: 1_000_001 } }), at: "/limits/steps" },
  { code: "OUT_OF_RANGE", doc: flow({ a }, { limits: { deadline: "0s" } }), at: "/limits/deadline" },
  {
    code: "BAD_CONCURRENCY",
    doc: flow({ a }, { limits: { concurrency: { key: "", max: 1 } } }),
    at: "/limits/concurrency/key"
  },
  { code: "BAD_BUDGET", doc: flow({ a }, { limits: { budget: { usd: -1 } } }), at: "/limits/budget/usd" },
  { code: "BAD_BUDGET", doc: flow({ a }, { limits: { budget: { usd: 0 } } }), at: "/limits/budget/usd" },
  { code: "BAD_BUDGET", doc: flow({ a }, { limits: { budget: { tokens: 2e15 } } }), at: "/limits/budget/tokens" },
  { code: "BAD_BUDGET", doc: flow({ a }, { limits: { budget: { time: "soon" } } }), at: "/limits/budget/time" },
  { code: "BAD_BUDGET", doc: flow({ a: { ...a, budget: {} } }), at: "/nodes/a/budget" },
  {
    code: "BAD_JOIN",
    doc: flow({ a, b: { value: 1, needs: ["a"], join: { atLeast: 2 } } }),
    at: "/nodes/b/join/atLeast"
  },
  {
    code: "EXCLUSIVE_JOIN",
    doc: flow({ a: { approval: "?" }, b: { value: 1, needs: ["a.approved", "a.rejected"] } }),
    at: "/nodes/b"
  },
  {
    code: "EXCLUSIVE_JOIN",
    doc: flow({
      a,
      b: { value: 1, needs: ["a"] },
      c: { value: 1, needs: ["a.failed"] },
      d: { value: 1, needs: ["b", "c"] }
    }),
    at: "/nodes/d"
  },
  { code: "BAD_WAIT", doc: flow({ a: { wait: { for: "1s", event: "x" } } }), at: "/nodes/a" },
  { code: "BAD_WAIT", doc: flow({ a: { wait: { for: "soon" } } }), at: "/nodes/a/wait/for" },
  { code: "BAD_WAIT", doc: flow({ a: { wait: { until: "tomorrow" } } }), at: "/nodes/a/wait/until" },
  {
    code: "WAIT_OUTLASTS_DEADLINE",
    doc: flow({ a: { approval: "?", timeout: "2h" } }, { limits: { deadline: "1h" } }),
    at: "/nodes/a"
  },
  { code: "BAD_URL", doc: flow({ a: { http: "GET ftp://x.test" } }), at: "/nodes/a/http" },
  {
    code: "BAD_SCHEMA",
    doc: flow({ a: { value: 1, outputSchema: { type: "strng" } } }),
    at: "/nodes/a/outputSchema/type"
  },
  {
    code: "BAD_SCHEMA",
    doc: flow({ a }, { inputSchema: { properties: { x: { pattern: "(" } } } }),
    at: "/inputSchema/properties/x/pattern"
  },
  {
    code: "UNKNOWN_AGENT",
    doc: flow({ a: { agent: ["planner", "plannr"] } }, { agents: { planner: { instructions: "x" } } }),
    at: "/nodes/a/agent/1",
    suggestion: "planner"
  },
  {
    code: "EFFECT_TOO_WEAK",
    doc: flow({ a: { agent: "clerk", effect: "pure" } }, {
      agents: { clerk: { instructions: "x", tools: ["http_get", "ask_user"] } }
    }),
    at: "/nodes/a/effect"
  },
  {
    code: "RECEIPT_UNUSED",
    doc: flow({ a: { http: "POST https://x.test", reuse: { ttl: "1h" } } }),
    at: "/nodes/a/reuse"
  }
]

const texts: ReadonlyArray<readonly [Problem.Code, string]> = [
  ["TEXT_SYNTAX", "name: [x"],
  ["TEXT_TOO_LARGE", "[".repeat(1000)],
  ["TOO_MANY_ALIASES", "a: &a [*a]"],
  ["DUPLICATE_KEY", "name: x\nname: y"],
  ["NOT_JSON", "name: x\nnodes: { a: { value: .inf } }"]
]

describe("Compile, problems", () => {
  it.each(cases.map((each) => [each.code, each.at, each] as const))(
    "finds %s at '%s'",
    (code, at, { doc, suggestion }) => {
      const { plan, problems } = Compile.checkData(doc)
      const found = problems.filter((problem) => problem.code === code)
      assert.include(found.map(({ pointer }) => pointer), at, JSON.stringify(problems))
      const severity = Problem.codes[code][0]
      for (const problem of found) assert.strictEqual(problem.severity, severity)
      if (suggestion !== undefined) assert.include(found.map((problem) => problem.suggestion), suggestion)
      if (severity === "error") assert.isUndefined(plan)
      else assert.deepStrictEqual(plan?.problems, problems)
    }
  )

  it.each(texts)("finds %s in text, with its line", (code, text) => {
    const found = Compile.check(text).problems.find((problem) => problem.code === code)
    assert.isDefined(found)
    assert.isNumber(found?.line)
  })

  it("has a case for every code", () => {
    const shown = new Set([...cases.map(({ code }) => code), ...texts.map(([code]) => code)])
    // What is published is known only where a run is accepted.
    const elsewhere = ["UNKNOWN_FLOW", "FLOW_TOO_DEEP"]
    const missing = Object.keys(Problem.codes).filter((code) => !shown.has(code as Problem.Code))
    assert.deepStrictEqual(missing.filter((code) => !elsewhere.includes(code)), [])
  })

  it("reports one fault once", () => {
    const lonely: ReadonlyArray<Problem.Code> = [
      "CYCLE",
      "BAD_ID",
      "UNKNOWN_NODE_TYPE",
      "NO_NODE_TYPE",
      "BAD_SCHEMA",
      "EMPTY_FLOW"
    ]
    for (const { code, doc } of cases.filter((each) => lonely.includes(each.code))) {
      assert.lengthOf(Compile.checkData(doc).problems, 1, JSON.stringify(Compile.checkData(doc).problems))
      assert.strictEqual(Compile.checkData(doc).problems[0]?.code, code)
    }
  })

  it("reports everything at once, in the order of the text, with lines", () => {
    const text = [
      "name: x",
      "limits: { parallel: 0 }",
      "nodes:",
      "  plan: { agnet: planner }",
      "  write:",
      "    needs: [plna]",
      "    file: out.md",
      "    content: \"${ nodes.write.output }\"",
      "colour: red"
    ]
    const found = Compile.check(text.join("\n"), "flow.yaml").problems.map(({ code, line }) => `${line} ${code}`)
    assert.deepStrictEqual(found, [
      "2 OUT_OF_RANGE",
      "4 NO_NODE_TYPE",
      "6 UNKNOWN_NODE",
      "8 NOT_AN_ANCESTOR",
      "9 UNKNOWN_FIELD"
    ])
  })

  it("names the way round a circle", () => {
    const needs = (...ids: Array<string>) => ({ value: 1, needs: ids })
    const { problems } = Compile.checkData(flow({ a: needs("c"), b: needs("a"), c: needs("b"), d: a }))
    assert.match(problems[0]?.message ?? "", /a → b → c → a|b → c → a → b|c → a → b → c/)
  })

  it("lists no more than it says, but never calls a faulty flow sound", () => {
    const nodes = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`n${index}`, { agent: "nobody" }]))
    const { plan, problems } = Compile.checkData(
      flow({ ...nodes, last: { value: "${ nodes.last }" } }, { limits: { agents: 1000 } })
    )
    assert.lengthOf(problems, Problem.problemsMax)
    assert.isUndefined(plan)
  })
})
