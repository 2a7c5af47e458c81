import { assert, it } from "@effect/vitest"
import * as Transcript from "./Transcript.ts"

it("results are used again, and steps say why, as the transcript of the receipts example tells", async () => {
  const { actual, expected } = await Transcript.play("receipts")
  assert.strictEqual(actual, expected)
}, 300_000)
