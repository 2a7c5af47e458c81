import { assert, describe, it } from "@effect/vitest"
import * as Transcript from "./Transcript.ts"

describe.concurrent("the examples of operating runs", () => {
  for (const name of ["operators", "fork", "explain"]) {
    it(`${name} answers as its transcript says`, async () => {
      const { actual, expected } = await Transcript.play(name)
      assert.strictEqual(actual, expected)
    }, 180_000)
  }
})
