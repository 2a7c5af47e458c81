/** A run made from another one: what it was made from, and which of its steps it keeps (SEMANTICS 8.11e). */
import * as Schema from "effect/Schema"
import { StepError } from "./StepError.ts"
import { Value } from "./Value.ts"

/** Steps listed in one event; a run that keeps more says so in several. */
export const reusedStepsMax = 1000

/** Where a run comes from: the source run, the sequence of the last event of it that counts, and how it was asked for. */
export const Lineage = Schema.Struct({
  run: Schema.String,
  seq: Schema.Int,
  kind: Schema.Literals(["retry", "fork"])
})
export type Lineage = typeof Lineage.Type

/**
 * A step that keeps what it came to in the source: its output by reference, its edges as they were decided. Without a
 * status it succeeded. Its usage stays with the source: the ledger of the new run is fresh.
 */
export const ReusedStep = Schema.Struct({
  path: Schema.String,
  attempt: Schema.Int,
  status: Schema.optionalKey(Schema.Literals(["failed", "skipped"])),
  output: Schema.optionalKey(Value),
  outcome: Schema.optionalKey(Schema.String),
  agent: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(StepError),
  /** Succeeded only by its fallback. */
  synthetic: Schema.optionalKey(Schema.Boolean),
  /** Ordinals of the outgoing edges that are live. */
  live: Schema.optionalKey(Schema.Array(Schema.Int))
})
export type ReusedStep = typeof ReusedStep.Type

/** A map that goes on with the list it had; those of its items that are kept are listed as steps. */
export const ReusedMap = Schema.Struct({ path: Schema.String, count: Schema.Int, items: Value })
export type ReusedMap = typeof ReusedMap.Type

/** A step that an operator wants to run again, with what is changed about it: no result that is there already serves it. */
export const ChangedStep = Schema.Struct({ path: Schema.String, modifications: Schema.optionalKey(Value) })
export type ChangedStep = typeof ChangedStep.Type

const Warnings = Schema.Array(Schema.Struct({ code: Schema.String, message: Schema.String }))

/**
 * Steps taken over from the source. Nodes come before maps and their items; `guarded` are steps whose irreversible call the
 * source had started: they wait for a person before they run. `started` are all steps whose irreversible call the source, or a
 * run that it was made from, had started: whoever makes another run of this one has to know.
 */
export const StepsReused = Schema.Struct({
  type: Schema.Literal("StepsReused"),
  v: Schema.Literal(1),
  at: Schema.Int,
  steps: Schema.Array(ReusedStep),
  maps: Schema.optionalKey(Schema.Array(ReusedMap)),
  /** Maps whose kept items have all been listed: what is left of them is ready. */
  opened: Schema.optionalKey(Schema.Array(Schema.String)),
  guarded: Schema.optionalKey(Schema.Array(Schema.String)),
  started: Schema.optionalKey(Schema.Array(Schema.String)),
  changes: Schema.optionalKey(Schema.Array(ChangedStep)),
  warnings: Schema.optionalKey(Warnings)
})

/** What `CreateRun` says about a run that is made from another. `undecided`: edges the source never decided. */
export const Reuse = Schema.Struct({
  lineage: Lineage,
  steps: Schema.Array(Schema.Struct({ ...ReusedStep.fields, undecided: Schema.optionalKey(Schema.Array(Schema.Int)) })),
  maps: Schema.Array(ReusedMap),
  guarded: Schema.Array(Schema.String),
  started: Schema.optionalKey(Schema.Array(Schema.String)),
  changes: Schema.Array(ChangedStep),
  warnings: Warnings,
  /** Why it is made, in the words of whoever makes it. */
  note: Schema.optionalKey(Schema.String)
})
export type Reuse = typeof Reuse.Type
