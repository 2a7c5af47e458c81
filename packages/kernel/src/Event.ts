/**
 * What happened in a run. The journal is the ordered list of these events and the only truth (SEMANTICS 8.1).
 *
 * An event's `(type, v)` never changes its meaning; a program that meets one it does not know seals the run.
 * Times are milliseconds since 1970, given by the store's clock and carried in the command that caused the event.
 */
import * as Schema from "effect/Schema"
import { Amounts } from "./Amounts.ts"
import { ParentLink } from "./Child.ts"
import { ApprovalDecided, ApprovalVoted } from "./EventApproval.ts"
import { ChildStopping } from "./EventChild.ts"
import { DeliveryGivenUp } from "./EventDelivery.ts"
import {
  AllotmentGranted,
  BudgetRaised,
  OverrunRecorded,
  PriceMissing,
  ReservationsRenewed,
  Reserved,
  StepsUnfunded,
  TurnReserved,
  UsageLate
} from "./EventLedger.ts"
import { StepReopened } from "./EventOperator.ts"
import { PatchProposed, PatchRejected, PlanPatched } from "./EventPatch.ts"
import { TurnOpened } from "./EventRepeat.ts"
import { Lineage, StepsReused } from "./EventReuse.ts"
import { RunStalled } from "./EventStall.ts"
import { CallEnded, TurnRecorded } from "./EventTurn.ts"
import { Terms } from "./Ledger.ts"
import { PlaceTaken, PlaceTerms } from "./Place.ts"
import { ReceiptNote } from "./Receipt.ts"
import { StepError } from "./StepError.ts"
import { TraceLink } from "./Trace.ts"
import { Usage } from "./Usage.ts"
import { Value } from "./Value.ts"
import { Wait } from "./Wait.ts"

/** The meaning of events and of the rules that make them; a run keeps the number it was created with. */
export const semantics = 1

const Path = Schema.String
const at = { at: Schema.Int }
const v1 = { v: Schema.Literal(1) }

export const RunCreated = Schema.Struct({
  type: Schema.Literal("RunCreated"),
  ...v1,
  ...at,
  semantics: Schema.Int,
  run: Schema.String,
  flow: Schema.Struct({ name: Schema.String, version: Schema.String, hash: Schema.String }),
  input: Value,
  deadlineAt: Schema.optionalKey(Schema.Int),
  by: Schema.optionalKey(Schema.String),
  tags: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** Agent names of the flow bound to other agents for this run. */
  agents: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** The run's budget and the prices it was started with; absent: nothing is limited. */
  ledger: Schema.optionalKey(Terms),
  /** The run that this one was made from, by a retry or a fork. */
  lineage: Schema.optionalKey(Lineage),
  parent: Schema.optionalKey(ParentLink),
  /** The trace that its creator was part of; absent: it begins one of its own. */
  trace: Schema.optionalKey(TraceLink),
  /** The run needs a place among the runs of this key before it starts. */
  concurrency: Schema.optionalKey(PlaceTerms)
})

/** The commit that finds a step ready and a slot free offers it: from here on it must be in a worker's queue. */
export const StepsDispatched = Schema.Struct({
  type: Schema.Literal("StepsDispatched"),
  ...v1,
  ...at,
  /** `[path, attempt]`, each attempt numbered from 1. A map's own path means its gather. */
  steps: Schema.Array(Schema.Tuple([Path, Schema.Int])),
  /** What each of them sets aside, by path; absent in a run without a budget. */
  reserved: Schema.optionalKey(Reserved)
})

/** `live` lists the ordinals of the step's outgoing edges that are live; all others are dead. */
const edges = { live: Schema.optionalKey(Schema.Array(Schema.Int)) }
/** The person who settled the step in place of its own answer, and what they had to say about it. */
const operator = { by: Schema.optionalKey(Schema.String), note: Schema.optionalKey(Schema.String) }
const warnings = {
  warnings: Schema.optionalKey(Schema.Array(Schema.Struct({ code: Schema.String, message: Schema.String })))
}

export const StepSucceeded = Schema.Struct({
  type: Schema.Literal("StepSucceeded"),
  ...v1,
  ...at,
  path: Path,
  attempt: Schema.Int,
  output: Value,
  /** What edges say `on: OUTCOME` about: a choice's name, `approved`, `rejected`. */
  outcome: Schema.optionalKey(Schema.String),
  /** Which agent of a list answered. */
  agent: Schema.optionalKey(Schema.String),
  startedAt: Schema.optionalKey(Schema.Int),
  usage: Schema.optionalKey(Usage),
  /** All that a child run has spent. */
  spent: Schema.optionalKey(Amounts),
  ...operator,
  /** What the step says about its receipt, where it asks for one. */
  receipt: Schema.optionalKey(ReceiptNote),
  ...edges,
  ...warnings
})

/**
 * The step has used up its retries. `handled` says what took the failure: an `on: failure` edge, `continue` (output null),
 * `fallback` (settles succeeded, marked synthetic), or nothing, which closes the run.
 */
export const StepFailed = Schema.Struct({
  type: Schema.Literal("StepFailed"),
  ...v1,
  ...at,
  path: Path,
  attempt: Schema.Int,
  error: StepError,
  handled: Schema.Literals(["edge", "continue", "fallback", "item", "none"]),
  /** The fallback's value, or the partial output of a map. */
  output: Schema.optionalKey(Value),
  startedAt: Schema.optionalKey(Schema.Int),
  usage: Schema.optionalKey(Usage),
  /** All that a child run has spent. */
  spent: Schema.optionalKey(Amounts),
  ...operator,
  ...edges,
  ...warnings
})

/** A failed attempt will be followed by another one at `dueAt`. */
export const StepRetryScheduled = Schema.Struct({
  type: Schema.Literal("StepRetryScheduled"),
  ...v1,
  ...at,
  path: Path,
  attempt: Schema.Int,
  error: StepError,
  dueAt: Schema.Int,
  startedAt: Schema.optionalKey(Schema.Int),
  usage: Schema.optionalKey(Usage),
  /** All that a child run has spent. */
  spent: Schema.optionalKey(Amounts)
})

/** The back-off of one or more steps is over: they are ready again. */
export const StepsReady = Schema.Struct({
  type: Schema.Literal("StepsReady"),
  ...v1,
  ...at,
  paths: Schema.Array(Path)
})

/** The step holds no worker and waits for a time, an event, or an operator. */
export const StepWaiting = Schema.Struct({
  type: Schema.Literal("StepWaiting"),
  ...v1,
  ...at,
  path: Path,
  attempt: Schema.Int,
  wait: Wait,
  /** What a child run is given of the budget. */
  reserved: Schema.optionalKey(Amounts),
  startedAt: Schema.optionalKey(Schema.Int),
  /** What the attempt that ends in this wait has used. */
  usage: Schema.optionalKey(Usage)
})

/** Joins that can no longer be met, and everything behind them: one event for the whole cascade. */
export const StepsSkipped = Schema.Struct({
  type: Schema.Literal("StepsSkipped"),
  ...v1,
  ...at,
  nodes: Schema.Array(Schema.String),
  reason: Schema.Literals(["dead_path", "when"])
})

export const MapExpanded = Schema.Struct({
  type: Schema.Literal("MapExpanded"),
  ...v1,
  ...at,
  path: Path,
  count: Schema.Int,
  items: Value
})

/** Failures passed what the map tolerates: running items finish, the rest is cancelled. */
export const MapStopped = Schema.Struct({
  type: Schema.Literal("MapStopped"),
  ...v1,
  ...at,
  path: Path,
  failed: Schema.Int,
  allowed: Schema.Int
})

/**
 * An irreversible call is about to be made under `key` (SEMANTICS 8.2d): the attempt itself or, with `tool`, the call
 * number `ordinal` of an agent's conversation.
 */
export const CallStarted = Schema.Struct({
  type: Schema.Literal("CallStarted"),
  ...v1,
  ...at,
  path: Path,
  attempt: Schema.Int,
  key: Schema.String,
  tool: Schema.optionalKey(Schema.String),
  ordinal: Schema.optionalKey(Schema.Int)
})

/** Something was sent to the run from outside; kept until a `wait` takes it. */
export const EventReceived = Schema.Struct({
  type: Schema.Literal("EventReceived"),
  ...v1,
  ...at,
  id: Schema.String,
  name: Schema.String,
  data: Value,
  by: Schema.optionalKey(Schema.String)
})

/** `parent`: not this run itself, but the one that started it, was paused or resumed. */
export const RunPaused = Schema.Struct({
  type: Schema.Literal("RunPaused"),
  ...v1,
  ...at,
  by: Schema.optionalKey(Schema.String),
  parent: Schema.optionalKey(Schema.Literal(true))
})
export const RunResumed = Schema.Struct({
  type: Schema.Literal("RunResumed"),
  ...v1,
  ...at,
  by: Schema.optionalKey(Schema.String),
  parent: Schema.optionalKey(Schema.Literal(true))
})

/**
 * The run closes, one way. Every step without an offered attempt is cancelled by this event, except, after a failure,
 * the targets of `on: always` edges (SEMANTICS 8.5b).
 */
export const RunClosing = Schema.Struct({
  type: Schema.Literal("RunClosing"),
  ...v1,
  ...at,
  cause: Schema.Literals(["failure", "cancel", "deadline"]),
  code: Schema.String,
  message: Schema.String,
  path: Schema.optionalKey(Path),
  by: Schema.optionalKey(Schema.String)
})

/** Steps settled by closing: told to stop, or given up after the grace time. */
export const StepsCancelled = Schema.Struct({
  type: Schema.Literal("StepsCancelled"),
  ...v1,
  ...at,
  paths: Schema.Array(Path),
  /** No worker had begun any of them: they have used nothing. */
  idle: Schema.optionalKey(Schema.Boolean),
  /** What children of them have spent, by path. */
  spent: Schema.optionalKey(Reserved)
})

export const RunFinished = Schema.Struct({
  type: Schema.Literal("RunFinished"),
  ...v1,
  ...at,
  status: Schema.Literals(["succeeded", "warned", "failed", "cancelled"]),
  code: Schema.String,
  message: Schema.String,
  output: Schema.optionalKey(Value),
  ...warnings
})

/**
 * Another session took the run over. `lost` are the steps that were offered and never answered: each is offered again as
 * the same attempt; the third loss of one attempt fails it as poison (SEMANTICS 8.2b).
 */
export const RunAdopted = Schema.Struct({
  type: Schema.Literal("RunAdopted"),
  ...v1,
  ...at,
  session: Schema.String,
  epoch: Schema.Int,
  lost: Schema.Array(Path)
})

/** The lease of an offered attempt expired; it is offered again as the same attempt. */
export const DeliveryLost = Schema.Struct({
  type: Schema.Literal("DeliveryLost"),
  ...v1,
  ...at,
  path: Path,
  attempt: Schema.Int,
  /** The worker stopped in order and interrupted it: its money counts as spent, and nothing counts towards poison. */
  orderly: Schema.optionalKey(Schema.Boolean),
  startedAt: Schema.optionalKey(Schema.Int)
})

/** An annotation: annotations are the only events that a finished run takes (K5). */
export const NoteAdded = Schema.Struct({
  type: Schema.Literal("NoteAdded"),
  ...v1,
  ...at,
  text: Schema.String,
  by: Schema.optionalKey(Schema.String)
})

export const Event = Schema.Union([
  PatchProposed,
  PlanPatched,
  PatchRejected,
  RunCreated,
  StepsDispatched,
  StepSucceeded,
  StepFailed,
  StepRetryScheduled,
  StepsReady,
  StepWaiting,
  StepsSkipped,
  MapExpanded,
  MapStopped,
  TurnOpened,
  ChildStopping,
  CallStarted,
  CallEnded,
  TurnRecorded,
  EventReceived,
  RunPaused,
  RunResumed,
  RunClosing,
  StepsCancelled,
  RunFinished,
  RunAdopted,
  DeliveryLost,
  StepReopened,
  StepsUnfunded,
  TurnReserved,
  ReservationsRenewed,
  BudgetRaised,
  UsageLate,
  OverrunRecorded,
  PriceMissing,
  AllotmentGranted,
  StepsReused,
  RunStalled,
  PlaceTaken,
  ApprovalVoted,
  ApprovalDecided,
  DeliveryGivenUp,
  NoteAdded
])
export type Event = typeof Event.Type
export type EventType = Event["type"]
