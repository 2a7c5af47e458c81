/** How late the event loop is: the mean of a short while, looked at by requests, without a timer of its own. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** Milliseconds between two samples of the lateness. */
const resolutionMs = 20
/** Milliseconds over which a mean is taken. */
const windowMs = 500

export class LoadMeter extends Context.Service<LoadMeter, {
  /** Mean lateness of the last whole window. */
  readonly lateness: () => Duration.Duration
}>()("baton/server/LoadMeter") {
  static readonly layer = Layer.effect(
    LoadMeter,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const histogram = yield* Effect.acquireRelease(
        Effect.sync(() => monitorEventLoopDelay({ resolution: resolutionMs })),
        (histogram) => Effect.sync(() => histogram.disable())
      )
      histogram.enable()
      let since = clock.currentTimeMillisUnsafe()
      let mean = 0
      return {
        lateness: () => {
          const now = clock.currentTimeMillisUnsafe()
          if (now - since >= windowMs && histogram.count > 0) {
            mean = Math.max(0, histogram.mean / 1e6 - resolutionMs)
            histogram.reset()
            since = now
          }
          return Duration.millis(mean)
        }
      }
    })
  )
}
