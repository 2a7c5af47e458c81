/**
 * One envelope (CloudEvents 1.0) for journal, SSE, WebSocket and webhooks. `id` is `<run>/<seq>`; live events (tokens,
 * progress) have no `seq` and may be lost (SEMANTICS 8.12).
 */
import * as Schema from "effect/Schema"

export const EventEnvelope = Schema.Struct({
  specversion: Schema.Literal("1.0"),
  id: Schema.String,
  source: Schema.String,
  type: Schema.String,
  /** The step path, when the event is about a step. */
  subject: Schema.optionalKey(Schema.String),
  time: Schema.String,
  datacontenttype: Schema.Literal("application/json"),
  data: Schema.Json,
  /** Sequence of the event in its run; absent on live events. */
  seq: Schema.optionalKey(Schema.Int)
}).annotate({ identifier: "Event" })
export type EventEnvelope = typeof EventEnvelope.Type
