/** Runs over HTTP: start, read, follow, steer. */
import { Budget } from "@baton/kernel/Amounts"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { EventEnvelope } from "../EventEnvelope.ts"
import { Reason, RunDocument, RunListItem, RunStatus, StepDocument } from "../RunDocument.ts"
import { Access, Needs, Readable } from "./Access.ts"
import { pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const run = { id: Schema.String }

/** A flow in a request: a published one by name, or a document, as JSON or as text in YAML or JSON. */
export const FlowReference = Schema.Union([
  /** `name` or `name@version`. */
  Schema.String,
  Schema.Struct({ text: Schema.String, file: Schema.optionalKey(Schema.String) }),
  /** The document itself, in the short or the canonical form. */
  Schema.Record(Schema.String, Schema.Json)
])
export type FlowReference = typeof FlowReference.Type

export const StartRequest = Schema.Struct({
  flow: FlowReference,
  input: Schema.optionalKey(Schema.Json),
  budget: Schema.optionalKey(Budget),
  allowUnknownPrice: Schema.optionalKey(Schema.Boolean),
  tags: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  agents: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  model: Schema.optionalKey(Schema.String)
})
export type StartRequest = typeof StartRequest.Type

const start = HttpApiEndpoint.post("start", "/", {
  payload: StartRequest,
  success: RunDocument.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotate(Needs, "runs:write")

const list = HttpApiEndpoint.get("list", "/", {
  query: {
    status: Schema.optional(Schema.Array(RunStatus)),
    flow: Schema.optional(Schema.String),
    parent: Schema.optional(Schema.String),
    roots: Schema.optional(Schema.Literals(["true", "false"])),
    /** RFC 3339, exclusive. */
    since: Schema.optional(Schema.String),
    after: Schema.optional(Schema.String),
    limit: pageLimit
  },
  success: Schema.Struct({ items: Schema.Array(RunListItem), next: Schema.NullOr(Schema.String) }),
  error: problems
}).annotate(Needs, "runs:read")

const show = HttpApiEndpoint.get("show", "/:id", { params: run, success: RunDocument, error: problems })
  .annotate(Needs, "runs:read")

const steps = HttpApiEndpoint.get("steps", "/:id/steps", {
  params: run,
  query: { after: Schema.optional(Schema.String), limit: pageLimit },
  success: Schema.Struct({ items: Schema.Array(StepDocument), next: Schema.NullOr(Schema.String) }),
  error: problems
}).annotate(Needs, "runs:read")

const events = HttpApiEndpoint.get("events", "/:id/events", {
  params: run,
  query: {
    /** Sequence of the last event that was seen. */
    after: Schema.optional(Schema.String),
    limit: pageLimit,
    /** Event types, by commas. */
    types: Schema.optional(Schema.String)
  },
  success: Schema.Struct({ items: Schema.Array(EventEnvelope), next: Schema.NullOr(Schema.String) }),
  error: problems
}).annotate(Needs, "runs:read").annotateMerge(OpenApi.annotations({
  description:
    "A page of the run's events. With `Accept: text/event-stream` a stream: the run document as `snapshot`, then its " +
    "events as they come, until `end`; `Last-Event-ID`, or `after`, resumes without a snapshot."
}))

const explain = HttpApiEndpoint.get("explain", "/:id/explain", {
  params: run,
  success: Schema.Struct({ reasons: Schema.Array(Reason) }),
  error: problems
}).annotate(Needs, "runs:read")

const send = HttpApiEndpoint.post("send", "/:id/send", {
  params: run,
  payload: Schema.Struct({
    name: Schema.String,
    data: Schema.optionalKey(Schema.Json),
    /** The same id again is the same event. */
    id: Schema.optionalKey(Schema.String)
  }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotate(Needs, "runs:write")

const cancel = HttpApiEndpoint.post("cancel", "/:id/cancel", {
  params: run,
  payload: Schema.Struct({ reason: Schema.optionalKey(Schema.String) }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotate(Needs, "runs:write")

const pause = HttpApiEndpoint.post("pause", "/:id/pause", {
  params: run,
  success: HttpApiSchema.NoContent,
  error: problems
}).annotate(Needs, "runs:write")

const resume = HttpApiEndpoint.post("resume", "/:id/resume", {
  params: run,
  payload: Schema.Struct({
    budget: Schema.optionalKey(Budget),
    allowUnknownPrice: Schema.optionalKey(Schema.Boolean),
    note: Schema.optionalKey(Schema.String)
  }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotate(Needs, "runs:write")

const remove = HttpApiEndpoint.delete("remove", "/:id", {
  params: run,
  success: HttpApiSchema.NoContent,
  error: problems
}).annotate(Needs, "runs:write")

export class RunsApi extends HttpApiGroup.make("runs")
  .add(start, list, show, steps, events, explain, send, cancel, pause, resume, remove)
  .prefix("/api/v1/runs")
  .middleware(Access)
  .middleware(Readable)
{}
