import * as AttemptOutput from "@baton/engine/AttemptOutput"
import * as FieldScope from "@baton/engine/FieldScope"
import { sourceOf, type Surroundings, template, TestBlobs, viewOf } from "@baton/engine/testing/AttemptHarness"
import type { Json, JsonObject, Value } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const scopeOf = (surroundings: Surroundings, blobs = new TestBlobs()) =>
  FieldScope.make("main", sourceOf(surroundings), blobs.service)

const json = (text: Json, surroundings: Surroundings, blobs?: TestBlobs) =>
  scopeOf(surroundings, blobs).json(template(text), "value")

const large = (letter: string): ReadonlyArray<string> => [letter.repeat(2000)]

describe("FieldScope", () => {
  it.effect("reads inputs, needs, nodes and items as the author wrote them", () =>
    Effect.gen(function*() {
      const value = yield* json(
        {
          lone: "${ needs.a.n }",
          text: "n is ${ needs.a.n }",
          status: "${ nodes.a.status }",
          item: "${ item.id }-${ index }",
          topic: "${ input.topic }"
        },
        {
          roots: { input: { v: { topic: "rain" } }, item: { v: { id: "x" } }, index: { v: 3 } },
          nodes: { a: { v: { n: 7 } } }
        }
      )
      assert.deepStrictEqual(value, { lone: 7, text: "n is 7", status: "succeeded", item: "x-3", topic: "rain" })
    }))

  it.effect("passes a lone reference to a large value on unread", () =>
    Effect.gen(function*() {
      const blobs = new TestBlobs()
      const results: Value = {
        chunks: [{ ...blobs.put(large("a")), n: 1 }, { ...blobs.put(large("b")), n: 1 }],
        count: 2
      }
      const stored = yield* scopeOf({ nodes: { enrich: { fields: { results, failed: { v: 0 } } } } }, blobs)
        .stored(template("${ needs.enrich.results }"), "content")
      assert.strictEqual(stored, results)
      assert.deepStrictEqual(blobs.reads, [])
    }))

  it.effect("reads a small member beside a large one without loading the large one", () =>
    Effect.gen(function*() {
      const blobs = new TestBlobs()
      const results: Value = { chunks: [{ ...blobs.put(large("a")), n: 1 }], count: 1 }
      const surroundings = { nodes: { enrich: { fields: { results, failed: { v: 4 } } } } }
      assert.strictEqual(yield* json("${ needs.enrich.failed }", surroundings, blobs), 4)
      assert.strictEqual(yield* json("${ needs.enrich.failed + 1 } of it", surroundings, blobs), "5 of it")
      assert.deepStrictEqual(blobs.reads, [])
    }))

  it.effect("loads what an expression reads into, once per attempt", () =>
    Effect.gen(function*() {
      const blobs = new TestBlobs()
      const scope = scopeOf(
        { nodes: { a: blobs.put({ n: 1, rest: "x".repeat(2000) }), b: blobs.put({ n: 2 }) } },
        blobs
      )
      const sum = template("${ needs.a.n + nodes.b.output.n }")
      assert.strictEqual(yield* scope.json(sum, "value"), 3)
      assert.strictEqual(yield* scope.json(sum, "value"), 3)
      assert.strictEqual(blobs.reads.length, 2)
    }))

  it.effect("gives whole objects and lists without traces of how they are stored", () =>
    Effect.gen(function*() {
      const blobs = new TestBlobs()
      const results: Value = { chunks: [{ ...blobs.put([1, 2]), n: 2 }, { v: [3], n: 1 }], count: 3 }
      const a: Value = { fields: { results, failed: { v: 0 } } }
      const value = yield* json({ a: "${ needs }", again: "${ nodes.a.output.results }" }, { nodes: { a } }, blobs)
      assert.deepStrictEqual(value, { a: { a: { results: [1, 2, 3], failed: 0 } }, again: [1, 2, 3] })
      assert.deepStrictEqual(
        Object.values(Object.getOwnPropertyDescriptors((value as { a: object }).a)).map((one) => typeof one.get),
        ["undefined"]
      )
    }))

  it.effect("hands a lone reference inside a blob on, however large its surroundings", () =>
    Effect.gen(function*() {
      const blobs = new TestBlobs()
      const markdown = "x".repeat(FieldScope.readBytesMax + 1)
      const surroundings = { nodes: { report: blobs.put({ markdown }) } }
      assert.strictEqual(yield* json("${ needs.report.markdown }", surroundings, blobs), markdown)
      const error = yield* Effect.flip(json("see ${ needs.report.markdown }", surroundings, blobs))
      assert.strictEqual(error.code, "EXPRESSION_LIMIT")
    }))

  it.effect("leaves nodes that are no direct need, or ended without running, out of needs", () =>
    Effect.gen(function*() {
      const nodes = { a: { v: 1 }, b: { v: 2 }, c: viewOf(undefined, "skipped"), d: viewOf(undefined, "failed") }
      assert.deepStrictEqual(yield* json("${ needs }", { nodes, needs: ["b", "c", "d"] }), { b: 2, d: null })
      const error = yield* Effect.flip(json("${ needs.a }", { nodes, needs: ["b"] }))
      assert.strictEqual(error.kind, "expression")
      assert.strictEqual(error.sent, false)
      assert.isTrue(error.message.startsWith("value: "))
    }))

  it.effect("says which stored value is gone", () =>
    Effect.gen(function*() {
      const ref = new TestBlobs().put("x".repeat(2000))
      const error = yield* Effect.flip(json("${ needs.a + 'b' }", { nodes: { a: ref } }))
      assert.strictEqual(error.code, "BLOB_MISSING")
      assert.strictEqual(error.retryable, false)
    }))

  it.effect("streams the elements of a list one chunk at a time", () =>
    Effect.gen(function*() {
      const blobs = new TestBlobs()
      const parts = [[1, 2], [3], [4, 5]]
      const chunks = parts.map((part) => ({ ...blobs.put(part), n: part.length }))
      const scope = scopeOf({}, blobs)
      const first = yield* scope.elements({ chunks, count: 5 }).pipe(Stream.take(2), Stream.runCollect)
      assert.deepStrictEqual(first, [1, 2])
      assert.strictEqual(blobs.reads.length, 1)
      assert.deepStrictEqual(yield* Stream.runCollect(scope.elements({ chunks, count: 5 })), [1, 2, 3, 4, 5])
      assert.deepStrictEqual(yield* Stream.runCollect(scope.elements({ v: "one" })), ["one"])
      assert.deepStrictEqual(yield* Stream.runCollect(scope.elements({ v: [] })), [])
    }))

  it.effect.prop(
    "gives the same value however it is stored",
    [Schema.Record(Schema.String, Schema.Json)],
    ([written]) =>
      Effect.gen(function*() {
        if (AttemptOutput.problem(written) !== undefined) return
        const object = JSON.parse(JSON.stringify(written)) as JsonObject
        const blobs = new TestBlobs()
        const fields = Object.fromEntries(Object.entries(object).map(([key, member]) => [key, blobs.put(member)]))
        const ways: ReadonlyArray<Value> = [{ v: object }, blobs.put(object), { fields }]
        for (const a of ways) {
          assert.deepStrictEqual(yield* json("${ needs.a }", { nodes: { a } }, blobs), object)
          assert.deepStrictEqual(yield* json({ in: ["${ needs.a }"] }, { nodes: { a } }, blobs), { in: [object] })
        }
      })
  )
})
