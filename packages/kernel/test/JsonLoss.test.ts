import { assert, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as JsonLoss from "../src/JsonLoss.ts"

const find = (text: string) => JsonLoss.find(text, JSON.parse(text))

it.prop("finds nothing lost in what JSON.stringify wrote", [Schema.Json], ([json]) => {
  assert.isUndefined(find(JSON.stringify(json)))
})

it("names the place of a number that no double holds, and of a key that is there twice", () => {
  assert.deepInclude(find("{\n \"n\": 12345678901234567890}"), { line: 2, column: 7 })
  assert.deepInclude(find("{\"n\":9007199254740993}"), { line: 1, column: 6 })
  assert.include(find("{\"n\":1e400}")?.message, "double")
  assert.include(find("{\"n\":-1.5e-400}")?.message, "double")
  assert.include(find("{\"a\":[{\"b\":1,\"b\":1}]}")?.message, "'b' is there twice")
})

it("is not misled by digits, colons and quotes inside strings, nor by other spellings of the same number", () => {
  for (
    const text of [
      "\"12345678901234567890\"",
      "{\"a:b\":\"c:\\\"d\\\\\",\"e\":\":\"}",
      "[1.0,1e0,-0,0e9,0.00,5e-324,9007199254740991,0.1,123456789012345678e-3]",
      "{\"a\":{},\"b\":[],\"\":{\"a\":null}}"
    ]
  ) assert.isUndefined(find(text), text)
})

it("reads a text whose keys are long as quickly as any other", () => {
  const members = Array.from({ length: 2_000 }, (_, n) => `"a${n}":0`).join(",")
  const text = `{"${"k".repeat(100_000)}":{${members},"a0":1}}`
  const began = performance.now()
  assert.include(find(text)?.message, "'a0' is there twice")
  assert.isBelow(performance.now() - began, 3_000)
})
