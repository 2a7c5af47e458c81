import { assert, it } from "@effect/vitest"
import * as Transcript from "./Transcript.ts"

it("the concurrency example answers as its transcript says", async () => {
  const { actual, expected } = await Transcript.play("concurrency")
  assert.strictEqual(actual, expected)
}, 300_000)
