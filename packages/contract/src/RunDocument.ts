/** A run as JSON: the same document on the command line and over HTTP. Times are RFC 3339 UTC text. */
import { Budget } from "@baton/kernel/Amounts"
import { ParentLink } from "@baton/kernel/Child"
import { Lineage } from "@baton/kernel/EventReuse"
import { ReceiptNote } from "@baton/kernel/Receipt"
import { StepError } from "@baton/kernel/StepError"
import { Usage } from "@baton/kernel/Usage"
import * as Schema from "effect/Schema"

export const RunStatus = Schema.Literals([
  "pending",
  "planning",
  "running",
  "waiting",
  "succeeded",
  "warned",
  "failed",
  "cancelled"
])
export type RunStatus = typeof RunStatus.Type
export const ended: ReadonlySet<RunStatus> = new Set(["succeeded", "warned", "failed", "cancelled"])

export const StepStatus = Schema.Literals([
  "pending",
  "queued",
  "running",
  "waiting",
  "retrying",
  "succeeded",
  "failed",
  "skipped",
  "cancelled",
  "reused"
])
export type StepStatus = typeof StepStatus.Type

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.Union([schema, Schema.Null])

export const StepDocument = Schema.Struct({
  path: Schema.String,
  node: Schema.String,
  type: Schema.String,
  status: StepStatus,
  attempt: Schema.Int,
  startedAt: nullable(Schema.String),
  endedAt: nullable(Schema.String),
  /** The output's JSON, or `{ "$ref": "sha256:…", "bytes": n }` when it is kept as a blob. */
  output: Schema.Json,
  error: nullable(StepError),
  usage: nullable(Usage),
  /** The run that the last attempt of a step that calls a flow has started. */
  childRun: Schema.optionalKey(Schema.String),
  /** Of a step that waits: why, and what ends it; the reasons are those of `explain`. */
  waitsFor: Schema.optionalKey(Schema.Struct({
    reason: Schema.String,
    message: Schema.String,
    door: Schema.String,
    data: Schema.Record(Schema.String, Schema.Json)
  })),
  /** What the step says about its receipt: why its result was used again, or what has changed; where it asks for one. */
  receipt: Schema.optionalKey(ReceiptNote)
}).annotate({ identifier: "Step" })
export type StepDocument = typeof StepDocument.Type

export const Warning = Schema.Struct({ code: Schema.String, message: Schema.String })

export const RunDocument = Schema.Struct({
  schema: Schema.Literal("baton.run/1"),
  id: Schema.String,
  flow: Schema.String,
  version: Schema.String,
  revision: Schema.Int,
  status: RunStatus,
  /** One sentence: why it ended as it did, or why it is not finished. */
  reason: Schema.String,
  /** A stable code for the reason, such as `SUCCEEDED`, `AGENT_TIMEOUT`, `CANCELLED`. */
  code: Schema.String,
  input: Schema.Json,
  output: Schema.Json,
  error: nullable(
    Schema.Struct({ code: Schema.String, message: Schema.String, path: Schema.optionalKey(Schema.String) })
  ),
  warnings: Schema.Array(Warning),
  tags: Schema.Record(Schema.String, Schema.String),
  /** The run that started it, and the attempt that waits for it; absent for a run that nobody's step has started. */
  parent: Schema.optionalKey(ParentLink),
  startedAt: Schema.String,
  endedAt: nullable(Schema.String),
  seq: Schema.Int,
  /** The run that this one was made from, as of event `seq` of it. */
  lineage: Schema.optionalKey(Lineage),
  steps: Schema.Array(StepDocument),
  /** All steps, listed or not: long lists are cut at 1,000 and paged by `steps`. */
  stepsTotal: Schema.Int,
  metrics: Schema.Struct({
    totalTimeMs: Schema.Int,
    /** Milliseconds by step path, listed steps only. */
    stepTimesMs: Schema.Record(Schema.String, Schema.Int),
    /** Sum of step times / total time × 100; 0 when the total is 0. */
    parallelEfficiency: Schema.Number,
    tokensTotal: Schema.Int,
    /** Null when the price of a used model is unknown. */
    costUsd: nullable(Schema.Number),
    /** Some of it is a guess, because an attempt was lost or did not say what it used. */
    estimated: Schema.Boolean,
    /** What running steps have set aside; null in a run without a budget. */
    reserved: nullable(Budget),
    /** The limits as they stand; null: none. */
    budget: nullable(Budget),
    stepsSucceeded: Schema.Int,
    stepsFailed: Schema.Int
  })
}).annotate({ identifier: "Run" })
export type RunDocument = typeof RunDocument.Type

/** One line of `runs list`. */
export const RunListItem = Schema.Struct({
  id: Schema.String,
  flow: Schema.String,
  version: Schema.String,
  status: RunStatus,
  code: nullable(Schema.String),
  reason: nullable(Schema.String),
  startedAt: Schema.String,
  endedAt: nullable(Schema.String),
  seq: Schema.Int,
  tags: Schema.Record(Schema.String, Schema.String),
  parent: Schema.optionalKey(ParentLink)
})
export type RunListItem = typeof RunListItem.Type

/** A reason why a run or step is not finished, with its door: what would end the wait (K12). */
export const Reason = Schema.Struct({
  reason: Schema.String,
  path: nullable(Schema.String),
  message: Schema.String,
  door: Schema.String,
  data: Schema.Record(Schema.String, Schema.Json)
})
export type Reason = typeof Reason.Type
