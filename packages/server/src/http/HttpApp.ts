/** All routes of a server in one layer. */
import { Api } from "@baton/contract/http/Api"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as Layer from "effect/Layer"
import { ApprovalsHandlers } from "./ApprovalsHandlers.ts"
import * as Fallback from "./Fallback.ts"
import { FlowsHandlers } from "./FlowsHandlers.ts"
import * as Idempotency from "./Idempotency.ts"
import * as LocalAccess from "./LocalAccess.ts"
import { OperatorsHandlers } from "./OperatorsHandlers.ts"
import { PatchesHandlers } from "./PatchesHandlers.ts"
import * as Readable from "./Readable.ts"
import { RunsHandlers } from "./RunsHandlers.ts"
import { StoreHandlers } from "./StoreHandlers.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([
    ApprovalsHandlers,
    FlowsHandlers,
    OperatorsHandlers,
    PatchesHandlers,
    RunsHandlers,
    StoreHandlers
  ]),
  Layer.provide([Idempotency.layer, LocalAccess.layer, Readable.layer])
)

export const layer = Layer.mergeAll(api, HttpApiScalar.layer(Api, { path: "/docs" }), Fallback.layer)
