import * as Expression from "@baton/kernel/Expression"
import * as ExpressionTemplate from "@baton/kernel/ExpressionTemplate"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"

const big = Array.from({ length: 1000 }, (_, index) => index)
const wide = Array.from({ length: 90_000 }, (_, index) => index)
const hay = "x".repeat(1_500_000)
const needle = `x${"x".repeat(50_000)}y${"x".repeat(50_000)}`
const scope = { input: { big, wide, hay, needle, letters: `${"a".repeat(40)}!`, long: "x".repeat(3_000_000) } }

/** Milliseconds of processor time, which other work on the machine does not stretch. */
const cpu = (run: () => void): number => {
  const before = process.cpuUsage()
  run()
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1000
}

const outcome = (source: string): string => {
  const compiled = Expression.compile(source)
  if (Result.isFailure(compiled)) return compiled.failure.code
  const result = compiled.success.evaluate(scope)
  return Result.isFailure(result) ? result.failure.code : "done"
}

describe("Expression limits", () => {
  it("refuse long, wide, deep and nested text before any work", () => {
    assert.strictEqual(outcome(`'${"x".repeat(4096)}'`), "EXPRESSION_LIMIT")
    assert.strictEqual(outcome(Array.from({ length: 200 }, () => "1").join("+")), "EXPRESSION_LIMIT")
    assert.strictEqual(outcome(`${"(".repeat(70)}1${")".repeat(70)}`), "EXPRESSION_LIMIT")
    assert.strictEqual(outcome(`${"!".repeat(4000)}true`), "EXPRESSION_LIMIT")
    assert.strictEqual(outcome(`input${".a".repeat(70)}`), "EXPRESSION_LIMIT")
    assert.strictEqual(outcome("input.big.map(a, input.big.map(b, input.big.map(c, c)))"), "EXPRESSION_LIMIT")
    assert.strictEqual(outcome("[1].map(a, [1].map(b, b)).map(c, [1].map(d, d))"), "done")
  })

  const costly: ReadonlyArray<readonly [what: string, source: string]> = [
    ["nested loops", "input.big.all(a, input.big.all(b, a + b >= 0))"],
    ["a loop with a wide body", `input.wide.map(a, [${"a,".repeat(150)}a].size())`],
    ["text that doubles", `['${"x".repeat(100)}']${".map(s, s + s)".repeat(22)}`],
    ["lists that multiply", "input.big.map(a, input.big).map(l, l.map(x, input.big))"],
    ["shared parts that multiply when written out", "[[input.wide]].map(a, input.big.map(b, a))"],
    ["comparisons of large values", "input.big.filter(x, input.wide == input.wide)"],
    ["text read again and again", "input.big.filter(x, input.long.contains('y'))"],
    ["splitting and joining", "input.big.map(x, input.long.split('').join(''))"],
    ["sorting", "input.big.map(x, input.wide.sort())"],
    ["a pattern with many states", "input.long.matches('(x?){500}y')"],
    ["distinct lists", "input.big.map(a, input.big.map(b, [a, b])).flatten().distinct()"]
  ]
  it.each(costly)("end %s", (_, source) => {
    assert.strictEqual(outcome(source), "EXPRESSION_LIMIT")
    assert.isBelow(cpu(() => outcome(source)), 400)
  })

  it("find a long needle that is almost everywhere in no time", () => {
    for (const call of ["contains", "indexOf", "lastIndexOf", "split"]) {
      const source = `cel.bind(n, input.needle, input.hay.${call}(n) == 'x')`
      assert.strictEqual(outcome(source), "done")
      assert.isBelow(cpu(() => outcome(source)), 400)
    }
  })

  it("match a pattern that would backtrack in no time", () => {
    const source = "input.big.filter(x, input.letters.matches('^(a+)+$')).size() == 0"
    assert.strictEqual(outcome(source), "done")
    assert.isBelow(cpu(() => outcome(source)), 400)
  })

  it("let an expression of ordinary size through", () => {
    assert.strictEqual(outcome("input.wide.filter(x, x % 2 == 0).size() > 10"), "done")
    assert.strictEqual(outcome("input.big.map(a, {'n': a, 'text': string(a)}).filter(o, o.n > 500)"), "done")
  })

  it("hold for all expressions of a template together", () => {
    const each = "${ input.wide.map(x, x) }"
    const template = Result.getOrThrow(ExpressionTemplate.compile([each, each]))
    const result = template.evaluate(scope)
    assert.strictEqual(Result.isFailure(result) ? result.failure.code : "done", "EXPRESSION_LIMIT")
    const text = Result.getOrThrow(ExpressionTemplate.compile("${ input.long }${ input.long }"))
    assert.isTrue(Result.isFailure(text.evaluate(scope)))
  })
})
