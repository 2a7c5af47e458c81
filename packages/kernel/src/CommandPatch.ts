/** What is asked about the plan of a run. */
import * as Schema from "effect/Schema"
import * as CommandTime from "./CommandTime.ts"

const at = { at: CommandTime.at }
const by = { by: Schema.optionalKey(Schema.String) }

/**
 * A change of the plan. `id` makes it count once: asked again under the same id, it changes nothing. `operations` is
 * whatever came from outside; the kernel reads it strictly. With `author` it is an agent's, and the flow's policy rules.
 */
export const ProposePatch = Schema.Struct({
  type: Schema.Literal("ProposePatch"),
  ...at,
  ...by,
  id: Schema.String,
  base: Schema.Int,
  operations: Schema.Json,
  reason: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(Schema.Struct({ path: Schema.String, attempt: Schema.Int }))
})

/** The review of a patch: a person decides. */
export const DecidePatch = Schema.Struct({
  type: Schema.Literal("DecidePatch"),
  ...at,
  ...by,
  /** Groups the person is in, as `editors`. */
  groups: Schema.optionalKey(Schema.Array(Schema.String)),
  patch: Schema.String,
  action: Schema.Literals(["approve", "reject"]),
  comment: Schema.optionalKey(Schema.String)
})

/** Takes an applied patch back, while none of its new nodes has started. `id` names the inverse patch. */
export const RevertPatch = Schema.Struct({
  type: Schema.Literal("RevertPatch"),
  ...at,
  ...by,
  id: Schema.String,
  patch: Schema.String,
  reason: Schema.optionalKey(Schema.String)
})
