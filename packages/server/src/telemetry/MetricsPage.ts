/** `/metrics` in the text format of Prometheus, 0.0.4. */
import * as Effect from "effect/Effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Telemetry } from "./Telemetry.ts"

/** Undefined where no metrics are wanted. */
export const text = Effect.gen(function*() {
  const { meter, scrapes } = yield* Telemetry
  if (meter === undefined) return undefined
  yield* Effect.forEach(scrapes, (scrape) => scrape, { discard: true })
  return PrometheusMetrics.formatUnsafe(meter.context)
})
