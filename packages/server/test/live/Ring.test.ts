/** What is kept of a run for its readers. */
import { assert, describe, it } from "@effect/vitest"
import { Batch, type Frame, sizeOf } from "../../src/live/Frame.ts"
import { defaults } from "../../src/live/LiveLimits.ts"
import { Ring, RingBudget } from "../../src/live/Ring.ts"

const frame = (seq: number, bytes = 10): Frame => ({ run: "run_1", seq, event: "e", data: "x".repeat(bytes) })
const frames = (from: number, to: number): ReadonlyArray<Frame> =>
  Array.from({ length: to - from + 1 }, (_, index) => frame(from + index))

const positions = (ring: Ring, from: number): ReadonlyArray<number> | "behind" => {
  const found: Array<number> = []
  for (let at = from;;) {
    const batch: Batch | "behind" | undefined = ring.after(at)
    if (batch === "behind") return batch
    if (batch === undefined) return found
    for (const { seq } of batch.frames) found.push(seq ?? 0)
    at = batch.to ?? at
  }
}

describe("a ring", () => {
  it("gives what comes after any position that it covers, and says below which it does not", () => {
    const budget = new RingBudget(defaults.ringsBytesMax)
    const ring = new Ring(10, { ...defaults, ringFramesMax: 5, batchBytesMax: 150 }, budget)
    assert.deepStrictEqual([positions(ring, 10), positions(ring, 12), positions(ring, 9)], [[], [], "behind"])
    ring.push(frames(11, 14), 14)
    assert.deepStrictEqual([positions(ring, 10), positions(ring, 13)], [[11, 12, 13, 14], [14]])
    for (let seq = 15; seq < 40; seq += 2) ring.push(frames(seq, seq + 1), seq + 1)
    assert.deepStrictEqual([positions(ring, 34), positions(ring, 35)], ["behind", [36, 37, 38, 39, 40]])
  })

  it("goes on where nothing is to be told", () => {
    const ring = new Ring(3, defaults, new RingBudget(defaults.ringsBytesMax))
    ring.push([frame(5)], 9)
    assert.deepStrictEqual([positions(ring, 3), positions(ring, 5), ring.head], [[5], [], 9])
  })

  it("holds no more bytes than one ring, or all together, may", () => {
    const size = sizeOf(frame(1))
    const budget = new RingBudget(size * 10)
    const rings = [1, 2, 3].map(() => new Ring(0, { ...defaults, ringBytesMax: size * 4 }, budget))
    for (let seq = 1; seq < 20; seq++) {
      for (const ring of rings) {
        ring.push([frame(seq)], seq)
        assert.isAtMost(ring.bytes, size * 4)
        assert.isAtMost(budget.bytes, size * 10)
        assert.strictEqual(budget.bytes, rings.reduce((sum, { bytes }) => sum + bytes, 0))
      }
    }
    assert.deepStrictEqual(positions(rings[2]!, 18), [19])
    for (const ring of rings) ring.clear()
    assert.strictEqual(budget.bytes, 0)
  })

  it("gives readers at the same place the same bytes", () => {
    const ring = new Ring(0, defaults, new RingBudget(defaults.ringsBytesMax))
    ring.push(frames(1, 3), 3)
    const [one, other] = [ring.after(0), ring.after(0)]
    assert.strictEqual(one, other)
    assert.strictEqual(String((one as Batch).sse.whole).match(/^id: /gm)?.length, 3)
  })
})
