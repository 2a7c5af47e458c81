/** All routes of a server in one layer. */
import { Api } from "@baton/contract/http/Api"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as Layer from "effect/Layer"
import * as AccessCheck from "../access/AccessCheck.ts"
import * as RouteGuard from "../access/RouteGuard.ts"
import { AuditHandlers, KeysHandlers } from "./KeysHandlers.ts"
import * as Readable from "./Readable.ts"
import { RunsHandlers } from "./RunsHandlers.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide(RunsHandlers),
  Layer.provide(KeysHandlers),
  Layer.provide(AuditHandlers),
  Layer.provide([AccessCheck.layer, Readable.layer])
)

/** Whoever adds a route does so in this list, behind the guard. */
export const layer = Layer.mergeAll(api, HttpApiScalar.layer(Api, { path: "/docs" })).pipe(
  Layer.provideMerge(RouteGuard.layer(Api))
)
