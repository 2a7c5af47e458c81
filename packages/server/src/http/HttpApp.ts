/** All routes of a server in one layer. */
import { Api } from "@baton/contract/http/Api"
import { ProbesApi } from "@baton/contract/http/ProbesApi"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as Layer from "effect/Layer"
import { ApprovalsHandlers } from "./ApprovalsHandlers.ts"
import * as Fallback from "./Fallback.ts"
import { FlowsHandlers } from "./FlowsHandlers.ts"
import * as LocalAccess from "./LocalAccess.ts"
import { OperatorsHandlers } from "./OperatorsHandlers.ts"
import { PatchesHandlers } from "./PatchesHandlers.ts"
import { ProbesHandlers } from "./ProbesHandlers.ts"
import * as Readable from "./Readable.ts"
import { RunsHandlers } from "./RunsHandlers.ts"
import { StoreHandlers } from "./StoreHandlers.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([
    ApprovalsHandlers,
    FlowsHandlers,
    OperatorsHandlers,
    PatchesHandlers,
    ProbesHandlers,
    RunsHandlers,
    StoreHandlers
  ]),
  Layer.provide([LocalAccess.layer, Readable.layer])
)

/** Health and readiness alone: a server that does not answer requests is looked after all the same. */
export const probes = HttpApiBuilder.layer(HttpApi.make("baton").add(ProbesApi)).pipe(
  Layer.provide(ProbesHandlers),
  Layer.provide(Readable.layer),
  Layer.merge(Fallback.layer)
)

export const layer = Layer.mergeAll(api, HttpApiScalar.layer(Api, { path: "/docs" }), Fallback.layer)
