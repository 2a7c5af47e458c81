import { assert, it } from "@effect/vitest"
import * as Transcript from "./Transcript.ts"

it("the subflows example answers as its transcript says", async () => {
  const { actual, expected } = await Transcript.play("subflows")
  assert.strictEqual(actual, expected)
}, 300_000)
