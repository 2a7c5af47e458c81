/** How late the event loop is: the median of a short while, looked at by requests, without a timer of its own. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** Milliseconds between two samples of the lateness. */
const resolutionMs = 20
/** Milliseconds that a window has at least. */
const windowMs = 500
/** Samples that it has at least: one long turn, as at the start or for one large request, is no overload. */
const samplesMin = 5

export class LoadMeter extends Context.Service<LoadMeter, {
  /** Median lateness of the last whole window. */
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
      let median = 0
      return {
        lateness: () => {
          const now = clock.currentTimeMillisUnsafe()
          if (now - since >= windowMs && histogram.count >= samplesMin) {
            median = Math.max(0, histogram.percentile(50) / 1e6 - resolutionMs)
            histogram.reset()
            since = now
          }
          return Duration.millis(median)
        }
      }
    })
  )
}
