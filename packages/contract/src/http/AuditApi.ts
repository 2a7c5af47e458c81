/** The audit log over HTTP. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { AuditItem, AuditVerdict } from "../AuditClient.ts"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { page, pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const tenant = Schema.optionalKey(Schema.String)

const list = HttpApiEndpoint.get("list", "/", {
  query: { after: Schema.optionalKey(Schema.String), limit: pageLimit, tenant },
  success: page(AuditItem),
  error: problems
}).annotateMerge(about("audit:read", "List who asked for what, newest first"))

const verify = HttpApiEndpoint.get("verify", "/verify", {
  query: {
    /** `seq:hash` of an end that was seen before. */
    expected: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\d{1,15}:[0-9a-f]{64}$/))),
    tenant
  },
  success: AuditVerdict,
  error: problems
}).annotateMerge(about("audit:read", "Check the chain of the audit log"))

export class AuditApi extends HttpApiGroup.make("audit")
  .add(list, verify)
  .prefix("/api/v1/audit")
  .middleware(Access)
  .middleware(Readable)
{}
