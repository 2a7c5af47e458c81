import * as DurationText from "@baton/kernel/DurationText"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const Milliseconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: DurationText.durationMaxMs }))

describe("DurationText", () => {
  it("reads what people write", () => {
    const read = ["500ms", "10s", "1.5m", "48h", "7d", "0s"].map(DurationText.parse)
    assert.deepStrictEqual(read, [500, 10_000, 90_000, 172_800_000, 604_800_000, 0])
  })

  it("reads nothing else", () => {
    for (const text of ["", "10", "s", "-1s", "1 s", "1s ", "1e3s", "10S", "1h30m", "9999999d", "1".repeat(40) + "s"]) {
      assert.isUndefined(DurationText.parse(text), text)
    }
  })

  it.prop("reads back what it writes", [Milliseconds], ([ms]) => {
    assert.strictEqual(DurationText.parse(DurationText.format(ms)), ms)
  })
})
