/**
 * The trace of a delivery: that of the run it tells of. Where traces are recorded each attempt is a span of its own below the
 * run's, and the receiver hears of that one; elsewhere what the run came with is handed on (W3C Trace Context, section 3.5).
 */
import type { Event } from "@baton/kernel/Event"
import * as Trace from "@baton/kernel/Trace"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { type Carried, CarriedTrace, RequestTrace } from "../telemetry/CarriedTrace.ts"
import type { Sampler } from "../telemetry/RunSpans.ts"
import type { SpanSink } from "../telemetry/SpanSink.ts"
import * as SpanSinks from "../telemetry/SpanSink.ts"
import type { Outcome } from "./Post.ts"

/** As much of a run as its trace is derived from. */
export type Origin = Parameters<typeof Trace.traceId>[0]

/** What is delivered: an event of a run, or a test, which no run has made. */
export interface Subject {
  readonly origin: Origin | undefined
  readonly type: string
  readonly webhook: string
}

export type DeliveryTrace = (subject: Subject, attempt: Effect.Effect<Outcome>) => Effect.Effect<Outcome>

export const originOf = (run: string, created: Event | undefined): Origin | undefined =>
  created?.type === "RunCreated" ? { run, createdAt: created.at, trace: created.trace } : undefined

const carrying = (carried: Carried | undefined) =>
  carried === undefined ? <A>(effect: A): A => effect : Effect.provideService(CarriedTrace, carried)

/** What the request that asks for a test is part of, or the run where nobody records. */
const passed = (link: Trace.TraceLink | undefined): Carried | undefined =>
  link && { parent: link.parent, state: link.state }

const recorded = (sink: SpanSink, origin: Origin, { type, webhook }: Subject, attempt: Effect.Effect<Outcome>) =>
  Effect.gen(function*() {
    const [traceId, spanId] = [Trace.traceId(origin), Hex.random(16)]
    const state = origin.trace?.state
    const start = yield* Clock.currentTimeNanos
    const outcome = yield* carrying({ parent: `00-${traceId}-${spanId}-01`, state })(attempt)
    const attributes: Array<[string, unknown]> = [
      ["http.request.method", "POST"],
      ["baton.run.id", origin.run],
      ["baton.webhook.id", webhook]
    ]
    if (outcome.status !== undefined) attributes.push(["http.response.status_code", outcome.status])
    if (outcome.code !== undefined) attributes.push(["error.type", outcome.code])
    sink.push(SpanSinks.ended({
      traceId,
      spanId,
      parent: Trace.runSpan(origin),
      name: `webhook ${type}`,
      kind: "client",
      start,
      end: yield* Clock.currentTimeNanos,
      failed: outcome.kind !== "delivered",
      attributes,
      state
    }))
    return outcome
  })

export const make = (sink: SpanSink | undefined, sampler: Sampler): DeliveryTrace => (subject, attempt) => {
  const { origin } = subject
  if (origin === undefined) return Effect.flatMap(RequestTrace, (link) => carrying(passed(link))(attempt))
  if (sink === undefined) return carrying(passed(origin.trace))(attempt)
  const traceId = Trace.traceId(origin)
  return Trace.isSampled(origin, sampler(traceId))
    ? recorded(sink, origin, subject, attempt)
    : carrying({ parent: `00-${traceId}-${Trace.runSpan(origin)}-00`, state: origin.trace?.state })(attempt)
}
