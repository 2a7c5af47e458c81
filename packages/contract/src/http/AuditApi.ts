/** The audit log over HTTP. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { AuditItem, AuditVerdict } from "../AuditClient.ts"
import { Access, Needs, Readable } from "./Access.ts"
import { pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const tenant = Schema.optional(Schema.String)

const list = HttpApiEndpoint.get("list", "/", {
  query: { after: Schema.optional(Schema.String), limit: pageLimit, tenant },
  success: Schema.Struct({ items: Schema.Array(AuditItem), next: Schema.NullOr(Schema.String) }),
  error: problems
}).annotate(Needs, "audit:read")

const verify = HttpApiEndpoint.get("verify", "/verify", {
  query: {
    /** `seq:hash` of an end that was seen before. */
    expected: Schema.optional(Schema.String.check(Schema.isPattern(/^\d{1,15}:[0-9a-f]{64}$/))),
    tenant
  },
  success: AuditVerdict,
  error: problems
}).annotate(Needs, "audit:read")

export class AuditApi extends HttpApiGroup.make("audit")
  .add(list, verify)
  .prefix("/api/v1/audit")
  .middleware(Access)
  .middleware(Readable)
{}
