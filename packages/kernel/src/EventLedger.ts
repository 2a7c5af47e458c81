/** Events about money and its kin (SEMANTICS 8.10). What a step's end settles is folded from that event itself. */
import * as Schema from "effect/Schema"
import { Amounts } from "./Amounts.ts"
import { Usage } from "./Usage.ts"

const Path = Schema.String
const head = { v: Schema.Literal(1), at: Schema.Int }

/** What each of some steps sets aside, by path. */
export const Reserved = Schema.Record(Path, Amounts)

/** Steps that would start, or begin again, and cannot reserve: they wait. An item's path stands for the items of its map. */
export const StepsUnfunded = Schema.Struct({
  type: Schema.Literal("StepsUnfunded"),
  ...head,
  steps: Schema.Array(Schema.Struct({
    path: Path,
    need: Amounts,
    /** Present when money is limited and the price of this is unknown. */
    unpriced: Schema.optionalKey(Schema.String),
    /** The attempt under way that ends by this; the same attempt is offered again later. */
    attempt: Schema.optionalKey(Schema.Int),
    startedAt: Schema.optionalKey(Schema.Int),
    /** What the attempt has used and not told before. */
    usage: Schema.optionalKey(Usage)
  }))
})

/** An attempt under way sets aside more: what its next turn may cost beyond what it has left. */
export const TurnReserved = Schema.Struct({
  type: Schema.Literal("TurnReserved"),
  ...head,
  path: Path,
  attempt: Schema.Int,
  reserved: Amounts
})

/** Attempts that were lost and are offered again: each sets aside its worst case once more. */
export const ReservationsRenewed = Schema.Struct({
  type: Schema.Literal("ReservationsRenewed"),
  ...head,
  reserved: Reserved
})

/** Somebody adds to the budget. `total` is what it is from then on. */
export const BudgetRaised = Schema.Struct({
  type: Schema.Literal("BudgetRaised"),
  ...head,
  by: Schema.optionalKey(Schema.String),
  added: Amounts,
  total: Amounts,
  /** Calls of models without a known price may be made from now on. */
  allowUnknownPrice: Schema.optionalKey(Schema.Boolean),
  note: Schema.optionalKey(Schema.String),
  /** The parent's answer to the request of this number. */
  grant: Schema.optionalKey(Schema.Int)
})

/** What an attempt that was settled by a guess has really used; an annotation (K5). */
export const UsageLate = Schema.Struct({
  type: Schema.Literal("UsageLate"),
  ...head,
  path: Path,
  attempt: Schema.Int,
  usage: Usage,
  by: Schema.optionalKey(Schema.String)
})

/** An attempt has used more than it had set aside. */
export const OverrunRecorded = Schema.Struct({
  type: Schema.Literal("OverrunRecorded"),
  ...head,
  path: Path,
  attempt: Schema.Int,
  over: Amounts
})

/** A model was asked whose price nobody knows, in a run whose money is limited; said once. */
export const PriceMissing = Schema.Struct({
  type: Schema.Literal("PriceMissing"),
  ...head,
  path: Path,
  attempt: Schema.Int,
  model: Schema.optionalKey(Schema.String)
})

/** A child run has used up its allotment and is given more of what its parent has free. */
export const AllotmentGranted = Schema.Struct({
  type: Schema.Literal("AllotmentGranted"),
  ...head,
  path: Path,
  attempt: Schema.Int,
  /** Number of the child's request, from 1: each is granted at most once. */
  n: Schema.Int,
  added: Amounts
})
