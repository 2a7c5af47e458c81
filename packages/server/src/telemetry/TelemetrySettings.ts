/** What the operator says about metrics and traces. */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import type { Sampler } from "./RunSpans.ts"

/** Definitions that metrics tell apart; the rest is `other`. */
export const definitionsMax = Config.schema(
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 10_000 })),
  "BATON_METRICS_DEFINITIONS"
).pipe(Config.withDefault(100))

/** Tenants that metrics name in `definition`, as `tenant/flow@version`; without it no tenant is named. */
export const tenants = Config.Array(Schema.String, "BATON_METRICS_TENANTS").pipe(Config.withDefault([]))

/** Who may read `/metrics`: whoever has the scope `system:admin`, everybody, or nobody (it is not there). */
export const access = Config.Literals(["admin", "public", "off"], "BATON_METRICS").pipe(
  Config.withDefault("admin" as const)
)

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio"
] as const

/** Which traces are recorded. A trace that has begun elsewhere is recorded where its beginning is, whatever this says. */
const samplerName = Config.Literals(samplers, "OTEL_TRACES_SAMPLER").pipe(
  Config.withDefault("parentbased_always_on" as const)
)
/** The share of traces that is recorded, from 0 to 1. */
const share = Config.schema(
  Schema.NumberFromString.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  "OTEL_TRACES_SAMPLER_ARG"
).pipe(Config.withDefault(1))

/** The last 56 bits of the id decide, so that everybody who samples by ratio decides alike. */
const byRatio = (ratio: number): Sampler => (traceId) => Number.parseInt(traceId.slice(-14), 16) < ratio * 2 ** 56

export const sampler: Config.Config<Sampler> = Config.all({ samplerName, share }).pipe(
  Config.map(({ samplerName, share }): Sampler =>
    samplerName.endsWith("always_on")
      ? () => true
      : samplerName.endsWith("always_off")
      ? () => false
      : byRatio(share)
  )
)
