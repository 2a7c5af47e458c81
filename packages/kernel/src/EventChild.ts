/** What happens between a run and the runs it has started. Their starts are `StepWaiting`, their ends the step's own. */
import * as Schema from "effect/Schema"
import { StepError } from "./StepError.ts"

/** The child is told to stop; when it has ended the step fails with `error`. */
export const ChildStopping = Schema.Struct({
  type: Schema.Literal("ChildStopping"),
  v: Schema.Literal(1),
  at: Schema.Int,
  path: Schema.String,
  attempt: Schema.Int,
  error: StepError
})
