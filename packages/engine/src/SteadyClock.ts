/**
 * A clock whose time does not go back while the process lives.
 *
 * When somebody sets the machine's clock back, a timer that was due in ten seconds would be due in an hour and ten seconds.
 * This clock goes on where it was, ahead of the machine's by as much as that was set back. A step forward is taken as it
 * is: it cannot be told from a machine that was asleep, whose timers are due. Durations are measured by `sleep` and the
 * monotonic clock, which know of neither.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const make = (base: Clock.Clock): Clock.Clock => {
  /** The machine's time as it was read last, and how far this clock is ahead of it, in milliseconds. */
  let last = base.currentTimeMillisUnsafe()
  let ahead = 0
  const now = (): number => {
    const read = base.currentTimeMillisUnsafe()
    if (read < last) ahead += last - read
    last = read
    return read + ahead
  }
  const nanos = (): bigint => BigInt(now()) * 1_000_000n
  return {
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => base.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: base.monotonicTimeNanos,
    sleep: (duration) => base.sleep(duration)
  }
}

export const layer: Layer.Layer<never> = Layer.effect(
  Clock.Clock,
  Effect.clockWith((base) => Effect.sync(() => make(base)))
)
