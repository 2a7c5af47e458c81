import { assert, it } from "@effect/vitest"
import * as Transcript from "./Transcript.ts"

it("the server example answers as its transcript says", async () => {
  const { actual, expected } = await Transcript.play("server")
  assert.strictEqual(actual, expected)
}, 300_000)
