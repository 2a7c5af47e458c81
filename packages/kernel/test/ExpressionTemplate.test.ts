import * as ExpressionTemplate from "@baton/kernel/ExpressionTemplate"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const scope = { input: { n: 3, list: [1, "a"], text: "abc", deep: { a: [null] } } }

const evaluate = (template: Json): unknown => {
  const compiled = ExpressionTemplate.compile(template)
  if (Result.isFailure(compiled)) return compiled.failure.map(({ error, pointer }) => `${pointer} ${error.message}`)
  const result = compiled.success.evaluate(scope)
  return Result.isSuccess(result) ? result.success : result.failure.message
}

describe("ExpressionTemplate", () => {
  const cases: ReadonlyArray<readonly [Json, unknown]> = [
    ["${ input.n }", 3],
    ["${input.deep}", { a: [null] }],
    [" ${ input.n }", " 3"],
    ["n=${ input.n }, l=${ input.list }, t=${ input.text }", "n=3, l=[1,\"a\"], t=abc"],
    ["${ input.n }${ input.n }", "33"],
    ["$${ input.n } costs $5", "${ input.n } costs $5"],
    ["${ {'a': '}'}.a }", "}"],
    ["${ '\\'}' + \"}\" }", "'}}"],
    ["${ r'\\d}' + '}' }", "\\d}}"],
    ["${ '''it's }''' }", "it's }"],
    [{ a: "${ input.n }", b: ["${ input.text }", { c: true }] }, { a: 3, b: ["abc", { c: true }] }],
    [{ a: "${ input.?x }", b: ["${ input.?x }"], c: "${ input.?n }" }, { b: [null], c: 3 }],
    ["${ input.?x }", null],
    [["$${"], ["${"]],
    [{ "${ input.n }": 1 }, { "${ input.n }": 1 }],
    [5, 5]
  ]
  it.each(cases)("%j gives %j", (template, expected) => assert.deepStrictEqual(evaluate(template), expected))

  it("never passes an unresolved reference raw", () => {
    assert.match(String(evaluate("x ${ input.missing } y")), /no member 'missing'/)
    assert.match(String(evaluate("x ${ input.?missing } y")), /absent value cannot become text/)
  })

  it("reports every faulty expression with its place", () => {
    const found = evaluate({ "a/b": "${ 1 + }", c: ["ok", "text ${ open", "${}"] })
    assert.deepStrictEqual((found as Array<string>).map((_) => _.split(" ")[0]), ["/a~1b", "/c/1", "/c/2"])
  })

  it("counts positions from the start of the text", () => {
    const compiled = ExpressionTemplate.compile("text ${ 1 + }")
    assert.strictEqual(Result.isFailure(compiled) ? compiled.failure[0]?.error.at : undefined, 12)
  })

  it("knows constants and lone references", () => {
    const constant = Result.getOrThrow(ExpressionTemplate.compile({ a: ["text"] }))
    assert.isTrue(constant.constant)
    const lone = Result.getOrThrow(ExpressionTemplate.compile("${ needs.a.b }"))
    assert.deepStrictEqual(lone.lone, ["needs", "a", "b"])
    assert.isUndefined(Result.getOrThrow(ExpressionTemplate.compile(" ${ needs.a.b }")).lone)
    const several = Result.getOrThrow(ExpressionTemplate.compile(["${ needs.a }", "${ secrets.K } ${ nodes.b }"]))
    assert.deepStrictEqual([...several.references.nodes].sort(), ["a", "b"])
    assert.deepStrictEqual([...several.references.secrets], ["K"])
  })

  it("takes control fields with and without braces", () => {
    assert.strictEqual(ExpressionTemplate.bare("${ a == 1 }"), " a == 1 ")
    assert.strictEqual(ExpressionTemplate.bare("a == 1"), "a == 1")
    assert.strictEqual(ExpressionTemplate.bare("${ a } && ${ b }"), "${ a } && ${ b }")
  })

  it.prop("leaves JSON without expressions as it is", [Schema.Json], ([json]) => {
    if (!JSON.stringify(json).includes("${")) assert.deepStrictEqual(evaluate(json), json)
  })

  it.prop("never throws on any text", [Schema.String], ([text]) => void evaluate(`\${${text}}`))
})
