/** Live streams over HTTP: many runs on one connection, all runs of a tenant, and both on a WebSocket. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { problems } from "./Problems.ts"

/** An event stream (HTML 9.2); what is in it stands in the AsyncAPI document. */
export const EventStream = Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" }))

const events = HttpApiEndpoint.get("events", "/api/v1/events", {
  query: {
    /** `run:seq,run:seq,…`: what was seen last of each; without `:seq` a run begins with a snapshot. */
    after: Schema.String,
    /** Event types, by commas. */
    types: Schema.optional(Schema.String)
  },
  success: EventStream,
  error: problems
}).annotateMerge(
  about(
    "runs:read",
    "Follow many runs",
    "The events of up to 100 runs on one connection. A frame's `id` holds the positions of all runs, in the order of " +
      "`after`, joined by dots; as `Last-Event-ID` of the same request it resumes all of them. The stream ends when all " +
      "its runs have."
  )
)

const stream = HttpApiEndpoint.get("stream", "/api/v1/stream", {
  query: {
    /** `id` of the last frame that was seen; absent: from now on; 0: from the beginning. */
    after: Schema.optional(Schema.String)
  },
  success: EventStream,
  error: problems
}).annotateMerge(
  about(
    "runs:read",
    "Follow all runs",
    "One `run` frame, a line of the list of runs, whenever a run has moved: at least once, so drop a `seq` of a run that " +
      "you know. `Last-Event-ID` resumes."
  )
)

const socket = HttpApiEndpoint.get("socket", "/ws", {
  success: HttpApiSchema.Empty(101).annotate({ description: "The connection is a WebSocket now." }),
  error: problems
}).annotateMerge(
  about(
    "runs:read",
    "Follow runs on a WebSocket",
    "Frames of the runs that are subscribed to, as in the event streams."
  )
)

export class LiveApi extends HttpApiGroup.make("live")
  .add(events, stream, socket)
  .middleware(Access)
  .middleware(Readable)
{}
