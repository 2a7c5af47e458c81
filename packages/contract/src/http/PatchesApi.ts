/** Plans of running runs and their patches over HTTP: look, propose, rehearse, decide, take back. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { PatchDocument } from "../PatchesClient.ts"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { page } from "./Paging.ts"
import * as Precondition from "./Precondition.ts"
import { problems } from "./Problems.ts"

const run = { id: Schema.String }
const patch = { patch: Schema.String }

export const PlanView = Schema.Struct({
  run: Schema.String,
  revision: Schema.Int,
  hash: Schema.String,
  flow: Schema.Json,
  /** Status of every node, by id. */
  nodes: Schema.Record(Schema.String, Schema.String)
})

export const PatchWithPlans = Schema.Struct({ patch: PatchDocument, before: Schema.Json, after: Schema.Json })

export const ProposeRequest = Schema.Struct({
  /** A JSON Patch (RFC 6902) on the canonical document of the plan. */
  operations: Schema.Json,
  /** The revision it was made for; absent: the one the plan is at when it is read. `If-Match` says the same. */
  base: Schema.optionalKey(Schema.Int),
  reason: Schema.optionalKey(Schema.String)
})

/** The run may be left out where the patch's id says enough. */
const ofRun = { run: Schema.optionalKey(Schema.String) }

const plan = HttpApiEndpoint.get("plan", "/runs/:id/plan", {
  params: run,
  success: HttpApiSchema.WithHeaders(PlanView, { etag: Schema.String }),
  error: problems
}).annotateMerge(
  about("runs:read", "Show the plan of a run as it is now", "`ETag` is the revision, for `If-Match` of a patch.")
)

const list = HttpApiEndpoint.get("list", "/runs/:id/patches", {
  params: run,
  success: page(PatchDocument),
  error: problems
}).annotateMerge(about("runs:read", "List the patches of a run, in order"))

const propose = HttpApiEndpoint.post("propose", "/runs/:id/patches", {
  params: run,
  headers: { ...Precondition.ifMatch, ...Precondition.idempotencyKey },
  payload: ProposeRequest,
  success: PatchWithPlans.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("runs:patch", "Propose a patch of the plan of a running run"))

const rehearse = HttpApiEndpoint.post("rehearse", "/runs/:id/patches/rehearse", {
  params: run,
  headers: Precondition.ifMatch,
  payload: ProposeRequest,
  success: PatchWithPlans,
  error: problems
}).annotateMerge(about("runs:read", "Show what would become of a patch; nothing changes"))

const inReview = HttpApiEndpoint.get("inReview", "/patches", { success: page(PatchDocument), error: problems })
  .annotateMerge(about("runs:read", "List the patches that wait for a review, over all runs"))

const show = HttpApiEndpoint.get("show", "/patches/:patch", {
  params: patch,
  query: ofRun,
  success: PatchWithPlans,
  error: problems
}).annotateMerge(about("runs:read", "Show a patch with the plan before and after it"))

const decide = HttpApiEndpoint.post("decide", "/patches/:patch/decide", {
  params: patch,
  query: ofRun,
  payload: Schema.Struct({
    action: Schema.Literals(["approve", "reject"]),
    comment: Schema.optionalKey(Schema.String)
  }),
  success: PatchWithPlans,
  error: problems
}).annotateMerge(about("approvals:decide", "Decide a patch that waits for a review"))

const revert = HttpApiEndpoint.post("revert", "/patches/:patch/revert", {
  params: patch,
  query: ofRun,
  payload: Schema.Struct({ reason: Schema.optionalKey(Schema.String) }),
  success: PatchWithPlans.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("runs:patch", "Take a patch back by its inverse"))

export class PatchesApi extends HttpApiGroup.make("patches")
  .add(plan, list, propose, rehearse, inReview, show, decide, revert)
  .prefix("/api/v1")
  .middleware(Access)
  .middleware(Readable)
{}
