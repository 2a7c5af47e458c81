import * as FlowText from "@baton/kernel/FlowText"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const codes = (text: string, filename?: string): ReadonlyArray<string> =>
  FlowText.parse(text, filename).problems.map(({ code, column, line }) => `${code} ${line}:${column}`)

describe("FlowText", () => {
  it("reads YAML 1.2 and JSON to the same data", () => {
    const yaml = "a: 1\nb: [x, 2.5, true, null]\nc: { d: \"on\" }\non: yes\n"
    const json = "{\"a\": 1, \"b\": [\"x\", 2.5, true, null], \"c\": {\"d\": \"on\"}, \"on\": \"yes\"}"
    assert.deepStrictEqual(FlowText.parse(yaml).data, JSON.parse(json))
    assert.deepStrictEqual(FlowText.parse(json).data, JSON.parse(json))
    assert.deepStrictEqual(FlowText.parse("{a: 1}").data, { a: 1 })
    assert.deepStrictEqual(FlowText.parse("\uFEFF{\"a\": 1}", "x.json").data, { a: 1 })
  })

  it("knows the line and column of every member, and of the nearest one above", () => {
    const yaml = FlowText.parse("nodes:\n  plan:\n    agent: planner\n    needs:\n      - a\n      - b: 1\n")
    assert.deepStrictEqual(yaml.position("/nodes/plan/agent"), { line: 3, column: 5 })
    assert.deepStrictEqual(yaml.position("/nodes/plan/needs/1/b"), { line: 6, column: 9 })
    assert.deepStrictEqual(yaml.position("/nodes/plan/missing/deeper"), { line: 2, column: 3 })
    assert.deepStrictEqual(yaml.position(""), { line: 1, column: 1 })
    const json = FlowText.parse("{\n  \"a\": [\n    1,\n    {\"b/c\": 2}\n  ]\n}", "x.json")
    assert.deepStrictEqual(json.position("/a/1/b~1c"), { line: 4, column: 6 })
    assert.deepStrictEqual(json.position("/a/0"), { line: 3, column: 5 })
  })

  it("refuses duplicate keys in both", () => {
    assert.deepStrictEqual(codes("a: 1\nb: 2\na: 3"), ["DUPLICATE_KEY 3:1"])
    assert.deepStrictEqual(codes("{\"a\": 1,\n\"a\": 2}", "x.json"), ["DUPLICATE_KEY 2:1"])
  })

  it("refuses tags, several documents, keys that are no text, and numbers that would change", () => {
    assert.deepStrictEqual(codes("a: !!js/function x"), ["TEXT_SYNTAX 1:4"])
    assert.deepStrictEqual(codes("a: !secret x"), ["TEXT_SYNTAX 1:4"])
    assert.lengthOf(codes("a: 1\n---\nb: 2"), 1)
    assert.deepStrictEqual(codes("? [a]\n: 1"), ["TEXT_SYNTAX 1:3"])
    assert.deepStrictEqual(codes("a: 12345678901234567890"), ["NOT_JSON 1:4"])
    assert.deepStrictEqual(codes("a: .nan"), ["NOT_JSON 1:4"])
    assert.deepStrictEqual(codes("{\"a\": 1e400}", "x.json"), ["NOT_JSON 1:7"])
  })

  it("takes << for an ordinary key and keeps __proto__ as data", () => {
    const { data } = FlowText.parse("base: &b { x: 1 }\nuse: { <<: *b, __proto__: 2 }")
    const use = (data as { readonly use: object }).use
    assert.deepStrictEqual(Object.keys(use), ["<<", "__proto__"])
    assert.strictEqual(Object.getPrototypeOf(use), Object.prototype)
  })

  it("expands aliases within limits", () => {
    assert.deepStrictEqual(FlowText.parse("a: &x [1]\nb: *x").data, { a: [1], b: [1] })
    assert.deepStrictEqual(codes("a: *missing"), ["TEXT_SYNTAX 1:4"])
    assert.match(codes("a: &x [*x]").join(), /TOO_MANY_ALIASES/)
    const bomb = "bcdefghij".split("").map((name, at) =>
      `${name}: &${name} [${"*abcdefghi"[0]}${"abcdefghi"[at]}${`, *${"abcdefghi"[at]}`.repeat(8)}]`
    )
    assert.match(codes(["a: &a [x, x, x, x, x, x, x, x, x]", ...bomb].join("\n")).join(), /TOO_MANY_ALIASES/)
    assert.match(codes(Array.from({ length: 600 }, (_, at) => `k${at}: &a${at} 1`).join("\n")).join(), /TEXT_TOO_LARGE/)
  })

  it("refuses size and depth before it reads", () => {
    assert.match(codes("x".repeat(FlowText.textMax + 1)).join(), /TEXT_TOO_LARGE/)
    const before = process.cpuUsage()
    const bombs = ["[", "{a: ", "- ", "? ", ": ", "&a ", "!a ", "*a, "].map((piece) =>
      piece.repeat(1_000_000 / piece.length)
    )
    for (const bomb of bombs) assert.isNotEmpty(codes(bomb))
    const indented = Array.from({ length: 1300 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")
    assert.isNotEmpty(codes(indented))
    assert.isNotEmpty(codes("[".repeat(1_000_000), "x.json"))
    assert.isBelow(process.cpuUsage(before).user / 1000, 2000)
  })

  it.prop("never throws on any text", [Schema.String], ([text]) => {
    for (const name of ["", "a.yaml", "a.json"]) assert.isArray(FlowText.parse(text, name).problems)
  }, { arbitrary: { runs: 300 } })

  const Piece = Schema.Literals([
    "a",
    ": ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "&x ",
    "*x",
    "!t ",
    "|",
    ">",
    "#",
    "---",
    "%",
    "\t",
    "1",
    "?"
  ])
  it.prop("never throws on text made of YAML's own pieces", [Schema.Array(Piece)], ([pieces]) => {
    assert.isArray(FlowText.parse(pieces.join("")).problems)
  }, { arbitrary: { runs: 1000 } })

  it.prop("reads what JSON.stringify writes", [Schema.Record(Schema.String, Schema.Json)], ([json]) => {
    const text = JSON.stringify(json)
    const read = FlowText.parse(text, "x.json")
    if (read.problems.length === 0) assert.deepStrictEqual(read.data, JSON.parse(text))
  })
})

it("reads a text whose keys are long as quickly as any other", () => {
  const members = Array.from({ length: 2_000 }, (_, n) => `a${n}: 0`).join(", ")
  const began = performance.now()
  assert.deepStrictEqual(FlowText.parse(`{? "${"k".repeat(100_000)}" : {${members}}}`, "long.yaml").problems, [])
  assert.isBelow(performance.now() - began, 2_500)
})
