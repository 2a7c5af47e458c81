/**
 * What is asked of a run. Ids and time come inside the command, so that `decide` is pure.
 * `at` is milliseconds since 1970 on the store's clock.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Amounts } from "./Amounts.ts"
import { Question } from "./Approval.ts"
import { ParentLink } from "./Child.ts"
import { DecideApproval } from "./CommandApproval.ts"
import { EndChild } from "./CommandChild.ts"
import { GiveUpDelivery } from "./CommandDelivery.ts"
import { AskAllotment, RaiseBudget, ReportUsage, ReserveTurn } from "./CommandLedger.ts"
import { CheckStall, ResolveStep } from "./CommandOperator.ts"
import { DecidePatch, ProposePatch, RevertPatch } from "./CommandPatch.ts"
import { at as time } from "./CommandTime.ts"
import { EndCall, RecordTurn } from "./CommandTurn.ts"
import { Reuse } from "./EventReuse.ts"
import * as JsonBounds from "./JsonBounds.ts"
import { Terms } from "./Ledger.ts"
import { TakePlace } from "./Place.ts"
import { Problem } from "./Problem.ts"
import { ReceiptNote } from "./Receipt.ts"
import { StepError } from "./StepError.ts"
import { TraceLink } from "./Trace.ts"
import { Usage } from "./Usage.ts"
import { Value } from "./Value.ts"

const at = { at: time }
const by = { by: Schema.optionalKey(Schema.String) }

export const CreateRun = Schema.Struct({
  type: Schema.Literal("CreateRun"),
  ...at,
  ...by,
  run: Schema.String,
  flow: Schema.Struct({ name: Schema.String, version: Schema.String, hash: Schema.String }),
  input: Value,
  tags: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  agents: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  ledger: Schema.optionalKey(Terms),
  /** What the run keeps of the one it is made from. */
  reuse: Schema.optionalKey(Reuse),
  parent: Schema.optionalKey(ParentLink),
  trace: Schema.optionalKey(TraceLink)
})

/** A worker's answer to one attempt. */
export const CompleteStep = Schema.Struct({
  type: Schema.Literal("CompleteStep"),
  ...at,
  path: Schema.String,
  attempt: Schema.Int,
  startedAt: Schema.optionalKey(Schema.Int),
  usage: Schema.optionalKey(Usage),
  warnings: Schema.optionalKey(Schema.Array(Schema.Struct({ code: Schema.String, message: Schema.String }))),
  outcome: Schema.Union([
    Schema.Struct({
      ok: Schema.Literal(true),
      output: Value,
      agent: Schema.optionalKey(Schema.String),
      receipt: Schema.optionalKey(ReceiptNote)
    }),
    Schema.Struct({ ok: Schema.Literal(false), error: StepError }),
    /** The attempt was told to stop and did; `begun: false` says that no worker had begun it. */
    Schema.Struct({ ok: Schema.Literal("interrupted"), begun: Schema.optionalKey(Schema.Boolean) }),
    /** Its next turn could not be reserved: the step waits, and the same attempt is offered again. */
    Schema.Struct({ ok: Schema.Literal("unfunded"), need: Amounts, unpriced: Schema.optionalKey(Schema.String) }),
    /** The attempt has ended with a question to a person: the step waits, and goes on with the answer. */
    Schema.Struct({ ok: Schema.Literal("asks"), question: Question })
  ])
})

/** A timer of the run is due. `n` is the attempt it was set for; a stale firing yields no event. */
export const FireTimer = Schema.Struct({
  type: Schema.Literal("FireTimer"),
  ...at,
  kind: Schema.Literals(["retry", "wait", "timeout", "deadline", "grace", "rate", "patch"]),
  path: Schema.String,
  n: Schema.Int
})

export const StartCall = Schema.Struct({
  type: Schema.Literal("StartCall"),
  ...at,
  path: Schema.String,
  attempt: Schema.Int,
  key: Schema.String,
  /** The tool of an agent that is called; absent when the attempt itself is the call. */
  tool: Schema.optionalKey(Schema.String),
  ordinal: Schema.optionalKey(Schema.Int)
})

export const SendEvent = Schema.Struct({
  type: Schema.Literal("SendEvent"),
  ...at,
  ...by,
  id: Schema.String,
  name: Schema.String,
  data: Value
})

/** A pause of the run itself and one that comes from its `parent` are lifted apart. */
const fromParent = { parent: Schema.optionalKey(Schema.Literal(true)) }
export const PauseRun = Schema.Struct({ type: Schema.Literal("PauseRun"), ...at, ...by, ...fromParent })
export const ResumeRun = Schema.Struct({ type: Schema.Literal("ResumeRun"), ...at, ...by, ...fromParent })
export const CancelRun = Schema.Struct({
  type: Schema.Literal("CancelRun"),
  ...at,
  ...by,
  reason: Schema.optionalKey(Schema.String)
})

/**
 * A session takes the run over. `orderly`: the one before gave it up itself, so that its open deliveries do not count as
 * lost.
 */
export const AdoptRun = Schema.Struct({
  type: Schema.Literal("AdoptRun"),
  ...at,
  session: Schema.String,
  epoch: Schema.Int,
  orderly: Schema.optionalKey(Schema.Boolean)
})

/**
 * A delivery of this attempt was lost (its lease expired); the third fails the step. `orderly`: its worker has stopped and
 * interrupted it, which is no loss; only what it had set aside counts as spent, since nobody knows what it has used.
 */
export const LoseDelivery = Schema.Struct({
  type: Schema.Literal("LoseDelivery"),
  ...at,
  path: Schema.String,
  attempt: Schema.Int,
  orderly: Schema.optionalKey(Schema.Boolean),
  startedAt: Schema.optionalKey(Schema.Int)
})

export const AddNote = Schema.Struct({ type: Schema.Literal("AddNote"), ...at, ...by, text: Schema.String })

export const Command = Schema.Union([
  ProposePatch,
  DecidePatch,
  RevertPatch,
  CreateRun,
  CompleteStep,
  FireTimer,
  StartCall,
  RecordTurn,
  EndCall,
  SendEvent,
  PauseRun,
  ResumeRun,
  CancelRun,
  AdoptRun,
  LoseDelivery,
  ResolveStep,
  CheckStall,
  TakePlace,
  DecideApproval,
  EndChild,
  ReserveTurn,
  RaiseBudget,
  ReportUsage,
  AskAllotment,
  GiveUpDelivery,
  AddNote
])
export type Command = typeof Command.Type

const decodeShape = Schema.decodeUnknownOption(Command)

/** A command that came from outside; none when it is anything else. Never throws: what is checked first is bounded. */
export const decode = (value: unknown): Option.Option<Command> =>
  JsonBounds.check(value) === undefined ? decodeShape(value) : Option.none()

/** Why a command changes nothing. `code` is stable; `message` says what to do; `problems` say where. */
export const Refusal = Schema.Struct({
  code: Schema.String,
  message: Schema.String,
  problems: Schema.optionalKey(Schema.Array(Problem))
})
export type Refusal = typeof Refusal.Type
