/** A run that claims to be running has not moved for too long. */
import * as Schema from "effect/Schema"
import { StallPolicy } from "./FlowPolicy.ts"

/** Nothing has happened since `since` although something is offered or ready. Said once until the run moves again. */
export const RunStalled = Schema.Struct({
  type: Schema.Literal("RunStalled"),
  v: Schema.Literal(1),
  at: Schema.Int,
  since: Schema.Int,
  policy: StallPolicy,
  /** Attempts offered and not answered. */
  offered: Schema.Int
})
export type RunStalled = typeof RunStalled.Type
