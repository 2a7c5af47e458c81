/** Keys over HTTP. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { CreateKey, KeyItem, NewKey } from "../KeysClient.ts"
import { Access, Needs, Readable } from "./Access.ts"
import { pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const key = { id: Schema.String }
/** Another tenant than the caller's: for `system:admin` only. */
const tenant = Schema.optional(Schema.String)

const create = HttpApiEndpoint.post("create", "/", {
  payload: CreateKey,
  success: NewKey.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotate(Needs, "keys:admin")

const list = HttpApiEndpoint.get("list", "/", {
  query: { after: Schema.optional(Schema.String), limit: pageLimit, tenant },
  success: Schema.Struct({ items: Schema.Array(KeyItem), next: Schema.NullOr(Schema.String) }),
  error: problems
}).annotate(Needs, "keys:admin")

const rotate = HttpApiEndpoint.post("rotate", "/:id/rotate", {
  params: key,
  query: { tenant },
  payload: Schema.Struct({
    /** Milliseconds before the old key ends; a day when absent. */
    graceMs: Schema.optionalKey(Schema.Int)
  }),
  success: NewKey.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotate(Needs, "keys:admin")

const revoke = HttpApiEndpoint.delete("revoke", "/:id", {
  params: key,
  query: { tenant },
  success: KeyItem,
  error: problems
}).annotate(Needs, "keys:admin")

export class KeysApi extends HttpApiGroup.make("keys")
  .add(create, list, rotate, revoke)
  .prefix("/api/v1/keys")
  .middleware(Access)
  .middleware(Readable)
{}
