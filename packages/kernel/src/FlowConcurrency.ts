/** `limits.concurrency` of a flow: how many of its runs may be under way at once (docs/semantics.md 8.18). */
import * as Schema from "effect/Schema"

/** Runs of one key that may hold a place at once, at most. */
export const placesMax = 10_000
/** UTF-16 units of a key's value. */
export const keyLengthMax = 200

export const WhenFull = Schema.Literals(["queue", "refuse"])
export type WhenFull = typeof WhenFull.Type

export const Concurrency = Schema.Struct({
  /** Text, or an expression over `input` and `run`, asked once when a run is created: runs of one value count together. */
  key: Schema.String,
  /** Runs of one value that may be under way at once: 1 to {@link placesMax}. */
  max: Schema.Int,
  /** What becomes of one more: `queue` (default) keeps it until a place is free · `refuse` does not create it. */
  whenFull: Schema.optionalKey(WhenFull)
}).annotate({ identifier: "Concurrency" })
export type Concurrency = typeof Concurrency.Type
