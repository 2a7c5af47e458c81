/** Short routes, as programs that were written for other orchestrators call them; each does what its long form does. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { ApprovalDocument } from "../ApprovalsClient.ts"
import { RunDocument } from "../RunDocument.ts"
import { Access, Readable } from "./Access.ts"
import { DecideRequest } from "./ApprovalsApi.ts"
import { about } from "./Operation.ts"
import { PatchWithPlans, ProposeRequest } from "./PatchesApi.ts"
import * as Precondition from "./Precondition.ts"
import { problems } from "./Problems.ts"
import { StartRequest } from "./RunsApi.ts"

const one = { id: Schema.String }

const startRun = HttpApiEndpoint.post("startRun", "/runs", {
  headers: Precondition.idempotencyKey,
  payload: StartRequest,
  success: RunDocument.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("runs:write", "Start a run", "Short for `POST /api/v1/runs`."))

const patchRun = HttpApiEndpoint.post("patchRun", "/runs/:id/patch", {
  params: one,
  headers: { ...Precondition.ifMatch, ...Precondition.idempotencyKey },
  payload: ProposeRequest,
  success: PatchWithPlans.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("runs:patch", "Propose a patch", "Short for `POST /api/v1/runs/{id}/patches`."))

const decideApproval = HttpApiEndpoint.post("decideApproval", "/approvals/:id/decide", {
  params: one,
  query: { step: Schema.optionalKey(Schema.String) },
  headers: Precondition.ifMatch,
  payload: DecideRequest,
  success: ApprovalDocument,
  error: problems
}).annotateMerge(about("approvals:decide", "Decide an approval", "Short for `POST /api/v1/approvals/{id}/decide`."))

export class AliasesApi extends HttpApiGroup.make("aliases")
  .add(startRun, patchRun, decideApproval)
  .middleware(Access)
  .middleware(Readable)
{}
