/** Links to approvals, over HTTP. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { LinkDocument } from "../LinksClient.ts"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { problems } from "./Problems.ts"

const create = HttpApiEndpoint.post("create", "/:target/links", {
  params: { target: Schema.String },
  query: { step: Schema.optionalKey(Schema.String) },
  payload: Schema.Struct({
    /** Milliseconds from now, at most 30 days; a day when absent. */
    lifetimeMs: Schema.optionalKey(Schema.Int)
  }),
  success: LinkDocument.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(
  about("approvals:decide", "Make a link that decides an approval once", "It decides in the name of the caller.")
)

export class LinksApi extends HttpApiGroup.make("links")
  .add(create)
  .prefix("/api/v1/approvals")
  .middleware(Access)
  .middleware(Readable)
{}
