/** Flows over HTTP: publish, look up, check. */
import { Problem } from "@baton/kernel/Problem"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { FlowItem } from "../FlowsClient.ts"
import { Access, Readable } from "./Access.ts"
import { FlowSource } from "./FlowReference.ts"
import { about } from "./Operation.ts"
import { page } from "./Paging.ts"
import { problems } from "./Problems.ts"

const name = Schema.String

/** A published flow with its canonical document. */
export const PublishedFlow = Schema.Struct({ ...FlowItem.fields, canonical: Schema.Json })

const Published = Schema.Struct({
  ...FlowItem.fields,
  /** False: the same content was published under this version before. */
  isNew: Schema.Boolean
})

const publish = HttpApiEndpoint.post("publish", "/", {
  payload: Schema.Struct({ flow: FlowSource }),
  success: Published.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("flows:write", "Publish a version of a flow"))

const check = HttpApiEndpoint.post("check", "/check", {
  payload: Schema.Struct({ flow: FlowSource }),
  success: Schema.Struct({
    problems: Schema.Array(Problem),
    /** The canonical document; absent when there is none. */
    canonical: Schema.optionalKey(Schema.Json)
  }),
  error: problems
}).annotateMerge(about("flows:read", "Check a flow without publishing it"))

const list = HttpApiEndpoint.get("list", "/", { success: page(FlowItem), error: problems })
  .annotateMerge(about("flows:read", "List flows, the newest version of each"))

const find = HttpApiEndpoint.get("find", "/:name", { params: { name }, success: PublishedFlow, error: problems })
  .annotateMerge(about("flows:read", "Show the newest version of a flow"))

const versions = HttpApiEndpoint.get("versions", "/:name/versions", {
  params: { name },
  success: page(FlowItem),
  error: problems
}).annotateMerge(about("flows:read", "List the versions of a flow, newest first"))

const version = HttpApiEndpoint.get("version", "/:name/versions/:version", {
  params: { name, version: Schema.String },
  success: PublishedFlow,
  error: problems
}).annotateMerge(about("flows:read", "Show one version of a flow"))

export class FlowsApi extends HttpApiGroup.make("flows")
  .add(publish, check, list, find, versions, version)
  .prefix("/api/v1/flows")
  .middleware(Access)
  .middleware(Readable)
{}
