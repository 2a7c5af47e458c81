/** All routes of a server in one layer. */
import { Api } from "@baton/contract/http/Api"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as Layer from "effect/Layer"
import { LiveHandlers } from "../live/LiveHandlers.ts"
import * as LocalAccess from "./LocalAccess.ts"
import * as Readable from "./Readable.ts"
import { RunsHandlers } from "./RunsHandlers.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([RunsHandlers, LiveHandlers]),
  Layer.provide([LocalAccess.layer, Readable.layer])
)

export const layer = Layer.mergeAll(api, HttpApiScalar.layer(Api, { path: "/docs" }))
