/** The published description of live streams. */
import * as AsyncApi from "@baton/contract/AsyncApi"
import * as Wire from "@baton/contract/Wire"
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const published = readFileSync(new URL("../../../docs/reference/asyncapi.json", import.meta.url), "utf8")
const document = JSON.parse(published)

const at = (pointer: string): unknown =>
  pointer.slice(2).split("/").reduce<unknown>(
    (value, key) => (value as { readonly [key: string]: unknown } | undefined)?.[key.replaceAll("~1", "/")],
    document
  )

describe("the AsyncAPI document", () => {
  it("is what the schemas say now", () => {
    assert.strictEqual(published, `${JSON.stringify(AsyncApi.document(), null, 2)}\n`)
  })

  it("refers to nothing that is not in it", () => {
    const references = [...published.matchAll(/"\$ref": "([^"]+)"/g)].map(([, reference]) => reference!)
    assert.isAbove(references.length, 20)
    for (const reference of references) assert.isDefined(at(reference), reference)
  })

  it("names every type of event, and no other", () => {
    const types = (message: string) => document.components.messages[message].payload.properties.type.enum
    assert.deepStrictEqual([...types("event"), ...types("live")], [...Wire.types])
  })
})
