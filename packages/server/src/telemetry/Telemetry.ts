/**
 * Metrics and traces of one process, as the operator wants them: a probe for the machine, a tracer for what it runs, a meter
 * for `/metrics`. Where nothing is wanted nothing is made, and the machine looks at nothing.
 */
import type { Probe } from "@baton/engine/Probe"
import { Probes } from "@baton/engine/Probe"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as LoggedAttempt from "./LoggedAttempt.ts"
import { Meter } from "./Meter.ts"
import * as Names from "./MetricNames.ts"
import * as PassedTrace from "./PassedTrace.ts"
import { RunMeter } from "./RunMeter.ts"
import type { Sampler } from "./RunSpans.ts"
import { RunSpans } from "./RunSpans.ts"
import * as SpanExporter from "./SpanExporter.ts"
import type { SpanSink } from "./SpanSink.ts"
import * as SpanTracer from "./SpanTracer.ts"
import * as Settings from "./TelemetrySettings.ts"

export class Telemetry extends Context.Service<Telemetry, {
  /** Absent where no metrics are wanted. */
  readonly meter: Meter | undefined
  /** Absent where nothing is traced. */
  readonly sink: SpanSink | undefined
  /** Done before metrics are shown: what is looked up rather than counted. */
  readonly scrapes: Set<Effect.Effect<void>>
  /** Whether everybody may read the metrics. */
  readonly isPublic: boolean
  readonly sampler: Sampler
}>()("baton/server/Telemetry") {}

/** What looks on, of these two. */
export const probeOf = (meter: RunMeter | undefined, spans: RunSpans | undefined): Probe => {
  const { childTrace, surroundings } = spans ??
    { childTrace: PassedTrace.childTrace, surroundings: PassedTrace.surroundings }
  if (meter === undefined) return { childTrace, surroundings, ...(spans && { committed: spans.committed }) }
  const { began, committed, offered, uncommitted } = meter
  const both: typeof committed = spans === undefined ? committed : (records, ms) => {
    committed(records, ms)
    spans.committed(records)
  }
  return { childTrace, surroundings, committed: both, uncommitted, offered, began }
}

export interface TelemetryOptions {
  /** Whether anybody can ask this process for metrics. */
  readonly metrics: boolean
}

/** `Telemetry`, and what the machine and its steps run under. */
export const layer = (options: TelemetryOptions): Layer.Layer<Telemetry, Config.ConfigError> =>
  Layer.effectContext(
    Effect.gen(function*() {
      const access = yield* Settings.access
      const sampler = yield* Settings.sampler
      const wanted = options.metrics && access !== "off"
      const meter = wanted ? new Meter(yield* Settings.definitionsMax) : undefined
      const url = yield* SpanExporter.target
      const sink = url === undefined
        ? undefined
        : yield* SpanExporter.make(url, (outcome, spans) => meter?.of(Names.spans, outcome)(spans))
      const spans = sink === undefined ? undefined : new RunSpans(sink, sampler)
      const counted = meter === undefined ? undefined : new RunMeter(meter, new Set(yield* Settings.tenants))
      const context = Context.make(Telemetry, {
        meter,
        sink,
        scrapes: new Set<Effect.Effect<void>>(),
        isPublic: access === "public",
        sampler
      })
      const plain = probeOf(counted, spans)
      const probe = (yield* LoggedAttempt.format) === "json"
        ? { ...plain, surroundings: LoggedAttempt.around(plain.surroundings) }
        : plain
      const probed = Context.add(context, Probes, probe)
      return sink === undefined ? probed : Context.add(probed, Tracer.Tracer, SpanTracer.make(sink))
    })
  )
