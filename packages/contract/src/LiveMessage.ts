/**
 * Live streams on the wire (SEMANTICS 8.12): what is no event but belongs to a stream, and the messages of a WebSocket.
 *
 * A stream of a run is `snapshot` (the run document; its `seq` is where the events go on), the run's events, live events in
 * between, and `end`. A stream of a tenant is one `run` frame, a line of `runs list`, whenever a run has moved.
 */
import * as Schema from "effect/Schema"

/** Frames that are no events. */
export const frameTypes = ["snapshot", "end", "run", "position", "overflow"] as const

/** What `end` says: nothing more comes of this run. */
export const EndFrame = Schema.Struct({ run: Schema.String, seq: Schema.Int, status: Schema.String })
export type EndFrame = typeof EndFrame.Type

/** Name of the protocol that a WebSocket's client may ask for; a token may be offered beside it: `baton.bearer.TOKEN`. */
export const protocol = "baton.v1"
export const bearerProtocol = "baton.bearer."

const position = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const Subscribe = Schema.Struct({
  type: Schema.Literal("subscribe"),
  run: Schema.String,
  /** Sequence of the last event that was seen; absent: a snapshot comes first. */
  after: Schema.optionalKey(position)
})

const SubscribeRuns = Schema.Struct({
  type: Schema.Literal("subscribe"),
  /** The tenant's stream. */
  topic: Schema.Literal("runs"),
  /** `seq` of the last frame that was seen; absent: what happens from now on. */
  after: Schema.optionalKey(position)
})

/** What a client may say. */
export const ClientMessage = Schema.Union([
  Subscribe,
  SubscribeRuns,
  Schema.Struct({ type: Schema.Literal("unsubscribe"), run: Schema.String }),
  Schema.Struct({ type: Schema.Literal("unsubscribe"), topic: Schema.Literal("runs") }),
  Schema.Struct({ type: Schema.Literal("ping"), id: Schema.optionalKey(Schema.Json) })
])
export type ClientMessage = typeof ClientMessage.Type

/** What the server says. */
export const ServerMessage = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("frame"),
    run: Schema.String,
    /** An event's type, or one of {@link frameTypes}. */
    event: Schema.String,
    /** Absent on live events and on `end`. */
    seq: Schema.optionalKey(Schema.Int),
    data: Schema.Json
  }),
  Schema.Struct({
    type: Schema.Literal("subscribed"),
    run: Schema.optionalKey(Schema.String),
    topic: Schema.optionalKey(Schema.Literal("runs")),
    after: Schema.Int
  }),
  Schema.Struct({ type: Schema.Literal("pong"), id: Schema.optionalKey(Schema.Json) }),
  Schema.Struct({
    type: Schema.Literal("error"),
    code: Schema.String,
    detail: Schema.String,
    run: Schema.optionalKey(Schema.String)
  })
])
export type ServerMessage = typeof ServerMessage.Type

/** How the server closes a WebSocket (RFC 6455, 7.4), besides 1000 and 1009 (a message over the limit). */
export const closeCodes = {
  /** The server stops: come back and resume. */
  goingAway: 1001,
  /** More messages in a second than allowed. */
  tooManyMessages: 1008,
  /** The client takes nothing: come back and resume. */
  overflow: 1013
} as const
