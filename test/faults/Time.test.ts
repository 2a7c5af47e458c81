/** Clocks that jump, and days that are longer or shorter than others. */
import * as Compile from "@baton/kernel/Compile"
import * as Outstanding from "@baton/kernel/Outstanding"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { epoch, flow, RunDriver } from "../../packages/kernel/test/RunDriver.ts"

const day = 86_400_000

/** A run that waits until the time that its input says. */
const waiting = (text: string): RunDriver => new RunDriver(flow([{ id: "a", type: "wait", until: "${ input }" }]), text)

/** When the wait is over, in milliseconds since 1970. */
const due = (text: string): number | undefined => Outstanding.timers(waiting(text).state)[0]?.due

const isRefused = (text: string): void => {
  assert.strictEqual(waiting(text).state.finished?.code, "WAIT_INVALID", text)
  assert.isTrue(Result.isFailure(Compile.compile(flow([{ id: "a", type: "wait", until: text }]))), text)
}

describe("time as people write it", () => {
  it("fault 35: a time names its zone; without one it is refused", () => {
    for (const text of ["2027-03-28T02:30:00", "2027-03-28", "tomorrow", "2027-01-01T25:00:00Z"]) isRefused(text)
  })

  it("fault 35: the hour that summer time skips, and the one it repeats, are told apart by their offset", () => {
    const hour = 3_600_000
    assert.strictEqual(due("2027-03-28T02:30:00+01:00"), due("2027-03-28T03:30:00+02:00"))
    const [first, second] = [due("2027-10-31T02:30:00+02:00"), due("2027-10-31T02:30:00+01:00")]
    assert.strictEqual((second ?? 0) - (first ?? 0), hour)
  })

  it("fault 35: leap days are days, in leap years only", () => {
    assert.strictEqual(due("2028-02-29T12:00:00Z"), Date.UTC(2028, 1, 29, 12))
    assert.strictEqual((due("2028-03-01T00:00:00Z") ?? 0) - (due("2028-02-28T00:00:00Z") ?? 0), 2 * day)
    for (const text of ["2027-02-29T12:00:00Z", "2100-02-29T12:00:00Z", "2027-04-31T00:00:00Z"]) isRefused(text)
  })

  it("fault 35: a year ends at midnight of its zone", () => {
    assert.strictEqual(due("2027-12-31T23:59:59Z"), Date.UTC(2028, 0, 1) - 1_000)
    assert.strictEqual(due("2028-01-01T00:00:00+14:00"), Date.UTC(2027, 11, 31, 10))
  })

  it("fault 35: a duration is so many hours, whatever the calendar says of the days between", () => {
    const run = new RunDriver(flow([{ id: "a", type: "wait", for: "24h" }], [], { limits: { deadline: "48h" } }))
    const timers = new Map(Outstanding.timers(run.state).map((timer) => [timer.kind, timer.due]))
    assert.deepStrictEqual([...timers].sort(), [["deadline", epoch + 2 * day], ["wait", epoch + day]])
  })
})
