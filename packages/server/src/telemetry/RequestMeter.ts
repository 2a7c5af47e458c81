/**
 * Each HTTP request, counted by its route and told as a span; the trace that it came with goes on to the run it creates.
 *
 * Spans are told of what changes something, and of what comes with a trace already: polling begins no traces.
 */
import { metricsType } from "@baton/contract/http/MetricsApi"
import type { TraceLink } from "@baton/kernel/Trace"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { SeenRoute } from "../http/SeenRoute.ts"
import { RequestTrace } from "./CarriedTrace.ts"
import type { Meter } from "./Meter.ts"
import * as Names from "./MetricNames.ts"
import * as MetricsPage from "./MetricsPage.ts"
import type { SpanSink } from "./SpanSink.ts"
import * as SpanSinks from "./SpanSink.ts"
import { Telemetry } from "./Telemetry.ts"
import * as TraceHeaders from "./TraceHeaders.ts"

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
/** What a request is counted as that no route takes. */
const noRoute = "none"

interface Begun {
  readonly traceId: string
  readonly spanId: string
  readonly parent: string | undefined
  readonly state: string | undefined
  readonly start: bigint
}

const isChange = (method: string): boolean => method !== "GET" && method !== "HEAD" && method !== "OPTIONS"

const isSampled = (link: TraceLink): boolean => (Number.parseInt(link.parent.slice(53), 16) & 1) === 1

const begin = (link: TraceLink | undefined, method: string, sampler: (id: string) => boolean, start: bigint) => {
  if (link === undefined && !isChange(method)) return undefined
  if (link !== undefined && !isSampled(link)) return undefined
  const traceId = link?.parent.slice(3, 35) ?? Hex.random(32)
  if (link === undefined && !sampler(traceId)) return undefined
  const begun: Begun = {
    traceId,
    spanId: Hex.random(16),
    parent: link?.parent.slice(36, 52),
    state: link?.state,
    start
  }
  return begun
}

/** What a run that this request creates is part of. */
const linkOf = (begun: Begun | undefined, came: TraceLink | undefined): TraceLink | undefined =>
  begun === undefined ? came : {
    parent: `00-${begun.traceId}-${begun.spanId}-01`,
    ...(begun.state === undefined ? {} : { state: begun.state })
  }

const told = (sink: SpanSink, begun: Begun, method: string, route: string, status: number, end: bigint): void =>
  sink.push(SpanSinks.ended({
    ...begun,
    name: `${method} ${route}`,
    kind: "server",
    end,
    failed: status >= 500,
    attributes: [
      ["http.request.method", method],
      ["http.route", route],
      ["http.response.status_code", status]
    ]
  }))

interface Means {
  readonly meter: Meter | undefined
  readonly sink: SpanSink | undefined
  readonly sampler: (traceId: string) => boolean
  open: number
}

const pageOf = Effect.map(MetricsPage.text, (text) =>
  text === undefined
    ? HttpServerResponse.empty({ status: 404 })
    : HttpServerResponse.text(text, { contentType: metricsType }))

type Answer<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

const watched = <E, R>(
  means: Means,
  request: HttpServerRequest.HttpServerRequest,
  answer: Answer<E, R>
): Answer<E, R> =>
  Effect.withFiber((fiber) => {
    const { meter, sink } = means
    const clock = fiber.getRef(Clock.Clock)
    const method = methods.has(request.method) ? request.method : "other"
    const came = TraceHeaders.link(request.headers)
    const begunAt = clock.monotonicTimeNanosUnsafe()
    const begun = sink === undefined
      ? undefined
      : begin(came, request.method, means.sampler, clock.currentTimeNanosUnsafe())
    const link = linkOf(begun, came)
    const before = fiber.context
    const seen: { path: string | undefined } = { path: undefined }
    const watchedBy = Context.add(before, SeenRoute, seen)
    fiber.setContext(link === undefined ? watchedBy : Context.add(watchedBy, RequestTrace, link))
    meter?.of(Names.openRequests)(++means.open)
    return Effect.onExit(answer, (exit) =>
      Effect.sync(() => {
        const route = seen.path ?? noRoute
        fiber.setContext(before)
        meter?.of(Names.openRequests)(--means.open)
        const { status } = HttpServerError.exitResponse(exit)
        const seconds = Number(clock.monotonicTimeNanosUnsafe() - begunAt) / 1e9
        meter?.of(Names.requests, method, route, String(status))(seconds)
        if (sink !== undefined && begun !== undefined) {
          told(sink, begun, method, route, status, clock.currentTimeNanosUnsafe())
        }
      }))
  })

/** The outermost of all that a request passes. */
export const make = Effect.gen(function*() {
  const telemetry = yield* Telemetry
  const { isPublic, meter, sampler, sink } = telemetry
  const means: Means = { meter, sink, sampler, open: 0 }
  const page = Effect.provideService(pageOf, Telemetry, telemetry)
  return <E, R>(answer: Answer<E, R>): Answer<E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      (request) =>
        isPublic && request.method === "GET" && request.url === "/metrics"
          ? page
          : watched(means, request, answer)
    )
})
