/** The process itself. What costs something to watch is watched from the first scrape on. */
import * as Effect from "effect/Effect"
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks"
import type { Meter } from "./Meter.ts"
import * as Names from "./MetricNames.ts"

const percentiles = ["50", "99"] as const
/** How often the event loop is looked at, in milliseconds; what a timer is late is told beyond it. */
const resolutionMs = 20

const gcKinds = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"]
])

const kindOf = (entry: PerformanceEntry): string => {
  const detail: unknown = "detail" in entry ? entry.detail : undefined
  return typeof detail === "object" && detail !== null && "kind" in detail && typeof detail.kind === "number"
    ? gcKinds.get(detail.kind) ?? "other"
    : "other"
}

const watchGc = (meter: Meter): PerformanceObserver => {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) meter.of(Names.gcSeconds, kindOf(entry))(entry.duration / 1000)
  })
  observer.observe({ entryTypes: ["gc"] })
  return observer
}

/** What to do at a scrape, and at the end. */
export const make = (meter: Meter) => {
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined
  let gc: PerformanceObserver | undefined
  let counted = 0
  const scrape = Effect.sync(() => {
    meter.of(Names.memory)(process.memoryUsage.rss())
    meter.of(Names.heap)(process.memoryUsage().heapUsed)
    const { system, user } = process.cpuUsage()
    const used = (system + user) / 1e6
    meter.of(Names.cpu)(used - counted)
    counted = used
    meter.of(Names.startTime)(performance.timeOrigin / 1000)
    gc ??= watchGc(meter)
    if (delay === undefined) {
      delay = monitorEventLoopDelay({ resolution: resolutionMs })
      delay.enable()
      return
    }
    for (const percentile of percentiles) {
      const seconds = delay.count === 0 ? 0 : delay.percentile(Number(percentile)) / 1e9 - resolutionMs / 1000
      meter.of(Names.loopDelay, percentile)(Math.max(0, seconds))
    }
    delay.reset()
  })
  return {
    scrape,
    stop: Effect.sync(() => {
      delay?.disable()
      gc?.disconnect()
    })
  }
}
