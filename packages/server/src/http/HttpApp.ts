/** All routes of a server in one layer. */
import { Api } from "@baton/contract/http/Api"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as Layer from "effect/Layer"
import * as AccessCheck from "../access/AccessCheck.ts"
import * as RouteGuard from "../access/RouteGuard.ts"
import { LiveHandlers } from "../live/LiveHandlers.ts"
import * as SocketBearer from "../live/SocketBearer.ts"
import { ApprovalsHandlers } from "./ApprovalsHandlers.ts"
import * as Fallback from "./Fallback.ts"
import { FlowsHandlers } from "./FlowsHandlers.ts"
import { AuditHandlers, KeysHandlers } from "./KeysHandlers.ts"
import { OperatorsHandlers } from "./OperatorsHandlers.ts"
import { PatchesHandlers } from "./PatchesHandlers.ts"
import * as Readable from "./Readable.ts"
import { RunsHandlers } from "./RunsHandlers.ts"
import { StoreHandlers } from "./StoreHandlers.ts"
import { WebhooksHandlers } from "./WebhooksHandlers.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([
    ApprovalsHandlers,
    AuditHandlers,
    FlowsHandlers,
    KeysHandlers,
    LiveHandlers,
    OperatorsHandlers,
    PatchesHandlers,
    RunsHandlers,
    StoreHandlers,
    WebhooksHandlers
  ]),
  Layer.provide([AccessCheck.layer, Readable.layer])
)

/** Whoever adds a route does so in this list, behind the guard. */
const routes = Layer.mergeAll(api, HttpApiScalar.layer(Api, { path: "/docs" }))

export const layer = Layer.mergeAll(
  Layer.provideMerge(routes, RouteGuard.layer(Api)),
  Fallback.layer,
  SocketBearer.layer
)
