/** What operators ask of steps that wait for them. */
import * as Schema from "effect/Schema"
import { Value } from "./Value.ts"

/** The longest an operator's retry may be put off, in milliseconds. */
export const delayMsMax = 600_000
/** UTF-16 units of a note. */
export const noteMax = 4_000

/**
 * The operator's doors of a waiting step: try it again (`delayMs`, `modifications`), go on with `output` instead of its
 * own, or fail it for good.
 */
export const ResolveStep = Schema.Struct({
  type: Schema.Literal("ResolveStep"),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_000_000_000_000_000 })),
  by: Schema.optionalKey(Schema.String),
  path: Schema.String,
  action: Schema.Literals(["retry", "skip", "abort"]),
  output: Schema.optionalKey(Value),
  note: Schema.optionalKey(Schema.String),
  /** 0 to {@link delayMsMax}. */
  delayMs: Schema.optionalKey(Schema.Finite),
  /** A JSON Merge Patch on the step's input. */
  modifications: Schema.optionalKey(Value)
})

/** Whoever watches runs asks whether this one has stalled. `afterMs` holds where the flow has no `limits.stall`. */
export const CheckStall = Schema.Struct({
  type: Schema.Literal("CheckStall"),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_000_000_000_000_000 })),
  afterMs: Schema.optionalKey(Schema.Int)
})
export type CheckStall = typeof CheckStall.Type
