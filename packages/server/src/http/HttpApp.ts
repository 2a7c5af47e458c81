/** All routes of a server in one layer. */
import { Api } from "@baton/contract/http/Api"
import { MetricsApi } from "@baton/contract/http/MetricsApi"
import { plainRoutes } from "@baton/contract/http/PlainRoutes"
import { ProbesApi } from "@baton/contract/http/ProbesApi"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import * as AccessCheck from "../access/AccessCheck.ts"
import * as ApprovalRoutes from "../access/ApprovalRoutes.ts"
import * as Frontier from "../access/Frontier.ts"
import * as RouteGuard from "../access/RouteGuard.ts"
import { LiveHandlers } from "../live/LiveHandlers.ts"
import * as SocketBearer from "../live/SocketBearer.ts"
import { AliasesHandlers } from "./AliasesHandlers.ts"
import { ApprovalsHandlers } from "./ApprovalsHandlers.ts"
import * as DocsPage from "./DocsPage.ts"
import * as Fallback from "./Fallback.ts"
import { FlowsHandlers } from "./FlowsHandlers.ts"
import * as Idempotency from "./Idempotency.ts"
import { AuditHandlers, KeysHandlers } from "./KeysHandlers.ts"
import * as Methods from "./Methods.ts"
import { MetricsHandlers } from "./MetricsHandlers.ts"
import { MultiRoleHandlers } from "./MultiRoleHandlers.ts"
import { OperatorsHandlers } from "./OperatorsHandlers.ts"
import { PatchesHandlers } from "./PatchesHandlers.ts"
import { ProbesHandlers } from "./ProbesHandlers.ts"
import * as Readable from "./Readable.ts"
import { ReferenceHandlers } from "./ReferenceHandlers.ts"
import { RunsHandlers } from "./RunsHandlers.ts"
import { LinksHandlers, SessionHandlers } from "./SessionHandlers.ts"
import { StoreHandlers } from "./StoreHandlers.ts"
import { WebhooksHandlers } from "./WebhooksHandlers.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([
    AliasesHandlers,
    ApprovalsHandlers,
    AuditHandlers,
    FlowsHandlers,
    KeysHandlers,
    LinksHandlers,
    LiveHandlers,
    MetricsHandlers,
    MultiRoleHandlers,
    OperatorsHandlers,
    PatchesHandlers,
    ProbesHandlers,
    ReferenceHandlers,
    RunsHandlers,
    SessionHandlers,
    StoreHandlers,
    WebhooksHandlers
  ]),
  Layer.provide([Idempotency.layer, AccessCheck.layer, Readable.layer])
)

/** Whoever adds a route does so in this list, behind the guard. */
const routes = Layer.mergeAll(api, DocsPage.layer, ApprovalRoutes.layer)

/** Health, readiness and metrics: a server that does not answer requests is looked after all the same. */
const watched = HttpApi.make("baton").add(ProbesApi).add(MetricsApi)

const watchedRoutes = HttpApiBuilder.layer(watched).pipe(
  Layer.provide([ProbesHandlers, MetricsHandlers]),
  Layer.provide([AccessCheck.layer, Readable.layer])
)

export const probes = Layer.merge(
  Layer.provideMerge(watchedRoutes, RouteGuard.layer(watched)),
  Fallback.layer({
    allowed: Methods.make(watched, []),
    hint: "this process has not the role api: it answers /health, /ready and /metrics"
  })
).pipe(Layer.provide(Frontier.layer))

export const layer = Layer.mergeAll(
  Layer.provideMerge(routes, RouteGuard.layer(Api)),
  Fallback.layer({
    allowed: Methods.make(Api, Object.keys(plainRoutes)),
    hint: "/openapi.json and /docs tell every route"
  }),
  SocketBearer.layer
).pipe(Layer.provide(Frontier.layer))
