import * as Compile from "@baton/kernel/Compile"
import * as FlowSchema from "@baton/kernel/FlowSchema"
import * as FlowText from "@baton/kernel/FlowText"
import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Json } from "@baton/kernel/Value"
import { type Schema, Validator } from "@cfworker/json-schema"
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"

const published = readFileSync(new URL("../schemas/flow.json", import.meta.url), "utf8")
const document: Json = JSON.parse(published)
const validator = new Validator(JSON.parse(published) as Schema, "2020-12")
const folder = new URL("../../../examples/", import.meta.url)
const examples = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yaml"))
  // A patch is a list of operations, and no flow.
  .filter((name) => /^name:/m.test(readFileSync(new URL(name, folder), "utf8")))

describe("FlowSchema", () => {
  it("is published as it is: after a change to Flow run `npm run schemas`", () => {
    assert.strictEqual(published, `${JSON.stringify(FlowSchema.document(), null, 2)}\n`)
  })

  it("is a sound schema by our own rules", () => assert.deepStrictEqual(JsonSchema.check(document), []))

  it.each(examples)("accepts %s in both spellings, by two validators", (name) => {
    const text = readFileSync(new URL(name, folder), "utf8")
    for (const spelling of [FlowText.parse(text).data, Compile.check(text).flow as unknown as Json]) {
      assert.isTrue(validator.validate(spelling).valid, JSON.stringify(validator.validate(spelling).errors.slice(-3)))
      assert.deepStrictEqual(JsonSchema.validate(document, spelling), [])
    }
  })

  const wrong: ReadonlyArray<Json> = [
    {},
    { name: "x" },
    { name: "1x", nodes: {} },
    { name: "x", nodes: { a: { agnet: "p" } } },
    { name: "x", nodes: { a: { agent: "p", timeout: 5 } } },
    { name: "x", nodes: { "a b": { value: 1 } } },
    { name: "x", nodes: [{ id: "a", type: "agnt" }] },
    { name: "x", nodes: { a: { map: [1] } } },
    { name: "x", nodes: { a: { value: 1 } }, colour: "red" }
  ]
  it.each(wrong.map((doc) => [doc]))("refuses %j", (doc) => {
    assert.isFalse(validator.validate(doc).valid)
    assert.isFalse(JsonSchema.isValid(document, doc))
  })
})
