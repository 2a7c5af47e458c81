/** What balancers and supervisors ask: is the process well, and should it be sent anything. No credential. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { problems } from "./Problems.ts"

export const Health = Schema.Struct({
  status: Schema.Literals(["ok", "degraded"]),
  store: Schema.Struct({
    kind: Schema.Literals(["sqlite", "memory"]),
    writable: Schema.Boolean,
    /** Why nothing can be written, such as `full` or `read_only`. */
    reason: Schema.optionalKey(Schema.String),
    /** Milliseconds that the last commit took; absent before the first. */
    lastCommitMs: Schema.optionalKey(Schema.Finite),
    /** RFC 3339. */
    lastCommitAt: Schema.optionalKey(Schema.String),
    /** Bytes free on the store's disk. */
    freeBytes: Schema.optionalKey(Schema.Finite),
    /** Steps that are offered and not begun. */
    backlog: Schema.Int
  }),
  /** Requests that are being worked on. */
  requestsInFlight: Schema.Int
})
export type Health = typeof Health.Type

const health = HttpApiEndpoint.get("health", "/health", { success: Health, error: problems }).annotateMerge(
  about("public", "Tell how the server is", "Always 200 while the process answers; `status` says how well it is.")
)

const ready = HttpApiEndpoint.get("ready", "/ready", {
  success: Schema.Struct({ ready: Schema.Boolean }),
  error: problems
}).annotateMerge(
  about("public", "Tell whether to send requests here", "503 while the server stops or its store cannot be written.")
)

export class ProbesApi extends HttpApiGroup.make("probes").add(health, ready).middleware(Readable) {}
