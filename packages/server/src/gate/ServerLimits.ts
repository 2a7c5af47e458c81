/**
 * What one server takes from the network at most. Every bound has a name, a unit and a default; the configuration may set
 * each (`baton config`).
 */
import * as DurationText from "@baton/kernel/DurationText"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/** A duration as people write it: `500ms`, `10s`, `5m`. */
export const DurationFromText = Schema.String.check(Schema.isPattern(DurationText.pattern)).pipe(
  Schema.decodeTo(Schema.Duration, {
    decode: SchemaGetter.transform((text: string) => Duration.millis(DurationText.parse(text) ?? 0)),
    encode: SchemaGetter.transform((duration: Duration.Duration) => DurationText.format(Duration.toMillis(duration)))
  })
)

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Positive = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** A setting that is 1 or more. */
export const positive = (name: string, otherwise: number) =>
  Config.withDefault(Config.schema(Positive, name), otherwise)
const count = (name: string, otherwise: number) => Config.withDefault(Config.schema(Count, name), otherwise)
/** A setting that people write as `10s`. */
export const duration = (name: string, otherwise: Duration.Duration) =>
  Config.withDefault(Config.schema(DurationFromText, name), otherwise)

export interface ServerLimits {
  /** Bytes of a request's body, after any transfer coding. */
  readonly bodyBytes: number
  /** Nesting of JSON in a body; a scalar has depth 0. */
  readonly jsonDepth: number
  /** Characters of a request's target: path and query. */
  readonly urlChars: number
  /** Bytes of the request line and all headers together. */
  readonly headerBytes: number
  /** Headers of a request. */
  readonly headers: number
  /** Time to send all headers, from the connection or the end of the request before. */
  readonly headersTimeout: Duration.Duration
  /** Time to send the whole request. Answers may take longer: a stream is never cut by it. */
  readonly requestTimeout: Duration.Duration
  /** How often connections are looked through for the two limits above. */
  readonly checkEvery: Duration.Duration
  /** How long a connection may be idle between requests; longer than that of a proxy in front, or the proxy meets resets. */
  readonly keepAlive: Duration.Duration
  /** Open connections, streams included. */
  readonly connections: number
  /** Open connections of one address; 0: no bound of its own. Behind a proxy all come from one address. */
  readonly connectionsPerAddress: number
  /** Requests that are being worked on; more are refused before any work. Streams that are open do not count. */
  readonly requestsInFlight: number
  /** Median lateness of the event loop above which new requests are refused; zero: never. */
  readonly loopDelay: Duration.Duration
  /** How long a stopping server goes on taking requests while `/ready` says 503, so that a balancer notices. */
  readonly stopNotice: Duration.Duration
  /** How long requests in flight may take when the server stops; what is left then is cut. */
  readonly stopGrace: Duration.Duration
}

export const defaults: ServerLimits = {
  bodyBytes: 1024 * 1024,
  jsonDepth: 128,
  urlChars: 8 * 1024,
  headerBytes: 16 * 1024,
  headers: 100,
  headersTimeout: Duration.seconds(10),
  requestTimeout: Duration.seconds(30),
  checkEvery: Duration.millis(250),
  keepAlive: Duration.seconds(65),
  connections: 16_384,
  connectionsPerAddress: 0,
  requestsInFlight: 1_024,
  loopDelay: Duration.millis(500),
  stopNotice: Duration.zero,
  stopGrace: Duration.seconds(20)
}

export const ServerLimits = Context.Reference<ServerLimits>("baton/server/ServerLimits", {
  defaultValue: () => defaults
})

const config = Config.all({
  bodyBytes: positive("BATON_LIMITS_BODY_BYTES", defaults.bodyBytes),
  jsonDepth: positive("BATON_LIMITS_JSON_DEPTH", defaults.jsonDepth),
  urlChars: positive("BATON_LIMITS_URL_CHARS", defaults.urlChars),
  headerBytes: positive("BATON_LIMITS_HEADER_BYTES", defaults.headerBytes),
  headers: positive("BATON_LIMITS_HEADERS", defaults.headers),
  headersTimeout: duration("BATON_LIMITS_HEADERS_TIMEOUT", defaults.headersTimeout),
  requestTimeout: duration("BATON_LIMITS_REQUEST_TIMEOUT", defaults.requestTimeout),
  checkEvery: duration("BATON_LIMITS_CHECK_EVERY", defaults.checkEvery),
  keepAlive: duration("BATON_LIMITS_KEEP_ALIVE", defaults.keepAlive),
  connections: positive("BATON_LIMITS_CONNECTIONS", defaults.connections),
  connectionsPerAddress: count("BATON_LIMITS_CONNECTIONS_PER_ADDRESS", defaults.connectionsPerAddress),
  requestsInFlight: positive("BATON_LIMITS_REQUESTS_IN_FLIGHT", defaults.requestsInFlight),
  loopDelay: duration("BATON_LIMITS_LOOP_DELAY", defaults.loopDelay),
  stopNotice: duration("BATON_STOP_NOTICE", defaults.stopNotice),
  stopGrace: duration("BATON_STOP_GRACE", defaults.stopGrace)
})

/** What the configuration says, the defaults for the rest. */
export const layer = Layer.effect(ServerLimits, config)
