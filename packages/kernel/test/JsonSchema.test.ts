import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

interface Group {
  readonly file: string
  readonly description: string
  readonly schema: Json
  readonly tests: ReadonlyArray<readonly [description: string, data: Json, valid: boolean]>
}
const suite = readFileSync(new URL("../../../test/corpora/json-schema-2020-12.jsonl", import.meta.url), "utf8")
const groups = suite.trim().split("\n").map((line): Group => JSON.parse(line))
/** A schema without the vocabulary of validation, which we do not read: its `minimum` counts here. */
const known = "no validation: invalid number, but it still validates"

const messages = (schema: Json, value: Json): ReadonlyArray<string> =>
  JsonSchema.validate(schema, value).map(({ message, pointer }) => `${pointer}: ${message}`)

describe("JsonSchema, the official suite", () => {
  it("answers right for every schema that it does not refuse, and refuses no more than it says", () => {
    let [right, refused] = [0, 0]
    const wrong: Array<string> = []
    for (const group of groups) {
      const faults = JsonSchema.check(group.schema)
      for (const [description, data, valid] of group.tests) {
        if (faults.length > 0) refused++
        else if (JsonSchema.isValid(group.schema, data) === valid || description === known) right++
        else wrong.push(`${group.file}: ${group.description}: ${description}`)
      }
    }
    assert.deepStrictEqual(wrong, [])
    assert.deepStrictEqual({ right, refused }, { right: 979, refused: 320 })
  })
})

describe("JsonSchema, values", () => {
  it("names what is wrong and where", () => {
    const schema: Json = {
      type: "object",
      required: ["tasks"],
      properties: { tasks: { type: "array", minItems: 1, items: { type: "object", required: ["question"] } } },
      additionalProperties: false
    }
    assert.deepStrictEqual(messages(schema, {}), [": The value has no 'tasks'."])
    assert.deepStrictEqual(messages(schema, { tasks: [] }), ["/tasks: 'tasks' should have at least 1 items."])
    assert.deepStrictEqual(messages(schema, { tasks: [{}, 1], "a/b": 1 }), [
      "/tasks/0: '0' has no 'question'.",
      "/tasks/1: '1' should be object, not number.",
      "/a~1b: 'a/b' is not allowed here."
    ])
  })

  it("sees own members only", () => {
    for (const name of ["toString", "constructor", "__proto__", "hasOwnProperty"]) {
      assert.isFalse(JsonSchema.isValid({ required: [name] }, {}))
      assert.isTrue(JsonSchema.isValid({ properties: { [name]: { type: "number" } } }, {}))
      assert.isFalse(JsonSchema.isValid({ additionalProperties: false }, JSON.parse(`{"${name}": 1}`)))
      assert.isTrue(JsonSchema.isValid({ required: [name] }, JSON.parse(`{"${name}": 1}`)))
    }
    assert.isFalse(
      JsonSchema.isValid(
        JSON.parse("{\"properties\": {\"__proto__\": {\"type\": \"string\"}}}"),
        JSON.parse("{\"__proto__\": 1}")
      )
    )
  })

  it("is not stopped by a catastrophic pattern, a long list or a wide value", () => {
    const before = process.cpuUsage()
    const evil = `${"a".repeat(5000)}!`
    assert.isFalse(JsonSchema.isValid({ type: "string", pattern: "^(a+)+$" }, evil))
    assert.isFalse(JsonSchema.isValid({ patternProperties: { "^(a|a)*$": false } }, { a: 1 }))
    const many = Array.from({ length: 50_000 }, (_, index) => ({ index }))
    assert.isTrue(JsonSchema.isValid({ uniqueItems: true }, many))
    assert.match(messages({ pattern: "(x?){1000}y" }, "x".repeat(100_000)).join(), /too many steps/)
    const { user } = process.cpuUsage(before)
    assert.isBelow(user / 1000, 3000)
  })

  it("ends recursion on deep values with a violation", () => {
    const tree: Json = { properties: { next: { $ref: "#" } } }
    let value: Json = {}
    for (let level = 0; level < 2000; level++) value = { next: value }
    assert.match(messages(tree, value).join(), /nested deeper/)
    assert.isTrue(JsonSchema.isValid(tree, { next: { next: {} } }))
  })

  it.prop("never throws on any schema and value", [Schema.Json, Schema.Json], ([schema, value]) => {
    assert.isArray(JsonSchema.check(schema))
    assert.isArray(JsonSchema.validate(schema, value))
  }, { arbitrary: { runs: 300 } })
})

describe("JsonSchema, schemas", () => {
  const faults = (schema: Json): ReadonlyArray<string> =>
    JsonSchema.check(schema).map(({ message, pointer }) => `${pointer}: ${message}`)

  const cases: ReadonlyArray<readonly [Json, RegExp]> = [
    [5, /A schema is an object/],
    [{ type: "strng" }, /\/type: type should be one of/],
    [{ properties: { a: { type: 5 } } }, /\/properties\/a\/type/],
    [{ required: "a" }, /\/required: .*a list of names/],
    [{ minLength: -1 }, /whole number/],
    [{ multipleOf: 0 }, /above 0/],
    [{ anyOf: [] }, /not empty/],
    [{ items: [{}] }, /prefixItems/],
    [{ pattern: "(" }, /\/pattern: Unmatched/],
    [{ pattern: "(?=a)" }, /Lookaround/],
    [{ patternProperties: { "[": {} } }, /Unmatched \[/],
    [{ $ref: "https://example.com/schema.json" }, /part of the same schema/],
    [{ $ref: "#/$defs/missing" }, /leads nowhere/],
    [{ $ref: "#" }, /refers to itself/],
    [{ $defs: { a: { $ref: "#/$defs/b" }, b: { allOf: [{ $ref: "#/$defs/a" }] } } }, /refers to itself/],
    [{ unevaluatedProperties: false }, /not supported/]
  ]
  it.each(cases)("%j is refused", (schema, message) => assert.match(faults(schema).join("\n"), message))

  it("accepts recursion through a part of the value, shared parts and unknown keywords", () => {
    assert.deepStrictEqual(faults({ properties: { child: { $ref: "#" } }, "x-note": 1, format: "email" }), [])
    assert.deepStrictEqual(faults({ $defs: { a: {} }, allOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] }), [])
    assert.deepStrictEqual(faults(true), [])
  })

  it("refuses to apply an invalid schema", () => {
    assert.deepStrictEqual(messages({ type: "strng" }, "a"), [": The schema itself is invalid."])
  })
})
