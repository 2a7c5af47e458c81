/** What operators did to steps that waited for them. */
import * as Schema from "effect/Schema"
import { Value } from "./Value.ts"

/**
 * A waiting step goes back to be tried again, as its next attempt, at once or at `dueAt`. `modifications` are a JSON Merge
 * Patch on its input: with them a new `generation` begins, whose calls have keys of their own (SEMANTICS 8.8, 8.11b).
 */
export const StepReopened = Schema.Struct({
  type: Schema.Literal("StepReopened"),
  v: Schema.Literal(1),
  at: Schema.Int,
  path: Schema.String,
  by: Schema.optionalKey(Schema.String),
  note: Schema.optionalKey(Schema.String),
  dueAt: Schema.optionalKey(Schema.Int),
  modifications: Schema.optionalKey(Value),
  generation: Schema.optionalKey(Schema.Int)
})
