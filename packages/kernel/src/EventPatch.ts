/** What happens to the plan of a run: proposed, patched, rejected (SEMANTICS 8.9). */
import * as Schema from "effect/Schema"
import { Growth } from "./PatchGrowth.ts"

const head = { v: Schema.Literal(1), at: Schema.Int }
const author = Schema.Struct({ path: Schema.String, attempt: Schema.Int })
const Operations = Schema.Array(Schema.Json)

/** A patch that keeps to the rules waits for its review. */
export const PatchProposed = Schema.Struct({
  type: Schema.Literal("PatchProposed"),
  ...head,
  id: Schema.String,
  base: Schema.Int,
  operations: Operations,
  growth: Growth,
  reason: Schema.optionalKey(Schema.String),
  by: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(author),
  dueAt: Schema.optionalKey(Schema.Int)
})

/**
 * The plan is `revision` from here on: the one before, and the operations. `hash` is the address of the patched document.
 * `live` holds, for every settled node whose outgoing edges have changed, the ordinals of those that are live.
 */
export const PlanPatched = Schema.Struct({
  type: Schema.Literal("PlanPatched"),
  ...head,
  id: Schema.String,
  base: Schema.Int,
  revision: Schema.Int,
  hash: Schema.String,
  operations: Operations,
  live: Schema.optionalKey(Schema.Array(Schema.Tuple([Schema.String, Schema.Array(Schema.Int)]))),
  reason: Schema.optionalKey(Schema.String),
  by: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(author),
  /** Who approved it, when it was in review. */
  approvedBy: Schema.optionalKey(Schema.String),
  comment: Schema.optionalKey(Schema.String),
  /** The patch that this one takes back. */
  reverts: Schema.optionalKey(Schema.String),
  warnings: Schema.optionalKey(Schema.Array(Schema.Struct({ code: Schema.String, message: Schema.String })))
})

/** The patch in review does not come into the plan; the plan is as it was. */
export const PatchRejected = Schema.Struct({
  type: Schema.Literal("PatchRejected"),
  ...head,
  id: Schema.String,
  /** `void`: approved, but the run had moved on and the rules no longer held. */
  cause: Schema.Literals(["rejected", "expired", "void"]),
  by: Schema.optionalKey(Schema.String),
  comment: Schema.optionalKey(Schema.String)
})
