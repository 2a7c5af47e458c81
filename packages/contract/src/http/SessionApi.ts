/** Sessions of browsers: a key is exchanged for a cookie that no script can read. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { problems } from "./Problems.ts"

/** Who a credential proves. */
export const PrincipalDocument = Schema.Struct({
  tenant: Schema.String,
  subject: Schema.String,
  groups: Schema.Array(Schema.String),
  scopes: Schema.Array(Schema.String),
  method: Schema.Literals(["key", "jwt", "session", "local"])
})
export type PrincipalDocument = typeof PrincipalDocument.Type

const show = HttpApiEndpoint.get("show", "/", { success: PrincipalDocument, error: problems })
  .annotateMerge(about("credential", "Tell whom the credential proves"))

const close = HttpApiEndpoint.delete("close", "/", { success: HttpApiSchema.NoContent, error: problems })
  .annotateMerge(about("credential", "End the session of the cookie"))

const open = HttpApiEndpoint.post("open", "/", {
  payload: Schema.Struct({ key: Schema.Redacted(Schema.String) }),
  success: PrincipalDocument.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(
  about(
    "public",
    "Exchange a key for a session",
    "Sets the cookie `__Host-baton` for 12 hours, at most as long as the key lives. Requests with it that change something " +
      "carry the header `x-baton-csrf`."
  )
)

export class SessionApi extends HttpApiGroup.make("session")
  .add(show, close)
  .middleware(Access)
  .add(open)
  .prefix("/api/v1/session")
  .middleware(Readable)
{}
