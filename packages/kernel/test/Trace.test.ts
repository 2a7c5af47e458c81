/** Ids of a run's trace: derived, so that every process that goes on with the run finds the same. */
import { assert, describe, it } from "@effect/vitest"
import * as Trace from "../src/Trace.ts"

const own = { run: "run_1", createdAt: 1_700_000_000_000, trace: undefined }
const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
const given = { ...own, trace: { parent, state: "a=1" } }

describe("Trace", () => {
  it("is the run's own, or that of its creator", () => {
    assert.match(Trace.traceId(own), /^[0-9a-f]{32}$/)
    assert.strictEqual(Trace.traceId(own), Trace.traceId({ ...own }))
    assert.notStrictEqual(Trace.traceId(own), Trace.traceId({ ...own, run: "run_2" }))
    assert.strictEqual(Trace.traceId(given), "0af7651916cd43dd8448eb211c80319c")
    assert.deepStrictEqual([Trace.parentSpan(own), Trace.parentSpan(given)], [undefined, "b7ad6b7169203331"])
    assert.strictEqual(Trace.runSpan(own), Trace.runSpan(given))
  })

  it("is recorded as its creator says, and else as is decided here", () => {
    const unrecorded = { ...own, trace: { parent: parent.replace(/01$/, "02") } }
    assert.deepStrictEqual([Trace.isSampled(own, true), Trace.isSampled(own, false)], [true, false])
    assert.deepStrictEqual([Trace.isSampled(given, false), Trace.isSampled(unrecorded, true)], [true, false])
  })

  it("has a span of its own for every attempt of every step", () => {
    const root = Trace.runSpan(own)
    const ids = new Set<string>([root])
    for (let item = 0; item < 20_000; item++) {
      for (const attempt of [1, 2, 3]) ids.add(Trace.stepSpan(root, `research[${item}]`, attempt))
    }
    assert.strictEqual(ids.size, 60_001)
    for (const id of [...ids].slice(0, 100)) assert.match(id, /^[0-9a-f]{16}$/)
  })

  it("goes on in a child within the step that started it", () => {
    const child = { run: "run_2", createdAt: 1, trace: Trace.childLink(given, "call", 2, true) }
    assert.strictEqual(Trace.traceId(child), Trace.traceId(given))
    assert.strictEqual(Trace.parentSpan(child), Trace.stepSpan(Trace.runSpan(given), "call", 2))
    assert.strictEqual(child.trace.state, "a=1")
  })
})
