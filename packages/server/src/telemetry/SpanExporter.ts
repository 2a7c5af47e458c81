/**
 * Brings ended spans to the operator's collector (OTLP/HTTP). Its address is the operator's configuration and no flow's:
 * calls go there directly. What the queue cannot hold and what the collector does not take is counted and let go.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as OtlpResource from "effect/observability/OtlpResource"
import { layerJson, layerProtobuf, OtlpSerialization } from "effect/observability/OtlpSerialization"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { EndedSpan, SpanSink } from "./SpanSink.ts"

/** How often a batch is brought that the collector could not take just then. */
const triesMax = 4
/** What an orderly stop waits for the last batches. */
const flushWithin = Duration.seconds(3)

const positive = (name: string, fallback: number) =>
  Config.schema(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
    name
  )
    .pipe(Config.withDefault(fallback))

const tracesPath = (url: URL): string => `${url.href.replace(/\/+$/, "")}/v1/traces`

/** Where spans go; none: nothing is traced. The names are OpenTelemetry's own. */
const endpoint = Config.option(Config.URL("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")).pipe(
  Config.map(Option.map((url) => url.href))
)
const baseEndpoint = Config.option(Config.URL("OTEL_EXPORTER_OTLP_ENDPOINT")).pipe(
  Config.map(Option.map(tracesPath))
)
const disabled = Config.Boolean("OTEL_SDK_DISABLED").pipe(Config.withDefault(false))
/** `name=value,…`, percent-encoded; a collector's key is among them. */
const headers = Config.option(Config.Redacted("OTEL_EXPORTER_OTLP_HEADERS"))
const protocol = Config.Literals(["http/json", "http/protobuf"], "OTEL_EXPORTER_OTLP_PROTOCOL").pipe(
  Config.withDefault("http/json" as const)
)
/** Milliseconds of one call. */
const timeoutMs = positive("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000)
/** Spans that wait at most. */
const queueMax = positive("OTEL_BSP_MAX_QUEUE_SIZE", 2_048)
/** Spans of one call. */
const batchMax = positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)
/** Milliseconds between two calls, unless a batch is full. */
const everyMs = positive("OTEL_BSP_SCHEDULE_DELAY", 5_000)

export const target: Config.Config<string | undefined> = Config.all({ endpoint, baseEndpoint, disabled }).pipe(
  Config.map(({ baseEndpoint, disabled, endpoint }) =>
    disabled ? undefined : Option.getOrUndefined(Option.firstSomeOf([endpoint, baseEndpoint]))
  )
)

const settings = Config.all({ headers, protocol, timeoutMs, queueMax, batchMax, everyMs })

/** What became of spans. */
export type Outcome = "exported" | "dropped" | "failed"

const pairs = (text: string): { readonly [name: string]: string } =>
  Object.fromEntries(
    text.split(",").flatMap((pair) => {
      const at = pair.indexOf("=")
      return at < 1 ? [] : [[pair.slice(0, at).trim().toLowerCase(), decoded(pair.slice(at + 1).trim())]]
    })
  )

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The statuses that OTLP says to try again after. */
const isPassing = (status: number): boolean => status === 429 || (status >= 502 && status <= 504)

/** A sink whose spans reach `url`, as long as its scope is open; `count` is told what became of them. */
export const make = Effect.fnUntraced(function*(url: string, count: (outcome: Outcome, spans: number) => void) {
  const { batchMax, everyMs, headers, protocol, queueMax, timeoutMs } = yield* settings
  const resource = yield* OtlpResource.fromConfig({ attributes: { "service.name": yield* serviceName } })
  const serialize = yield* Effect.provide(
    OtlpSerialization,
    protocol === "http/json" ? layerJson : layerProtobuf
  )
  const context = yield* Layer.build(FetchHttpClient.layer)
  const own = Option.isSome(headers) ? pairs(Redacted.value(headers.value)) : {}
  const waiting: Array<EndedSpan> = []
  const full = Latch.makeUnsafe(false)
  const call = (spans: Array<EndedSpan>) =>
    HttpClientRequest.post(url, { headers: own }).pipe(
      HttpClientRequest.setBody(
        serialize.traces({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "baton" }, spans }] }] })
      ),
      HttpClient.execute,
      Effect.flatMap((response) => Effect.as(Effect.ignore(response.arrayBuffer), response.status)),
      Effect.flatMap((status) => isPassing(status) ? Effect.fail("passing" as const) : Effect.succeed(status)),
      Effect.timeout(timeoutMs),
      Effect.retry({ times: triesMax - 1, schedule: Schedule.jittered(Schedule.exponential("200 millis")) }),
      Effect.provideContext(context),
      Effect.withTracerEnabled(false)
    )
  /** One batch; whatever becomes of it, it is gone from the queue. */
  const bring: Effect.Effect<void> = Effect.suspend(() => {
    const spans = waiting.splice(0, batchMax)
    if (waiting.length < batchMax) full.closeUnsafe()
    if (spans.length === 0) return Effect.void
    return Effect.matchCauseEffect(call(spans), {
      onSuccess: (status) => Effect.sync(() => count(status < 300 ? "exported" : "failed", spans.length)),
      onFailure: (cause) =>
        Effect.andThen(
          Effect.sync(() => count("failed", spans.length)),
          Effect.logDebug("Spans were not taken", cause)
        )
    })
  })
  const flush: Effect.Effect<void> = Effect.suspend(() =>
    waiting.length === 0 ? Effect.void : Effect.andThen(bring, flush)
  )
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(Effect.interruptible(flush), flushWithin)))
  yield* Effect.raceFirst(Effect.sleep(everyMs), full.await).pipe(
    Effect.andThen(bring),
    Effect.forever,
    Effect.forkScoped
  )
  const sink: SpanSink = {
    push: (span) => {
      if (waiting.length >= queueMax) return count("dropped", 1)
      waiting.push(span)
      if (waiting.length >= batchMax) full.openUnsafe()
    }
  }
  return sink
})

const serviceName = Config.String("OTEL_SERVICE_NAME").pipe(Config.withDefault("baton"))
