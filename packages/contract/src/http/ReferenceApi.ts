/** What the surface says about itself: what problems mean, and the schema of flow documents. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { problems } from "./Problems.ts"

const problem = HttpApiEndpoint.get("problem", "/problems/:kind", {
  params: { kind: Schema.String },
  success: Schema.Struct({
    /** As the member `type` of a problem names it. */
    type: Schema.String,
    status: Schema.Int,
    title: Schema.String,
    /** Codes that the HTTP surface itself gives; what a verb refuses has codes of its own. */
    codes: Schema.Array(Schema.Struct({ code: Schema.String, meaning: Schema.String }))
  }),
  error: problems
}).annotateMerge(about("public", "Tell what a kind of problem means"))

const flowSchema = HttpApiEndpoint.get("flowSchema", "/schemas/flow.json", { success: Schema.Json, error: problems })
  .annotateMerge(about("public", "Give the JSON Schema of flow documents"))

export class ReferenceApi extends HttpApiGroup.make("reference").add(problem, flowSchema).middleware(Readable) {}
