/** JSON Merge Patch: the examples of RFC 7396, appendix A, and what is refused before anything is applied. */
import * as MergePatch from "@baton/kernel/MergePatch"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "vitest"

const examples: ReadonlyArray<readonly [target: Json, patch: Json, result: Json]> = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [["a", "b"], ["c", "d"], ["c", "d"]],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }]
]

const deep = (levels: number): Json => levels === 0 ? 1 : { a: deep(levels - 1) }

describe("JSON Merge Patch (RFC 7396)", () => {
  it("gives what the examples of the RFC give", () => {
    for (const [target, patch, result] of examples) assert.deepStrictEqual(MergePatch.apply(target, patch), result)
  })

  it("takes __proto__ as a name like any other, and changes neither argument", () => {
    const patch: Json = JSON.parse("{\"__proto__\":{\"polluted\":true},\"constructor\":{\"prototype\":{\"x\":1}}}")
    const target: Json = Object.freeze({ kept: 1 })
    const result = MergePatch.apply(target, patch)
    assert.strictEqual(
      JSON.stringify(result),
      "{\"kept\":1,\"__proto__\":{\"polluted\":true},\"constructor\":{\"prototype\":{\"x\":1}}}"
    )
    assert.isUndefined(({} as { polluted?: boolean }).polluted)
    assert.deepStrictEqual(target, { kept: 1 })
  })

  it("refuses what is deeper or larger than its bounds, and what is no JSON", () => {
    assert.isUndefined(MergePatch.check(deep(MergePatch.depthMax)))
    assert.include(MergePatch.check(deep(MergePatch.depthMax + 1))?.message, "deeper")
    assert.include(MergePatch.check(Array.from({ length: MergePatch.valuesMax }, () => 0))?.message, "values")
    assert.include(MergePatch.check("x".repeat(MergePatch.textMax + 1))?.message, "text")
    assert.include(MergePatch.check({ a: undefined })?.message, "not JSON")
  })
})
