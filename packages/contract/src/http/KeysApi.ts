/** Keys over HTTP. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { CreateKey, KeyItem, NewKey } from "../KeysClient.ts"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { page, pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const key = { id: Schema.String }
/** Another tenant than the caller's: for `system:admin` only. */
const tenant = Schema.optionalKey(Schema.String)

const create = HttpApiEndpoint.post("create", "/", {
  payload: CreateKey,
  success: NewKey.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("keys:admin", "Make a key; its text is told once"))

const list = HttpApiEndpoint.get("list", "/", {
  query: { after: Schema.optionalKey(Schema.String), limit: pageLimit, tenant },
  success: page(KeyItem),
  error: problems
}).annotateMerge(about("keys:admin", "List keys and when they were last used"))

const rotate = HttpApiEndpoint.post("rotate", "/:id/rotate", {
  params: key,
  query: { tenant },
  payload: Schema.Struct({
    /** Milliseconds before the old key ends; a day when absent. */
    graceMs: Schema.optionalKey(Schema.Int)
  }),
  success: NewKey.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("keys:admin", "Make the key that takes the place of another"))

const revoke = HttpApiEndpoint.delete("revoke", "/:id", {
  params: key,
  query: { tenant },
  success: KeyItem,
  error: problems
}).annotateMerge(about("keys:admin", "End a key now"))

export class KeysApi extends HttpApiGroup.make("keys")
  .add(create, list, rotate, revoke)
  .prefix("/api/v1/keys")
  .middleware(Access)
  .middleware(Readable)
{}
