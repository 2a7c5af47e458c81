/** What is asked of a run's ledger (SEMANTICS 8.10). */
import * as Schema from "effect/Schema"
import { Amounts } from "./Amounts.ts"
import { at as time } from "./CommandTime.ts"
import { Usage } from "./Usage.ts"

const at = { at: time }
const by = { by: Schema.optionalKey(Schema.String) }

/** A worker asks for what the next turn of its attempt may cost beyond what it has left. */
export const ReserveTurn = Schema.Struct({
  type: Schema.Literal("ReserveTurn"),
  ...at,
  path: Schema.String,
  attempt: Schema.Int,
  need: Amounts,
  /** The turn's model has no known price. */
  unpriced: Schema.optionalKey(Schema.String)
})

/** Adds to the budget of a run. */
export const RaiseBudget = Schema.Struct({
  type: Schema.Literal("RaiseBudget"),
  ...at,
  ...by,
  add: Amounts,
  allowUnknownPrice: Schema.optionalKey(Schema.Boolean),
  note: Schema.optionalKey(Schema.String),
  /** The parent's answer to the child's request of this number; each counts once. */
  grant: Schema.optionalKey(Schema.Int)
})

/** Tells what an attempt has really used that was settled by a guess. */
export const ReportUsage = Schema.Struct({
  type: Schema.Literal("ReportUsage"),
  ...at,
  ...by,
  path: Schema.String,
  attempt: Schema.Int,
  usage: Usage
})

/** A child run, started by the step `path`, needs more than its allotment. `n` counts its requests from 1. */
export const AskAllotment = Schema.Struct({
  type: Schema.Literal("AskAllotment"),
  ...at,
  path: Schema.String,
  attempt: Schema.Int,
  n: Schema.Int,
  need: Amounts
})
