/** What waits for people, over HTTP. */
import { doorKinds } from "@baton/kernel/Doors"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { ApprovalDocument, ApprovalItem } from "../ApprovalsClient.ts"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { page, pageLimit } from "./Paging.ts"
import * as Precondition from "./Precondition.ts"
import { problems } from "./Problems.ts"

/** An approval's id, a run that waits for exactly one decision, or with `step` any run. */
const target = { target: Schema.String }
const step = { step: Schema.optionalKey(Schema.String) }
const flag = Schema.optionalKey(Schema.Literals(["true", "false"]))

/** Who decides is told by the credential. */
export const DecideRequest = Schema.Struct({
  /** `approve`, `reject`, `continue`, `retry`, `abort`, `answer`, or the name of an option. */
  decision: Schema.String,
  comment: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Schema.Json),
  /** A JSON Merge Patch (RFC 7396) on the step's input. */
  modifications: Schema.optionalKey(Schema.Json),
  /** What the decision is bound to; `If-Match` says the same. */
  hash: Schema.optionalKey(Schema.String)
})

const list = HttpApiEndpoint.get("list", "/", {
  query: {
    kind: Schema.optionalKey(Schema.Array(Schema.Literals(doorKinds))),
    run: Schema.optionalKey(Schema.String),
    /** Those that have closed too. */
    closed: flag,
    after: Schema.optionalKey(Schema.String),
    limit: pageLimit
  },
  success: page(ApprovalItem),
  error: problems
}).annotateMerge(about("approvals:read", "List what waits for people, oldest first"))

const show = HttpApiEndpoint.get("show", "/:target", {
  params: target,
  query: step,
  success: HttpApiSchema.WithHeaders(ApprovalDocument, { etag: Schema.String }),
  error: problems
}).annotateMerge(about("approvals:read", "Show an approval", "`ETag` is its hash, for `If-Match` of the decision."))

export const decide = HttpApiEndpoint.post("decide", "/:target/decide", {
  params: target,
  query: step,
  headers: Precondition.ifMatch,
  payload: DecideRequest,
  success: ApprovalDocument,
  error: problems
}).annotateMerge(about("approvals:decide", "Decide an approval"))

export class ApprovalsApi extends HttpApiGroup.make("approvals")
  .add(list, show, decide)
  .prefix("/api/v1/approvals")
  .middleware(Access)
  .middleware(Readable)
{}
