/**
 * What a step waits for while it holds no worker. A node and an item of a map wait in the same way; the door that ends
 * the wait is told by `Explain`.
 */
import * as Schema from "effect/Schema"
import { Amounts } from "./Amounts.ts"
import { Ask, AskedBy, Option, Vote } from "./Approval.ts"
import { FlowCall } from "./Child.ts"
import { StepError } from "./StepError.ts"
import { Usage } from "./Usage.ts"
import { Value } from "./Value.ts"

/** Until a time, in milliseconds since 1970. */
export const TimerWait = Schema.Struct({ kind: Schema.Literal("timer"), dueAt: Schema.Int })

/** For an event sent to the run, at most until `dueAt`. */
export const EventWait = Schema.Struct({
  kind: Schema.Literal("event"),
  name: Schema.String,
  dueAt: Schema.optionalKey(Schema.Int)
})

/**
 * `onFailure: ask`, an irreversible call whose outcome is unknown, or one that the run this one was made from had started
 * (`reused`). Doors: retry, skip, abort.
 */
export const OperatorWait = Schema.Struct({
  kind: Schema.Literal("operator"),
  reason: Schema.Literals(["failed", "unknown_outcome", "reused"]),
  error: StepError
})
export type OperatorWait = typeof OperatorWait.Type

/** For money: `need` does not fit into what the budget has free. Door: a raise, or what running steps give back. */
export const BudgetWait = Schema.Struct({
  kind: Schema.Literal("budget"),
  need: Amounts,
  /** Money is limited, and the price of this is unknown. */
  unpriced: Schema.optionalKey(Schema.String)
})
export type BudgetWait = typeof BudgetWait.Type

/**
 * For people: an approval, a checkpoint behind a step's answer, or the question of an agent. What they are shown is in
 * `shown`: an object of `question`, and where there is one `options`, `form`, `input` and the provisional `output`.
 */
export const ApprovalWait = Schema.Struct({
  kind: Schema.Literal("approval"),
  ask: Ask,
  /** Sorts by time: `apr_…`. */
  id: Schema.String,
  /** SHA-256, in hex, of the canonical JSON of path, attempt and what is shown: a decision may be bound to it. */
  hash: Schema.String,
  /** One line of the question. */
  title: Schema.String,
  shown: Value,
  /** Names to decide by, besides the words that every approval knows. */
  options: Schema.optionalKey(Schema.Array(Option)),
  /** Absent: everybody. */
  approvers: Schema.optionalKey(Schema.Array(Schema.String)),
  quorum: Schema.Int,
  requesterMayApprove: Schema.Boolean,
  /** The step is not tried again as a whole: `retry` is no decision. */
  once: Schema.optionalKey(Schema.Boolean),
  dueAt: Schema.optionalKey(Schema.Int),
  onTimeout: Schema.Literals(["approve", "reject"]),
  votes: Schema.optionalKey(Schema.Array(Vote)),
  /** The tool call that the answer is the result of. */
  call: Schema.optionalKey(AskedBy),
  /** What the step has answered besides its output: it counts once the checkpoint lets it pass. */
  provisional: Schema.optionalKey(Schema.Struct({
    outcome: Schema.optionalKey(Schema.String),
    agent: Schema.optionalKey(Schema.String),
    startedAt: Schema.optionalKey(Schema.Int),
    usage: Schema.optionalKey(Usage),
    warnings: Schema.optionalKey(Schema.Array(Schema.Struct({ code: Schema.String, message: Schema.String })))
  }))
})
export type ApprovalWait = typeof ApprovalWait.Type

/** A part of what people are shown. */
export const shownPart = (
  wait: ApprovalWait,
  name: "question" | "options" | "form" | "input" | "output"
): Value | undefined =>
  "fields" in wait.shown && Object.hasOwn(wait.shown.fields, name) ? wait.shown.fields[name] : undefined

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

export const Wait = Schema.Union([TimerWait, EventWait, OperatorWait, ApprovalWait, ChildWait, BudgetWait])
export type Wait = typeof Wait.Type
