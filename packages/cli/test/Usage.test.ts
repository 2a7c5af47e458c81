import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { baton } from "./Harness.ts"

describe("baton usage", () => {
  it.effect("adds up what runs have used, and says where a price is unknown", () =>
    Effect.gen(function*() {
      const { exit, out } = yield* baton(["usage", "--by", "model"])
      assert.strictEqual(exit, 0)
      assert.match(out, /report +1 +3 +3,?000 +\$0\.25/)
      assert.match(out, /\(not told\) +1 +1 +1,?000 +unknown/)
      assert.match(out, /total +1 +4 +4,?000 +unknown, at least \$0\.25/)
    }))

  it.effect("refuses a page it cannot give", () =>
    Effect.gen(function*() {
      const { err, exit } = yield* baton(["usage", "--limit", "0"])
      assert.strictEqual(exit, 2)
      assert.include(err, "INVALID_VALUE")
    }))
})
