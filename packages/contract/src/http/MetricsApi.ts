/** What the process counts, for whoever collects it. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { problems } from "./Problems.ts"

/** The text format of Prometheus. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8"

const metrics = HttpApiEndpoint.get("metrics", "/metrics", {
  success: Schema.String.pipe(HttpApiSchema.asText({ contentType: metricsType })),
  error: problems
}).annotateMerge(
  about("metrics:read", "Show the metrics of this process", "In the text format of Prometheus, 0.0.4.")
)

export class MetricsApi extends HttpApiGroup.make("metrics").add(metrics).middleware(Access).middleware(Readable) {}
