/** A person decides. */
import * as Schema from "effect/Schema"
import { Value } from "./Value.ts"

export const DecideApproval = Schema.Struct({
  type: Schema.Literal("DecideApproval"),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_608_377_600_000_000 })),
  by: Schema.optionalKey(Schema.String),
  /** Groups that whoever lets the person in knows them to be in. */
  groups: Schema.optionalKey(Schema.Array(Schema.String)),
  path: Schema.String,
  /** The approval that the person saw; absent: the one that the step waits for now. */
  id: Schema.optionalKey(Schema.String),
  /** Hash of what the person saw; refused when that is no longer what is asked. */
  hash: Schema.optionalKey(Schema.String),
  /** `approve`, `reject`, `continue`, `retry`, `abort`, `answer`, or the name of an option. */
  decision: Schema.String,
  comment: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Value),
  /** A JSON Merge Patch on the step's input. */
  modifications: Schema.optionalKey(Value)
})
