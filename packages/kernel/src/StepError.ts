/** Why an attempt failed: what every node type reports, and what retry policies and people read. */
import * as Schema from "effect/Schema"

/**
 * `kind` is what retry rules match; `status` refines `http` (429, 5xx). `sent: false` proves that a call never left this
 * machine, which is the only error after which an irreversible call may be repeated (SEMANTICS 8.11c).
 */
export const StepError = Schema.Struct({
  code: Schema.String,
  kind: Schema.Literals([
    "network",
    "timeout",
    "http",
    "api",
    "validation",
    "configuration",
    "policy",
    "expression",
    "poison",
    "cancelled",
    "child",
    "io",
    "internal"
  ]),
  message: Schema.String,
  retryable: Schema.Boolean,
  status: Schema.optionalKey(Schema.Int),
  /** Milliseconds the remote side asked us to wait. */
  retryAfterMs: Schema.optionalKey(Schema.Int),
  sent: Schema.optionalKey(Schema.Boolean),
  detail: Schema.optionalKey(Schema.Json)
})
export type StepError = typeof StepError.Type
