/** What a child run tells its parent. Run-to-run messages may come twice, or late: only the first one changes anything. */
import * as Schema from "effect/Schema"
import { Amounts } from "./Amounts.ts"
import { at } from "./CommandTime.ts"
import { Usage } from "./Usage.ts"
import { Value } from "./Value.ts"

/** The run that an attempt of a `flow` step started has ended, or could not be started (`refused`). */
export const EndChild = Schema.Struct({
  type: Schema.Literal("EndChild"),
  /** Milliseconds since 1970 on the store's clock. */
  at,
  path: Schema.String,
  attempt: Schema.Int,
  run: Schema.String,
  status: Schema.Literals(["succeeded", "warned", "failed", "cancelled", "refused"]),
  code: Schema.String,
  message: Schema.String,
  output: Schema.optionalKey(Value),
  usage: Schema.optionalKey(Usage),
  /** All that the child has spent, and its own children. */
  spent: Schema.optionalKey(Amounts)
})
