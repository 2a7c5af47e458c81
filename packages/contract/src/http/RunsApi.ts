/** Runs over HTTP: start, read, follow, steer. */
import { Budget } from "@baton/kernel/Amounts"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { LogLine } from "../Client.ts"
import { EventEnvelope } from "../EventEnvelope.ts"
import { RunDiff } from "../RunDiff.ts"
import { Reason, RunDocument, RunListItem, RunStatus, StepDocument } from "../RunDocument.ts"
import { RunHook } from "../WebhooksClient.ts"
import { Access, Readable } from "./Access.ts"
import { FlowReference } from "./FlowReference.ts"
import { about } from "./Operation.ts"
import { page, pageLimit } from "./Paging.ts"
import * as Precondition from "./Precondition.ts"
import { problems } from "./Problems.ts"

const run = { id: Schema.String }

export const StartRequest = Schema.Struct({
  flow: FlowReference,
  input: Schema.optionalKey(Schema.Json),
  budget: Schema.optionalKey(Budget),
  allowUnknownPrice: Schema.optionalKey(Schema.Boolean),
  tags: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  agents: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  model: Schema.optionalKey(Schema.String),
  webhook: Schema.optionalKey(RunHook)
})
export type StartRequest = typeof StartRequest.Type

export const start = HttpApiEndpoint.post("start", "/", {
  headers: Precondition.idempotencyKey,
  payload: StartRequest,
  success: RunDocument.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("runs:write", "Start a run", "Answers when the run is durable."))

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
  success: page(RunListItem),
  error: problems
}).annotateMerge(about("runs:read", "List runs, newest first"))

const show = HttpApiEndpoint.get("show", "/:id", { params: run, success: RunDocument, error: problems }).annotateMerge(
  about("runs:read", "Show a run", "By id, a unique beginning of one, or `@last`.")
)

const steps = HttpApiEndpoint.get("steps", "/:id/steps", {
  params: run,
  query: { after: Schema.optional(Schema.String), limit: pageLimit },
  success: page(StepDocument),
  error: problems
}).annotateMerge(about("runs:read", "List the steps of a run"))

const events = HttpApiEndpoint.get("events", "/:id/events", {
  params: run,
  query: {
    /** Sequence of the last event that was seen. */
    after: Schema.optional(Schema.String),
    limit: pageLimit,
    /** Event types, by commas. */
    types: Schema.optional(Schema.String)
  },
  success: page(EventEnvelope),
  error: problems
}).annotateMerge(
  about(
    "runs:read",
    "List the events of a run, or follow them",
    "A page of events. With `Accept: text/event-stream` a stream: the run document as `snapshot`, then its events as they " +
      "come, until `end`; `Last-Event-ID`, or `after`, resumes without a snapshot."
  )
)

const explain = HttpApiEndpoint.get("explain", "/:id/explain", {
  params: run,
  success: Schema.Struct({ reasons: Schema.Array(Reason) }),
  error: problems
}).annotateMerge(about("runs:read", "Tell why a run is not finished, and what would end each wait"))

const send = HttpApiEndpoint.post("send", "/:id/send", {
  params: run,
  payload: Schema.Struct({
    name: Schema.NonEmptyString,
    data: Schema.optionalKey(Schema.Json),
    /** The same id again is the same event. */
    id: Schema.optionalKey(Schema.String)
  }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Send an event to a run"))

const cancel = HttpApiEndpoint.post("cancel", "/:id/cancel", {
  params: run,
  payload: Schema.Struct({ reason: Schema.optionalKey(Schema.String) }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Cancel a run"))

const pause = HttpApiEndpoint.post("pause", "/:id/pause", {
  params: run,
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Pause a run"))

const resume = HttpApiEndpoint.post("resume", "/:id/resume", {
  params: run,
  payload: Schema.Struct({
    budget: Schema.optionalKey(Budget),
    allowUnknownPrice: Schema.optionalKey(Schema.Boolean),
    note: Schema.optionalKey(Schema.String)
  }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Resume a run, and add to its budget"))

const remove = HttpApiEndpoint.delete("remove", "/:id", {
  params: run,
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Delete a finished run"))

const resolve = HttpApiEndpoint.get("resolve", "/resolve", {
  query: { text: Schema.String },
  success: Schema.Struct({ id: Schema.String }),
  error: problems
}).annotateMerge(about("runs:read", "Find a run's id", "From a unique beginning of one, or `@last`."))

const logs = HttpApiEndpoint.get("logs", "/:id/logs", {
  params: run,
  query: { path: Schema.optionalKey(Schema.String), after: Schema.optionalKey(Schema.String), limit: pageLimit },
  success: page(LogLine),
  error: problems
}).annotateMerge(
  about(
    "runs:read",
    "List what the steps of a run printed, or follow it",
    "A page of lines; with `Accept: text/event-stream`, all lines from `Last-Event-ID` on, until the run has ended."
  )
)

const diff = HttpApiEndpoint.get("diff", "/:id/diff/:other", {
  params: { id: Schema.String, other: Schema.String },
  success: RunDiff,
  error: problems
}).annotateMerge(about("runs:read", "Compare two runs, step by step"))

const step = { id: Schema.String, path: Schema.String }
const note = { note: Schema.optionalKey(Schema.String) }

const retryStep = HttpApiEndpoint.post("retryStep", "/:id/steps/:path/retry", {
  params: step,
  payload: Schema.Struct({
    ...note,
    /** Milliseconds before the next attempt, 0 to 600,000. */
    delayMs: Schema.optionalKey(Schema.Finite),
    /** A JSON Merge Patch (RFC 7396) on the step's input. */
    modifications: Schema.optionalKey(Schema.Json)
  }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Try a waiting step again"))

const skipStep = HttpApiEndpoint.post("skipStep", "/:id/steps/:path/skip", {
  params: step,
  payload: Schema.Struct({
    ...note,
    /** What the run goes on with; null when absent. */
    output: Schema.optionalKey(Schema.Json)
  }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Skip a waiting step"))

const abortStep = HttpApiEndpoint.post("abortStep", "/:id/steps/:path/abort", {
  params: step,
  payload: Schema.Struct(note),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Fail a waiting step"))

const prune = HttpApiEndpoint.post("prune", "/prune", {
  payload: Schema.Struct({
    /** RFC 3339; runs that ended before go. */
    before: Schema.String
  }),
  success: Schema.Struct({ removed: Schema.Int }),
  error: problems
}).annotateMerge(about("runs:write", "Delete runs that ended before a time"))

export class RunsApi extends HttpApiGroup.make("runs")
  .add(start, list, resolve, prune, show, steps, events, logs, explain, diff)
  .add(send, cancel, pause, resume, remove, retryStep, skipStep, abortStep)
  .prefix("/api/v1/runs")
  .middleware(Access)
  .middleware(Readable)
{}
