/** Somebody sets the machine's clock while runs go on: no timer hangs, no attempt is cut short, time does not go back. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { flow } from "../../packages/kernel/test/RunDriver.ts"
import * as Loopbacks from "../../packages/net/test/Loopback.ts"
import * as Machine from "./Machine.ts"

const hour = 3_600_000

/** The machine's clock, which can be set; what is measured by other means goes on as it did. */
class WallClock implements Clock.Clock {
  setMs = 0
  readonly #base: Clock.Clock

  constructor(base: Clock.Clock) {
    this.#base = base
  }

  currentTimeMillisUnsafe = (): number => this.#base.currentTimeMillisUnsafe() + this.setMs
  currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe)
  currentTimeNanosUnsafe = (): bigint => BigInt(this.currentTimeMillisUnsafe()) * 1_000_000n
  currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe)
  monotonicTimeNanosUnsafe = (): bigint => this.#base.monotonicTimeNanosUnsafe()
  monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())
  sleep: Clock.Clock["sleep"] = (duration) => this.#base.sleep(duration)
}

describe("the machine's clock", () => {
  for (const [title, ms] of [["an hour", hour], ["a day", 24 * hour]] as const) {
    it.live(`fault 33: is set back by ${title}: timers ring when they would have, and time does not go back`, () =>
      Effect.gen(function*() {
        const wall = new WallClock(yield* Clock.Clock)
        let tries = 0
        const flaky = () => {
          if (++tries === 1) throw new Error("not yet")
          return tries
        }
        const steps = flow(
          [
            { id: "pause", type: "wait", for: "150ms" },
            {
              id: "flaky",
              type: "function",
              function: "flaky",
              retry: { attempts: 2, initial: "150ms", jitter: false }
            }
          ],
          ["pause>flaky"],
          { limits: { deadline: "10m" } }
        )
        const began = performance.now()
        const events = yield* Effect.gen(function*() {
          yield* Machine.start("run", steps)
          wall.setMs = -ms
          yield* Machine.until("run", (events) => events.some((event) => event.type === "StepRetryScheduled"))
          wall.setMs = -2 * ms
          return yield* Machine.until("run", Machine.isEnded)
        }).pipe(Effect.provide(Machine.layer({ functions: { flaky }, clock: wall })))
        assert.strictEqual(Machine.end(events)?.status, "succeeded")
        assert.isBelow(performance.now() - began, 10_000)
        for (const [index, { at }] of events.entries()) assert.isAtLeast(at, events[index - 1]?.at ?? 0)
      }))
  }

  it.live("fault 33: is set forward by an hour: what runs is not out of time, what waits is due", () =>
    Effect.gen(function*() {
      const wall = new WallClock(yield* Clock.Clock)
      const begun = Loopbacks.signal()
      const open = Loopbacks.signal()
      const slow = async () => {
        begun.fire()
        await Effect.runPromise(open.wait)
        return "done"
      }
      const steps = flow([
        { id: "slow", type: "function", function: "slow", timeout: "10m" },
        { id: "pause", type: "wait", for: "30m" }
      ])
      const events = yield* Effect.gen(function*() {
        yield* Machine.start("run", steps)
        yield* begun.wait
        wall.setMs = hour
        yield* Machine.until("run", (events) => events.some((event) => event.type === "StepSucceeded"))
        open.fire()
        return yield* Machine.until("run", Machine.isEnded)
      }).pipe(Effect.provide(Machine.layer({ functions: { slow }, clock: wall })))
      assert.strictEqual(Machine.end(events)?.status, "succeeded")
      assert.deepStrictEqual(Machine.all(events, "StepSucceeded").map(({ path }) => path), ["pause", "slow"])
      assert.deepStrictEqual(Machine.all(events, "StepFailed"), [])
    }))
})
