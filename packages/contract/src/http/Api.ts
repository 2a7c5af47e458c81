/** The whole HTTP surface: one contract for the server, the derived client and the OpenAPI document. */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { withSession } from "./Access.ts"
import { AliasesApi } from "./AliasesApi.ts"
import { ApprovalsApi } from "./ApprovalsApi.ts"
import { AuditApi } from "./AuditApi.ts"
import * as Description from "./Description.ts"
import { FlowsApi } from "./FlowsApi.ts"
import { KeysApi } from "./KeysApi.ts"
import { LinksApi } from "./LinksApi.ts"
import { LiveApi } from "./LiveApi.ts"
import { MetricsApi } from "./MetricsApi.ts"
import { MultiRoleApi } from "./MultiRoleApi.ts"
import { OperatorsApi } from "./OperatorsApi.ts"
import { PatchesApi } from "./PatchesApi.ts"
import { ProbesApi } from "./ProbesApi.ts"
import { ReferenceApi } from "./ReferenceApi.ts"
import { RunsApi } from "./RunsApi.ts"
import { SessionApi } from "./SessionApi.ts"
import { StoreApi } from "./StoreApi.ts"
import { WebhooksApi } from "./WebhooksApi.ts"

export class Api extends HttpApi.make("baton")
  .add(
    FlowsApi,
    RunsApi,
    LiveApi,
    PatchesApi,
    ApprovalsApi,
    OperatorsApi,
    MetricsApi,
    StoreApi,
    KeysApi,
    AuditApi,
    SessionApi,
    LinksApi,
    WebhooksApi,
    ProbesApi,
    ReferenceApi,
    MultiRoleApi,
    AliasesApi
  )
  // What a request says and nobody reads is a mistake; what an answer says is decided here.
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error", errors: "all" })
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "error", errors: "all" })
  .annotateMerge(OpenApi.annotations({
    title: "Baton",
    version: "1",
    description: "Durable agent workflows: runs, flows, approvals, patches, and what they used.",
    transform: (document) => Description.describe(withSession(document)),
    license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" }
  }))
{}
