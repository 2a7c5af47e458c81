import * as Expression from "@baton/kernel/Expression"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const scope: Expression.Scope = {
  input: {
    n: 3,
    list: [1, 2, 3],
    text: "abc",
    nothing: null,
    users: [{ name: "ana", admin: true }, { name: "bo", admin: false }],
    polluted: JSON.parse("{\"__proto__\": 5, \"constructor\": 6, \"toString\": 7}")
  },
  nodes: { a: { status: "failed", output: { ok: true } }, b: { status: "succeeded", output: null } },
  needs: { a: { x: { y: 1 } } }
}

const compiled = (source: string): Expression.CompiledExpression => Result.getOrThrow(Expression.compile(source))
const evaluate = (source: string, given: Expression.Scope = scope) => compiled(source).evaluate(given)
const value = (source: string) => {
  const result = evaluate(source)
  return Result.isSuccess(result) ? result.success : `${result.failure.code}: ${result.failure.message}`
}
const syntax = (source: string): string => {
  const result = Expression.compile(source)
  return Result.isFailure(result) ? `${result.failure.code}: ${result.failure.message}` : "compiled"
}

describe("Expression, numbers", () => {
  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ["input.n + 1", 4],
    ["7/2", 3.5],
    ["7.5 % 2", 1.5],
    ["-7 % 3", -1],
    ["size(input.list) * 1.5", 4.5],
    ["input.list.size() == 3", true],
    ["input.n == 3 && 3 == input.n", true],
    ["1u + 2", 3],
    ["0xFF", 255],
    ["-input.n", -3],
    ["int('42') + int(3.9)", 45],
    ["double('1e3')", 1000],
    ["input.list[input.n - 1]", 3],
    ["math.greatest(1, 2.5, 2)", 2.5],
    ["math.sum(input.list) / 2", 3],
    ["math.round(-2.5)", -3]
  ]
  it.each(cases)("are doubles that mix: %s", (source, expected) => assert.deepStrictEqual(value(source), expected))

  it("are finite, or an error", () => {
    for (const source of ["1/0", "5 % 0", "1e308 * 10", "double('x')", "math.sqrt(4)"]) {
      assert.match(String(syntax(source) === "compiled" ? value(source) : syntax(source)), /EXPRESSION_/)
    }
  })
})

describe("Expression, CEL", () => {
  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ["'a' + 'b'", "ab"],
    ["[1] + [2]", [1, 2]],
    ["{'a': [1, {'b': null}]}", { a: [1, { b: null }] }],
    ["input.users.filter(u, u.admin).map(u, u.name)", ["ana"]],
    ["input.users.map(u, u.admin, u.name)", ["ana"]],
    ["input.users.exists(u, u.name == 'bo')", true],
    ["input.users.all(u, u.admin)", false],
    ["input.users.exists_one(u, u.admin)", true],
    ["{'x': 1, 'y': 2}.map(k, k)", ["x", "y"]],
    ["has(input.n) && !has(input.missing)", true],
    ["'n' in input && 2 in input.list", true],
    ["input.n > 2 ? 'big' : 'small'", "big"],
    ["false && input.missing", false],
    ["input.missing == 1 || true", true],
    ["[1, 0].exists(x, 1 / x == 1)", true],
    ["[[1, 2], [3]].map(l, l.map(x, x * 10))", [[10, 20], [30]]],
    ["input.text.startsWith('a') && input.text.matches('^[a-c]+$')", true],
    ["'A-B'.lowerAscii().split('-').join('+')", "a+b"],
    ["' x '.trim() + string(1.5) + string([1])", "x1.5[1]"],
    ["size('😀')", 1],
    ["'a😀b'.substring(1, 2) + 'a😀b'.substring(2)", "😀b"],
    ["['a😀b'.indexOf('b'), 'abab'.lastIndexOf('ab'), 'ab'.indexOf('c')]", [2, 2, -1]],
    ["'a😀b'.split('')", ["a", "😀", "b"]],
    ["'a,b,,c'.split(',') + ['a.b'.replace('.', '-')]", ["a", "b", "", "c", "a-b"]],
    ["cel.bind(x, input.n * 2, x * x)", 36],
    ["[3, 1, 2].sort()", [1, 2, 3]],
    ["[1, 1, 2].distinct()", [1, 2]],
    ["type(input.list) + type(null) + type(1)", "listnulldouble"],
    ["['a'].filter(n, nodes[n].status == 'failed')", ["a"]]
  ]
  it.each(cases)("%s", (source, expected) => assert.deepStrictEqual(value(source), expected))

  it("has optional values", () => {
    assert.strictEqual(value("input.?missing.orValue('u')"), "u")
    assert.strictEqual(value("input.?n.orValue('u')"), 3)
    assert.strictEqual(value("input.?missing"), null)
    assert.strictEqual(value("input.?missing.deeper.still.orValue(1)"), 1)
    assert.strictEqual(value("nodes.b.output.?x.orValue('none')"), "none")
    assert.strictEqual(value("input.list[?9].hasValue()"), false)
    assert.strictEqual(value("input.?nothing.orValue(1)"), null)
    assert.deepStrictEqual(value("[input.?missing, {'a': input.?missing, 'b': 1}]"), [null, { b: 1 }])
    assert.match(String(value("input.?n + 1")), /EXPRESSION_FAILED/)
  })

  it("says where and why it failed", () => {
    const failed = evaluate("input.n + input.missing")
    assert.deepInclude(Result.isFailure(failed) ? failed.failure : {}, {
      code: "EXPRESSION_FAILED",
      message: "There is no member 'missing'.",
      source: "input.n + input.missing",
      at: 16
    })
    assert.match(String(value("input.n + 'a'")), /string\(…\)/)
    assert.match(String(value("input.list['a']")), /no member/)
    assert.match(String(value("input.list[1.5]")), /whole number/)
    assert.match(String(value("unknown")), /no 'unknown' here/)
  })

  it("refuses what is not JSON or not there", () => {
    assert.match(syntax("b'abc'"), /Bytes/)
    assert.match(syntax("timestamp('2020-01-01T00:00:00Z')"), /no function timestamp/)
    assert.match(syntax("input.list.map(1, 2)"), /EXPRESSION_SYNTAX/)
    assert.match(syntax("'a'.matches()"), /does not take 0 arguments/)
    assert.match(syntax("a."), /EXPRESSION_SYNTAX/)
    assert.match(syntax("  "), /empty/)
  })
})

describe("Expression, own properties", () => {
  it("reads keys such as __proto__ as plain data and never the prototype", () => {
    assert.strictEqual(value("input.polluted.__proto__"), 5)
    assert.strictEqual(value("input.polluted.constructor + input.polluted['toString']"), 13)
    for (
      const source of ["input.constructor", "input.__proto__", "input.list.length", "input.text.length", "toString"]
    ) {
      assert.match(String(value(source)), /EXPRESSION_FAILED/)
    }
    const made = value("{'__proto__': {'admin': true}}")
    assert.isTrue(Object.hasOwn(made as object, "__proto__"))
    assert.strictEqual(Object.getPrototypeOf(made), Object.prototype)
    assert.isUndefined(({} as Record<string, unknown>)["admin"])
    assert.strictEqual(value("has(input.valueOf) || 'toString' in input"), false)
  })
})

describe("Expression, references", () => {
  const references = (source: string) => compiled(source).references

  it("finds nodes by both names, secrets, and paths", () => {
    const found = references("nodes.a.output.x + needs['b'].y + secrets.KEY + input.?z.orValue(item)")
    assert.deepStrictEqual([...found.nodes].sort(), ["a", "b"])
    assert.deepStrictEqual([...found.needs], ["b"])
    assert.deepStrictEqual([...found.secrets], ["KEY"])
    assert.deepStrictEqual([...found.roots].sort(), ["input", "item", "needs", "nodes", "secrets"])
    assert.isFalse(found.allNeeds)
    assert.deepStrictEqual(found.paths[0], ["nodes", "a", "output", "x"])
  })

  it("takes a computed member for the whole", () => {
    assert.deepStrictEqual([...references("['a'].filter(n, nodes[n].status == 'x')").whole], ["nodes"])
    assert.deepStrictEqual([...references("needs").whole], ["needs"])
    assert.isTrue(references("size(needs)").allNeeds)
  })

  it("does not take a loop's variable for a root", () => {
    assert.deepStrictEqual([...references("input.list.map(nodes, nodes.x)").roots], ["input"])
    assert.strictEqual(references("[1].map(x, [2].map(x, x))").roots.size, 0)
  })

  it("knows a lone reference", () => {
    assert.deepStrictEqual(compiled(" needs.a['b'].c ").lone, ["needs", "a", "b", "c"])
    for (const source of ["needs.a.?b", "needs.a + 1", "needs[input.n]"]) assert.isUndefined(compiled(source).lone)
  })
})

describe("Expression, any text", () => {
  it.prop("never throws while it is read", [Schema.String], ([source]) => {
    const result = Expression.compile(source)
    if (Result.isSuccess(result)) result.success.evaluate(scope)
  }, { arbitrary: { runs: 500 } })

  const Piece = Schema.Literals([
    "input",
    ".n",
    ".?list",
    "[0]",
    "(",
    ")",
    " + ",
    " - ",
    " == ",
    "1",
    "'a'",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "?",
    "!",
    " && ",
    ".map(x, ",
    ".filter(y, ",
    "x",
    "y",
    " in ",
    "size(",
    ".orValue(",
    "true",
    "null"
  ])
  it.prop("never throws when it is put together from the language's own pieces", [Schema.Array(Piece)], ([pieces]) => {
    const result = Expression.compile(pieces.join(""))
    if (Result.isSuccess(result)) assert.isDefined(result.success.evaluate(scope))
  }, { arbitrary: { runs: 1000 } })

  it.prop("evaluates any data to JSON or an error", [Schema.Json], ([json]) => {
    for (
      const source of ["input", "input.a", "input.?a", "[input, input == input]", "input.map(x, [x])", "string(input)"]
    ) {
      const result = compiled(source).evaluate({ input: json })
      if (Result.isSuccess(result)) assert.doesNotThrow(() => JSON.stringify(result.success))
    }
  })
})
