import * as CanonicalJson from "@baton/engine/CanonicalJson"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"

interface Vector {
  readonly name: string
  readonly input: string
  readonly outhex: string
}

const vectors: ReadonlyArray<Vector> = readFileSync(new URL("../../../test/corpora/jcs.jsonl", import.meta.url), "utf8")
  .trimEnd().split("\n").map((line) => JSON.parse(line))

describe("canonical JSON (RFC 8785)", () => {
  for (const { input, name, outhex } of vectors) {
    it(`writes the bytes of the published vector ${name}`, () => {
      assert.strictEqual(Buffer.from(CanonicalJson.text(JSON.parse(input))).toString("hex"), outhex)
    })
  }

  it("does not depend on the order of members, and leaves out what is undefined", () => {
    const one = { b: [1, { y: 2, x: -0 }], a: null, "\u00e9": 1e21 }
    const other = { "\u00e9": 1e21, a: null, c: undefined, b: [1, { x: 0, y: 2 }] }
    assert.strictEqual(CanonicalJson.text(one), CanonicalJson.text(other))
    assert.notStrictEqual(CanonicalJson.text([1, 2]), CanonicalJson.text([2, 1]))
  })
})
