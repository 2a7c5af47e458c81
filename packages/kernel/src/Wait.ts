/**
 * What a step waits for while it holds no worker. A node and an item of a map wait in the same way; the door that ends
 * the wait is told by `Explain`.
 */
import * as Schema from "effect/Schema"
import { FlowCall } from "./Child.ts"
import { StepError } from "./StepError.ts"
import { Value } from "./Value.ts"

/** Until a time, in milliseconds since 1970. */
export const TimerWait = Schema.Struct({ kind: Schema.Literal("timer"), dueAt: Schema.Int })

/** For an event sent to the run, at most until `dueAt`. */
export const EventWait = Schema.Struct({
  kind: Schema.Literal("event"),
  name: Schema.String,
  dueAt: Schema.optionalKey(Schema.Int)
})

/** `onFailure: ask`, or an irreversible call whose outcome is unknown. Doors: retry, skip, abort. */
export const OperatorWait = Schema.Struct({
  kind: Schema.Literal("operator"),
  reason: Schema.Literals(["failed", "unknown_outcome"]),
  error: StepError
})
export type OperatorWait = typeof OperatorWait.Type

/**
 * For the end of a child run, at most until `dueAt`. `stopping`: the child has been told to stop; once it has ended the step
 * fails with this error.
 */
export const ChildWait = Schema.Struct({
  kind: Schema.Literal("child"),
  run: Schema.String,
  flow: FlowCall,
  input: Value,
  dueAt: Schema.optionalKey(Schema.Int),
  stopping: Schema.optionalKey(StepError)
})
export type ChildWait = typeof ChildWait.Type

export const Wait = Schema.Union([TimerWait, EventWait, OperatorWait, ChildWait])
export type Wait = typeof Wait.Type
