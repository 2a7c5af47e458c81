import type { Json, JsonObject } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as JsonConformance from "../src/output/JsonConformance.ts"
import * as JsonHygiene from "../src/output/JsonHygiene.ts"
import * as JsonText from "../src/output/JsonText.ts"
import * as SchemaFit from "../src/output/SchemaFit.ts"
import * as StructuredOutput from "../src/output/StructuredOutput.ts"

const first = (text: string) => JsonText.candidates(text).next().value?.value

describe("JSON in what a model wrote", () => {
  it.prop("is found bare, fenced and in prose", [Schema.Record(Schema.String, Schema.Json)], ([value]) => {
    const text = JSON.stringify(value)
    const parsed = JSON.parse(text)
    assert.deepStrictEqual(first(` ${text}\n`), parsed)
    assert.deepStrictEqual(first(`Here it is: ${text} I hope it helps.`), parsed)
    if (!text.includes("```")) assert.deepStrictEqual(first(`Sure.\n\`\`\`json\n${text}\n\`\`\`\nDone.`), parsed)
  })

  it.prop("is looked for in any text without a throw", [Schema.String], ([text]) => {
    for (const { value } of JsonText.candidates(`{[${text}]}`)) JSON.stringify(value)
  })

  it.each<readonly [string, Json]>([
    ["{\"a\": [1, 2,], }", { a: [1, 2] }],
    ["{\"a\": \"two\nlines\"}", { a: "two\nlines" }],
    ["Use {curly} braces like {\"a\":\"}\"}", { a: "}" }],
    ["```\n{\"a\":1}\n```\nand\n```\n{\"b\":2}\n```", { a: 1 }]
  ])("is mended where models slip: %j", (text, value) => assert.deepStrictEqual(first(text), value))

  it("takes bounded work on hostile text", () => {
    assert.deepStrictEqual([...JsonText.candidates("{".repeat(1_000_000))], [])
    assert.deepStrictEqual([...JsonText.candidates(`x${"[".repeat(1_000_000)}`)], [])
    assert.deepStrictEqual([...JsonText.candidates(`{"a":1${",".repeat(200_000)}}`)], [])
    assert.deepStrictEqual([...JsonText.candidates(`"${"x".repeat(JsonText.textLengthMax)}"`)], [])
  })
})

describe("JSON for the stores", () => {
  it.prop("has no NUL, no lone surrogate and no member lost otherwise", [Schema.Json], ([value]) => {
    const { repairs, value: cleaned } = JsonHygiene.clean(value)
    const text = JSON.stringify(cleaned)
    assert.notInclude(text, "\\u0000")
    assert.notMatch(text, /\\ud[89a-f]/)
    if (repairs.length === 0) assert.deepStrictEqual(cleaned, value)
  })

  it("is at most 128 levels deep", () => {
    const nested = (levels: number): Json => levels === 0 ? "leaf" : [nested(levels - 1)]
    assert.deepStrictEqual(JsonHygiene.clean(nested(128)).repairs, [])
    assert.strictEqual(JsonHygiene.clean(nested(129)).repairs.length, 1)
    const deep = JSON.parse(`${"[".repeat(5000)}1${"]".repeat(5000)}`)
    assert.strictEqual(JSON.stringify(JsonHygiene.clean(deep).value).length, 128 * 2 + 4)
  })

  it("keeps a member named __proto__ a member", () => {
    const { value } = JsonHygiene.clean(JSON.parse("{\"__proto__\":{\"a\":\"\\u0000\"}}"))
    assert.strictEqual(JSON.stringify(value), "{\"__proto__\":{\"a\":\"\"}}")
  })

  it("has finite numbers", () => assert.deepStrictEqual(JsonHygiene.clean(JSON.parse("[1e999]")).value, [null]))
})

describe("conformance", () => {
  const schema: JsonObject = {
    type: "object",
    required: ["title"],
    properties: { title: { type: "string" }, items: { type: "array", items: { type: "object", required: ["id"] } } }
  }
  const problems = (value: Json, by = schema) => JsonConformance.compile(by)(value)

  it("names the place and what was expected, innermost only", () => {
    const found = Result.getOrThrow(problems({ title: 1, items: [{}] }))
    assert.strictEqual(found.length, 2)
    assert.match(found[0] ?? "", /^\/title: .*string/)
    assert.match(found[1] ?? "", /^\/items\/0: .*id/)
    assert.deepStrictEqual(Result.getOrThrow(problems({ title: "a" })), [])
  })

  it("tells an unusable schema from a wrong value", () => {
    assert.ok(Result.isFailure(problems({}, { $ref: "#/$defs/none" })))
    assert.ok(Result.isFailure(problems("x", { pattern: "(" })))
  })

  it("is settled in time for a pattern that would make a backtracking engine search for ages", () => {
    assert.strictEqual(Result.getOrThrow(problems(`${"a".repeat(50_000)}!`, { pattern: "^(a+)+$" })).length, 1)
  })
})

describe("schemas for endpoints", () => {
  it("are strict only when closed, complete and of known keywords", () => {
    const closed: JsonObject = {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: false
    }
    assert.ok(SchemaFit.isStrict(closed))
    for (
      const change of [{ required: [] }, { additionalProperties: true }, { type: "array" }, { oneOf: [] }, {
        properties: { a: { type: "object" } }
      }]
    ) assert.notOk(SchemaFit.isStrict({ ...closed, ...change }))
  })

  it("are wrapped when their root is no object, references kept", () => {
    const list: JsonObject = { type: "array", items: { $ref: "#/$defs/id" }, $defs: { id: { type: "integer" } } }
    const fit = SchemaFit.fit(list)
    assert.deepStrictEqual(fit?.schema["$defs"], list["$defs"])
    assert.deepStrictEqual(fit?.unwrap({ value: [1] }), [1])
    assert.deepStrictEqual(fit?.unwrap([1]), [1])
    assert.strictEqual(SchemaFit.fit({ anyOf: [{ type: "null" }, { type: "array", items: { $ref: "#" } }] }), undefined)
  })
})

describe("reading an answer", () => {
  it.effect("takes the first value that conforms, not the first that parses", () =>
    Effect.gen(function*() {
      const output = StructuredOutput.make({ type: "object", required: ["b"] })
      const read = yield* output.read("First {\"a\":1,\"c\":[1,2,3]} and then {\"b\":2}")
      assert.deepStrictEqual(read, { _tag: "Conforms", value: { b: 2 }, repairs: [] })
      const none = yield* output.read("Nothing here")
      assert.strictEqual(none._tag, "Fails")
    }))
})
