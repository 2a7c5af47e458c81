/** The whole HTTP surface: one contract for the server, the derived client and the OpenAPI document. */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { LiveApi } from "./LiveApi.ts"
import { RunsApi } from "./RunsApi.ts"

export class Api extends HttpApi.make("baton")
  .add(RunsApi)
  .add(LiveApi)
  .annotateMerge(OpenApi.annotations({
    title: "Baton",
    version: "1",
    description: "Durable agent workflows: runs, flows, approvals, patches, and what they used.",
    license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" }
  }))
{}
