import * as FlowText from "@baton/kernel/FlowText"
import * as JsonBounds from "@baton/kernel/JsonBounds"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

interface Hostile {
  readonly name: string
  readonly raw?: string
  readonly gen?: { readonly [kind: string]: unknown }
}
const corpus = readFileSync(new URL("../../../test/corpora/hostile-json.jsonl", import.meta.url), "utf8")
const cases = corpus.trim().split("\n").map((line): Hostile => JSON.parse(line))

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

describe("JsonBounds", () => {
  it.prop("accepts all JSON that is within the bounds", [Schema.Json], ([json]) => {
    const text = JSON.stringify(json)
    const clean = text.isWellFormed() && !text.includes("\\u0000") && !text.includes("\\ud")
    if (clean) assert.isUndefined(JsonBounds.check(json))
  })

  it("accepts depth up to the limit and refuses the next", () => {
    assert.isUndefined(JsonBounds.check(nested(128)))
    assert.match(JsonBounds.check(nested(129))?.message ?? "", /deeper than 128/)
    assert.match(JsonBounds.check(nested(1_000_000))?.message ?? "", /deeper/)
  })

  it("refuses values that are not JSON, with their place", () => {
    const sparse: Array<unknown> = []
    sparse.length = 2
    const wrong: ReadonlyArray<readonly [unknown, string]> = [
      [{ a: [1, undefined] }, "/a/1"],
      [{ a: () => 1 }, "/a"],
      [{ "a/b": 1n }, "/a~1b"],
      [{ a: Symbol("x") }, "/a"],
      [[NaN], "/0"],
      [[Infinity], "/0"],
      [{ d: new Date(0) }, "/d"],
      [{ m: new Map() }, "/m"],
      [sparse, "/0"]
    ]
    for (const [value, pointer] of wrong) assert.strictEqual(JsonBounds.check(value)?.pointer, pointer)
    const circle: Array<unknown> = []
    circle.push(circle)
    assert.isDefined(JsonBounds.check(circle))
  })

  it("refuses characters that a store would refuse", () => {
    assert.match(JsonBounds.check({ a: "x\0y" })?.message ?? "", /NUL/)
    assert.match(JsonBounds.check({ "x\0y": 1 })?.message ?? "", /NUL/)
    assert.match(JsonBounds.check(["\ud800"])?.message ?? "", /surrogate/)
    assert.match(JsonBounds.check(["\udc00\ud800"])?.message ?? "", /surrogate/)
    assert.isUndefined(JsonBounds.check(["😀"]))
  })

  it("bounds the number of values and the length of text", () => {
    const bounds = { depthMax: 8, valuesMax: 10, textMax: 20 }
    assert.isDefined(JsonBounds.check(Array.from({ length: 11 }, () => 0), bounds))
    assert.isDefined(JsonBounds.check({ a: "x".repeat(21) }, bounds))
    assert.isDefined(JsonBounds.check({ ["k".repeat(21)]: 1 }, bounds))
  })

  it("keeps members named like inherited ones as data", () => {
    const value: unknown = JSON.parse("{\"__proto__\":{\"admin\":true},\"toString\":1}")
    assert.isUndefined(JsonBounds.check(value))
    assert.isUndefined(({} as Record<string, unknown>)["admin"])
  })

  const refusedRaw = [
    "nul-in-string",
    "nul-in-key",
    "lone-surrogate",
    "swapped-surrogates",
    "duplicate-keys",
    "big-int",
    "int-2-53",
    "exp-overflow",
    "trailing",
    "nan",
    "comment",
    "single-quotes",
    "empty"
  ]
  it.each(cases.filter((_) => _.raw !== undefined))(
    "hostile text $name is refused or kept as plain data",
    ({ name, raw = "" }) => {
      const read = FlowText.parse(raw, "x.json")
      const refused = read.problems.length > 0 || JsonBounds.check(read.data) !== undefined
      assert.strictEqual(refused, refusedRaw.includes(name))
      if (!refused) assert.deepStrictEqual(read.data, JSON.parse(raw.replace(/^\uFEFF/, "")))
      assert.isUndefined(({} as Record<string, unknown>)["admin"])
    }
  )

  it("refuses the generated bombs of depth and width", () => {
    const text = (gen: NonNullable<Hostile["gen"]>): string | undefined => {
      if (typeof gen["repeat"] === "string") {
        const count = Number(gen["n"])
        return gen["repeat"].repeat(count) + String(gen["mid"] ?? "") + String(gen["close"]).repeat(count)
      }
      if (typeof gen["string"] === "number") return JSON.stringify("x".repeat(gen["string"]))
      if (typeof gen["digits"] === "number") return "9".repeat(gen["digits"])
      if (typeof gen["key"] === "number") return JSON.stringify({ ["k".repeat(gen["key"])]: 1 })
      return undefined
    }
    for (const { gen, name } of cases) {
      const made = gen === undefined ? undefined : text(gen)
      if (made === undefined) continue
      assert.isNotEmpty(FlowText.parse(made).problems, name)
      assert.isNotEmpty(FlowText.parse(made, "x.json").problems, name)
    }
  })
})
