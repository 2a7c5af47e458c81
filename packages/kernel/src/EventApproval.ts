/** What people decided. What asks them is a `StepWaiting` whose wait is an approval. */
import * as Schema from "effect/Schema"
import { Ask } from "./Approval.ts"
import { Value } from "./Value.ts"

const of = {
  v: Schema.Literal(1),
  at: Schema.Int,
  path: Schema.String,
  attempt: Schema.Int,
  /** The approval's id. */
  id: Schema.String
}

/** One of several approvals that are needed; the step goes on waiting for the others. */
export const ApprovalVoted = Schema.Struct({
  type: Schema.Literal("ApprovalVoted"),
  ...of,
  by: Schema.String,
  decision: Schema.String,
  comment: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Value)
})

/**
 * The one decision that counts. In the same record follows what it does: the step settles, fails, or is tried again.
 * `decision` is `approve`, `reject`, `continue`, `retry`, `abort`, `answer`, or the name of an option.
 */
export const ApprovalDecided = Schema.Struct({
  type: Schema.Literal("ApprovalDecided"),
  ...of,
  ask: Ask,
  decision: Schema.String,
  /** `timeout`: nobody decided in time, and the flow says what then. */
  cause: Schema.Literals(["decision", "timeout"]),
  by: Schema.optionalKey(Schema.String),
  comment: Schema.optionalKey(Schema.String),
  /** What the form asked for, or the answer to a question. */
  data: Schema.optionalKey(Value),
  /** A JSON Merge Patch on the step's input. */
  modifications: Schema.optionalKey(Value)
})
