import * as JsonPatch from "@baton/kernel/JsonPatch"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

interface Vector {
  readonly comment?: string
  readonly doc: Json
  readonly patch: ReadonlyArray<Json>
  readonly expected?: Json
  readonly error?: string
  readonly disabled?: boolean
}

const vectors = (name: string): ReadonlyArray<Vector> =>
  JSON.parse(readFileSync(new URL(`../../../test/corpora/${name}`, import.meta.url), "utf8"))

const patched = (document: Json, patch: unknown): Result.Result<Json, JsonPatch.Fault> => {
  const operations = JsonPatch.decode(patch)
  return Result.isFailure(operations)
    ? Result.fail(operations.failure)
    : JsonPatch.apply(document, operations.success)
}

const codeOf = (document: Json, patch: unknown): string | undefined => {
  const result = patched(document, patch)
  return Result.isFailure(result) ? result.failure.code : undefined
}

describe("JsonPatch", () => {
  for (const file of ["json-patch-tests.json", "json-patch-spec-tests.json"]) {
    it(`answers every live case of ${file} as the suite says`, () => {
      const live = vectors(file).filter((vector) => vector.disabled !== true && vector.doc !== undefined)
      assert.isAbove(live.length, 15)
      for (const vector of live) {
        const before = JSON.stringify([vector.doc, vector.patch])
        const result = patched(vector.doc, vector.patch)
        const about = vector.comment ?? vector.error ?? before
        if (vector.error !== undefined) assert.isTrue(Result.isFailure(result), about)
        else {
          assert.deepStrictEqual(Result.getOrThrow(result), "expected" in vector ? vector.expected : vector.doc, about)
        }
        assert.strictEqual(JSON.stringify([vector.doc, vector.patch]), before, "nothing that was given is changed")
      }
    })
  }

  it("takes __proto__, constructor and length as plain keys, and no prototype is ever reached", () => {
    const pollute = [{ op: "add", path: "/__proto__/admin", value: true }]
    assert.strictEqual(codeOf({}, pollute), "PATCH_TARGET")
    assert.strictEqual(codeOf({}, [{ op: "add", path: "/constructor/prototype/admin", value: 1 }]), "PATCH_TARGET")
    assert.strictEqual(codeOf({ a: [1] }, [{ op: "replace", path: "/a/length", value: 0 }]), "PATCH_TARGET")
    assert.strictEqual(codeOf({}, [{ op: "test", path: "/toString", value: null }]), "PATCH_TARGET")
    assert.strictEqual(codeOf({}, [{ op: "copy", from: "/constructor", path: "/x" }]), "PATCH_TARGET")
    assert.strictEqual(codeOf("text", [{ op: "test", path: "/length", value: 4 }]), "PATCH_TARGET")
    const own = Result.getOrThrow(patched({}, [
      { op: "add", path: "/__proto__", value: { admin: false } },
      { op: "replace", path: "/__proto__/admin", value: true }
    ]))
    assert.strictEqual(JSON.stringify(own), "{\"__proto__\":{\"admin\":true}}")
    assert.strictEqual(Object.getPrototypeOf(own), Object.prototype)
    assert.isUndefined(({} as { admin?: boolean }).admin)
  })

  it("refuses pointers with bad escapes, blanks, signs and leading zeros", () => {
    for (const path of ["nodes", "/a~2", "/a~", 3, null]) {
      assert.strictEqual(codeOf({}, [{ op: "remove", path }]), "PATCH_MALFORMED")
    }
    for (const index of ["01", "+1", "-1", " 1", "1e0", "1.0", "4294967296", ""]) {
      assert.strictEqual(codeOf([1, 2], [{ op: "remove", path: `/${index}` }]), "PATCH_TARGET", index)
    }
  })

  it("says where in the patch the fault is, and what was expected", () => {
    const result = patched({ a: 1 }, [{ op: "test", path: "/a", value: 1 }, { op: "spam", path: "/a" }])
    assert.deepStrictEqual(Result.isFailure(result) ? result.failure : undefined, {
      code: "PATCH_MALFORMED",
      pointer: "/1/op",
      message: "There is no operation 'spam'.",
      expected: "add, remove, replace, move, copy, test"
    })
  })

  it("refuses a bomb by its budgets", () => {
    const doubling = Array.from(
      { length: 40 },
      (_, n) => ({ op: "copy", from: "/a", path: `/a/${n === 0 ? "x" : "x" + n}` })
    )
    assert.strictEqual(codeOf({ a: { b: 1 } }, doubling), "PATCH_TOO_LARGE")
    const many = Array.from({ length: 1_000_000 }, () => ({ op: "add", path: "/x", value: 1 }))
    assert.strictEqual(codeOf({}, many), "PATCH_TOO_LARGE")
    const nesting = Array.from({ length: 200 }, () => ({ op: "move", from: "/a", path: "/b/a" }))
    assert.isDefined(codeOf({ a: 1, b: {} }, nesting))
    let deep: Json = 1
    for (let level = 0; level < 100_000; level++) deep = [deep]
    assert.strictEqual(codeOf({}, [{ op: "add", path: "/x", value: deep }]), "PATCH_TOO_LARGE")
    assert.strictEqual(codeOf({}, [{ op: "add", path: "/x", value: "x".repeat(9_000_000) }]), "PATCH_TOO_LARGE")
  })

  it("copies without sharing: a later change of one copy leaves the other alone", () => {
    const result = patched({ a: { list: [1] } }, [
      { op: "add", path: "/a/list/-", value: 2 },
      { op: "copy", from: "/a", path: "/b" },
      { op: "add", path: "/b/list/-", value: 3 },
      { op: "remove", path: "/a/list/0" }
    ])
    assert.deepStrictEqual(Result.getOrThrow(result), { a: { list: [2] }, b: { list: [1, 2, 3] } })
  })

  it("shares what it leaves alone with the document before", () => {
    const document = { kept: { deep: [1] }, changed: { x: 1 } }
    const after = Result.getOrThrow(patched(document, [{ op: "replace", path: "/changed/x", value: 2 }]))
    assert.strictEqual((after as typeof document).kept, document.kept)
    assert.strictEqual(document.changed.x, 1)
  })

  it.prop(
    "is total: any JSON as document and patch gives an answer",
    [Schema.Json, Schema.Json],
    ([document, patch]) => {
      patched(document, patch)
      patched(document, [patch, { op: "test", path: "", value: patch }])
    }
  )

  it.prop("what is added is found, and removing it restores the document", [Schema.Json, Schema.Json], ([a, b]) => {
    const document: Json = { a, list: [a, b] }
    for (const path of ["/new", "/list/1", "/list/-", "/__proto__"]) {
      const there = path === "/list/-" ? "/list/2" : path
      const result = patched(document, [
        { op: "add", path, value: b },
        { op: "test", path: there, value: b },
        { op: "remove", path: there }
      ])
      assert.isTrue(Result.isFailure(result) || JsonPatch.equal(result.success, document))
    }
  })

  it.prop("equality does not depend on the order of members", [Schema.Record(Schema.String, Schema.Json)], ([json]) => {
    const turned = Object.fromEntries(Object.entries(json).toReversed())
    assert.isTrue(JsonPatch.equal(json, turned))
    assert.isFalse(JsonPatch.equal(json, { ...json, "another key": 1 }))
  })
})
