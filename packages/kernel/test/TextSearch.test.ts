import * as TextSearch from "@baton/kernel/TextSearch"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const Letters = Schema.Array(Schema.Literals(["a", "b"]))

describe("TextSearch", () => {
  it.prop(
    "finds what the host finds, with needles short and long",
    [Letters, Letters, Letters],
    ([before, core, after]) => {
      for (const needle of [core.join(""), core.join("").repeat(150)]) {
        const text = before.join("") + needle + after.join("") + needle.slice(0, -1)
        assert.strictEqual(TextSearch.indexOf(text, needle), text.indexOf(needle))
        assert.strictEqual(TextSearch.lastIndexOf(text, needle), text.lastIndexOf(needle))
        assert.strictEqual(TextSearch.indexOf(text, `${needle}c`), -1)
        if (needle !== "") assert.deepStrictEqual(TextSearch.split(text, needle, 1000), text.split(needle))
      }
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop("never cuts a character in two", [Schema.String, Schema.Int, Schema.Int], ([text, start, end]) => {
    const part = TextSearch.substring(text.toWellFormed(), Math.abs(start) % 5, Math.abs(end) % 9)
    assert.isTrue(part.isWellFormed())
  })
})
