/** What is kept beside runs, over HTTP: usage, receipts, secrets, stored values, and a look at the store. */
import { Usage } from "@baton/kernel/Usage"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { ReceiptStatsItem } from "../ReceiptsClient.ts"
import { SecretItem } from "../SecretsClient.ts"
import { Finding } from "../StoreClient.ts"
import { UsageBy, UsageDocument } from "../UsageClient.ts"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { page, pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const Text = Schema.optionalKey(Schema.String)

const usage = HttpApiEndpoint.get("usage", "/usage", {
  query: {
    by: Schema.optionalKey(UsageBy),
    /** RFC 3339. */
    since: Text,
    run: Text,
    flow: Text,
    limit: pageLimit
  },
  success: UsageDocument,
  error: problems
}).annotateMerge(about("usage:read", "Tell what runs have used and cost", "By flow, unless `by` says otherwise."))

const reportUsage = HttpApiEndpoint.post("reportUsage", "/runs/:id/steps/:path/usage", {
  params: { id: Schema.String, path: Schema.String },
  payload: Schema.Struct({ attempt: Schema.Int, usage: Usage }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("runs:write", "Tell what an attempt really used that was settled by a guess"))

const receipts = HttpApiEndpoint.get("receipts", "/receipts", { success: page(ReceiptStatsItem), error: problems })
  .annotateMerge(about("runs:read", "List receipts by node, and how often they served"))

const clearReceipts = HttpApiEndpoint.delete("clearReceipts", "/receipts", {
  query: { flow: Text, node: Text },
  success: Schema.Struct({ cleared: Schema.Int }),
  error: problems
}).annotateMerge(about("runs:write", "Forget receipts", "All of them, unless `flow` or `node` says which."))

const secrets = HttpApiEndpoint.get("secrets", "/secrets", { success: page(SecretItem), error: problems })
  .annotateMerge(about("secrets:write", "List secrets by name; there is no way to read one back"))

const secret = { name: Schema.String }

const setSecret = HttpApiEndpoint.put("setSecret", "/secrets/:name", {
  params: secret,
  payload: Schema.Struct({
    value: Schema.Redacted(Schema.String),
    /** Host names, or `*.example.com`: where the secret may be sent; without one it can be sent nowhere. */
    hosts: Schema.Array(Schema.String)
  }),
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("secrets:write", "Set a secret"))

const removeSecret = HttpApiEndpoint.delete("removeSecret", "/secrets/:name", {
  params: secret,
  success: Schema.Struct({
    /** False: there was none. */
    removed: Schema.Boolean
  }),
  error: problems
}).annotateMerge(about("secrets:write", "Remove a secret"))

const blob = HttpApiEndpoint.get("blob", "/blobs/:ref", {
  params: { ref: Schema.String },
  success: Schema.Json,
  error: problems
}).annotateMerge(
  about("runs:read", "Read a stored value by its address", "`sha256:…`, as `$ref` in a run's document names it.")
)

const doctor = HttpApiEndpoint.get("doctor", "/doctor", {
  success: Schema.Struct({ findings: Schema.Array(Finding) }),
  error: problems
}).annotateMerge(about("system:admin", "Look at the store and at what runs need"))

export class StoreApi extends HttpApiGroup.make("store")
  .add(usage, reportUsage, receipts, clearReceipts, secrets, setSecret, removeSecret, blob, doctor)
  .prefix("/api/v1")
  .middleware(Access)
  .middleware(Readable)
{}
