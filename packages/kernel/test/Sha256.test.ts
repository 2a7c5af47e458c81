/** The hash and the ids made from it; the vectors are those of FIPS 180-4's examples and of Node's own implementation. */
import * as Sha256 from "@baton/kernel/Sha256"
import { assert, describe, it } from "@effect/vitest"
import { hash } from "node:crypto"

describe("Sha256", () => {
  it("answers the published vectors", () => {
    assert.strictEqual(Sha256.hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert.strictEqual(Sha256.hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  })

  it("agrees with another implementation at every length around a block, and beyond ASCII", () => {
    for (let length = 0; length < 200; length++) {
      const text = "aé😀".repeat(50).slice(0, length).toWellFormed()
      assert.strictEqual(Sha256.hex(text), hash("sha256", text, "hex"), `length ${length}`)
    }
  })

  it("makes ids that sort by time and are the same again", () => {
    const [early, late] = [Sha256.timedId("apr", 1_700_000_000_000, "a"), Sha256.timedId("apr", 1_700_000_000_001, "a")]
    assert.match(early, /^apr_[0-9a-z]{26}$/)
    assert.isTrue(early < late)
    assert.strictEqual(early, Sha256.timedId("apr", 1_700_000_000_000, "a"))
    assert.notStrictEqual(early, Sha256.timedId("apr", 1_700_000_000_000, "b"))
  })
})
