/** What operators do beyond the steps of a living run, over HTTP: new runs from others, waits, dead letters. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { DeadLetterItem, WaitItem } from "../OperatorClient.ts"
import { RunDocument } from "../RunDocument.ts"
import { Access, Readable } from "./Access.ts"
import { FlowReference } from "./FlowReference.ts"
import { about } from "./Operation.ts"
import { page, pageLimit } from "./Paging.ts"
import * as Precondition from "./Precondition.ts"
import { problems } from "./Problems.ts"

const one = { id: Schema.String }
const Text = Schema.optionalKey(Schema.String)
const Toggle = Schema.optionalKey(Schema.Boolean)

export const MadeRun = Schema.Struct({
  document: RunDocument,
  /** Steps kept, items of maps included. */
  reused: Schema.Int,
  /** Nodes that run, in plan order. */
  running: Schema.Array(Schema.String),
  /** Steps that wait for a person before they run: their irreversible call had been started. */
  guarded: Schema.Array(Schema.String)
})

export const ForkRequest = Schema.Struct({
  /** The last event of the source that counts; absent: all of them. */
  at: Schema.optionalKey(Schema.Int),
  /** Instead of the source's input. */
  input: Schema.optionalKey(Schema.Json),
  /** Members laid over the input. */
  set: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  /** Instead of the source's flow. */
  flow: Schema.optionalKey(FlowReference),
  /** A JSON Patch (RFC 6902) on the flow's canonical document. */
  patch: Schema.optionalKey(Schema.Json),
  allowIrreversible: Toggle,
  /** With a budget of money: models without a known price may be asked all the same. */
  allowUnknownPrice: Toggle,
  note: Text
})

export const RetryRequest = Schema.Struct({
  /** Runs again whatever it came to; without it, whatever did not succeed. */
  step: Text,
  /** A JSON Merge Patch (RFC 7396) on the step's input. */
  modifications: Schema.optionalKey(Schema.Json),
  allowIrreversible: Toggle,
  note: Text
})

export const Reprocessed = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("step"), letter: DeadLetterItem }),
  Schema.Struct({ kind: Schema.Literal("run"), letter: DeadLetterItem, made: MadeRun })
])

const fork = HttpApiEndpoint.post("fork", "/runs/:id/fork", {
  params: one,
  headers: Precondition.idempotencyKey,
  payload: ForkRequest,
  success: MadeRun.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("runs:write", "Make a new run that goes on from an event of this one"))

const retry = HttpApiEndpoint.post("retry", "/runs/:id/retry", {
  params: one,
  headers: Precondition.idempotencyKey,
  payload: RetryRequest,
  success: MadeRun.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("runs:write", "Run a finished run once more, as a new run that keeps what succeeded"))

const waits = HttpApiEndpoint.get("waits", "/waits", {
  query: { reason: Schema.String, limit: pageLimit },
  success: page(WaitItem),
  error: problems
}).annotateMerge(about("runs:read", "List what waits for one reason, over all runs, oldest first"))

const letters = HttpApiEndpoint.get("letters", "/deadletters", {
  query: {
    state: Schema.optionalKey(Schema.Literals(["open", "reprocessed", "discarded"])),
    run: Text,
    after: Text,
    limit: pageLimit
  },
  success: page(DeadLetterItem),
  error: problems
}).annotateMerge(about("runs:read", "List dead letters, newest first"))

const letter = HttpApiEndpoint.get("letter", "/deadletters/:id", {
  params: one,
  success: DeadLetterItem,
  error: problems
}).annotateMerge(about("runs:read", "Show a dead letter"))

const reprocess = HttpApiEndpoint.post("reprocess", "/deadletters/:id/reprocess", {
  params: one,
  payload: Schema.Struct({
    modifications: Schema.optionalKey(Schema.Json),
    allowIrreversible: Toggle,
    note: Text
  }),
  success: Reprocessed,
  error: problems
}).annotateMerge(about("runs:write", "Try the step of a dead letter again"))

const discard = HttpApiEndpoint.post("discard", "/deadletters/:id/discard", {
  params: one,
  payload: Schema.Struct({ note: Text }),
  success: DeadLetterItem,
  error: problems
}).annotateMerge(about("runs:write", "Let a dead letter be"))

export class OperatorsApi extends HttpApiGroup.make("operators")
  .add(fork, retry, waits, letters, letter, reprocess, discard)
  .prefix("/api/v1")
  .middleware(Access)
  .middleware(Readable)
{}
