/**
 * A question asked of two agents at once, and told of while they answer (source 002): starts a run of the shipped flow
 * `multi-role`, or follows one. What the stream says is {@link AskMessage}.
 */
import { Budget } from "@baton/kernel/Amounts"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Access, Readable } from "./Access.ts"
import { EventStream } from "./LiveApi.ts"
import { about } from "./Operation.ts"
import * as Precondition from "./Precondition.ts"
import { problems } from "./Problems.ts"

export const AskRequest = Schema.Struct({
  /** The project, or what is asked about it: 3 to 2,000 characters. */
  question: Schema.String,
  context: Schema.optionalKey(Schema.Struct({
    /** Each with an `item_name`, and a `quantity` and a `unit` where there are; the agents see the first ten. */
    positions: Schema.optionalKey(Schema.Array(Schema.Record(Schema.String, Schema.Json))),
    specifications: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
  })),
  /** Kept as tags of the run. */
  project_id: Schema.optionalKey(Schema.String),
  session_id: Schema.optionalKey(Schema.String),
  /** The model of both agents; absent: the server's. */
  model: Schema.optionalKey(Schema.String),
  budget: Schema.optionalKey(Budget),
  allowUnknownPrice: Schema.optionalKey(Schema.Boolean)
})
export type AskRequest = typeof AskRequest.Type

const event = <const Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({ event: Schema.Literal(name), ...fields })

/** What is in the `data` of each server-sent event. Times are milliseconds. */
export const AskMessage = Schema.Union([
  event("started", { run: Schema.String }),
  event("context_prepared", {}),
  event("query_started", { query: Schema.String }),
  event("query_completed", { query: Schema.String, time_ms: Schema.Int, success: Schema.Literal(true) }),
  event("query_failed", { query: Schema.String, time_ms: Schema.Int, error: Schema.String }),
  event("merging", {}),
  /** The flow's output, with `performance` and `execution_time_seconds`. */
  event("completed", { run: Schema.String, result: Schema.Json, total_time_ms: Schema.Int }),
  /** No query has answered, or the run was cancelled. */
  event("error", { run: Schema.String, code: Schema.String, message: Schema.String })
])
export type AskMessage = typeof AskMessage.Type

const named = {
  /** `true`: each message is sent as an event of its name, too, for `addEventListener`. */
  named: Schema.optional(Schema.Literals(["true", "false"]))
}

const askStream = HttpApiEndpoint.post("askStream", "/ask-stream", {
  headers: Precondition.idempotencyKey,
  query: named,
  payload: AskRequest,
  success: EventStream,
  error: problems
}).annotateMerge(
  about(
    "runs:write",
    "Ask two agents at once, and hear of it",
    "Starts a run of the flow `multi-role` and tells its course. The `data` of each server-sent event is JSON whose `event` is " +
      "`started`, `context_prepared`, `query_started` (twice), `query_completed` or `query_failed` as each query ends, " +
      "`merging`, and at last `completed` or `error`. The run goes on when the reader leaves: it is one like any other, and " +
      "`GET` of the same path follows it again."
  )
)

const follow = HttpApiEndpoint.get("follow", "/ask-stream", {
  query: {
    /** As `started` told it. */
    run: Schema.String,
    ...named
  },
  success: EventStream,
  error: problems
}).annotateMerge(
  about(
    "runs:read",
    "Hear of a question that was asked before",
    "The same messages, from the first on or after `Last-Event-ID`: for a browser's `EventSource`, which cannot post."
  )
)

export class MultiRoleApi extends HttpApiGroup.make("multiRole")
  .add(askStream, follow)
  .prefix("/api/v1/multi-role")
  .middleware(Access)
  .middleware(Readable)
{}
