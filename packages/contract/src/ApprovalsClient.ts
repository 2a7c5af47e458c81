/**
 * What waits for people, as a program may ask about it and decide it: approvals, checkpoints behind a step's answer, and
 * questions of agents. Lists also show what waits for an operator.
 *
 * A target is an approval's id, a run (which waits for exactly one decision), or a run and a step path. Refusals:
 * `not_found` (`APPROVAL_NOT_FOUND`), `conflict` (`ALREADY_DECIDED` with who decided what and when, `EXPIRED`,
 * `APPROVAL_CHANGED`, `APPROVAL_VOID`, `ALREADY_VOTED`, `APPROVAL_AMBIGUOUS`), `denied` (`NOT_AN_APPROVER`,
 * `REQUESTER_MAY_NOT_APPROVE`), `invalid` (`DECISION_INVALID`, `FORM_INVALID`, `MODIFICATIONS_INVALID`). A refused
 * decision changes nothing.
 */
import type { DoorKind } from "@baton/kernel/Doors"
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.Union([schema, Schema.Null])

/** One line of `approvals list`. Times are RFC 3339 UTC text. */
export const ApprovalItem = Schema.Struct({
  id: Schema.String,
  /** `approval`, `checkpoint`, `question`, `operator`, `unknown_outcome`, `patch` or `budget`. */
  kind: Schema.String,
  run: Schema.String,
  flow: Schema.String,
  path: Schema.String,
  title: Schema.String,
  since: Schema.String,
  dueAt: nullable(Schema.String),
  closedAt: nullable(Schema.String),
  /** The command that decides it. */
  door: Schema.String,
  data: Schema.Record(Schema.String, Schema.Json)
})
export type ApprovalItem = typeof ApprovalItem.Type

export const ApprovalDocument = Schema.Struct({
  schema: Schema.Literal("baton.approval/1"),
  id: Schema.String,
  run: Schema.String,
  flow: Schema.String,
  path: Schema.String,
  attempt: Schema.Int,
  ask: Schema.Literals(["approval", "checkpoint", "question"]),
  /** `void`: the step or its run ended before anybody decided. */
  status: Schema.Literals(["open", "decided", "void"]),
  /** What may be decided: words such as `approve` and `retry`, and names of options. */
  decisions: Schema.Array(Schema.String),
  question: Schema.Json,
  options: Schema.Json,
  form: Schema.Json,
  input: Schema.Json,
  /** Of a checkpoint: what the step has answered. */
  output: Schema.Json,
  /** Null: everybody. */
  approvers: nullable(Schema.Array(Schema.String)),
  quorum: Schema.Int,
  requester: nullable(Schema.String),
  requesterMayApprove: Schema.Boolean,
  votes: Schema.Array(Schema.Struct({
    by: Schema.String,
    at: Schema.String,
    comment: nullable(Schema.String)
  })),
  since: Schema.String,
  dueAt: nullable(Schema.String),
  onTimeout: Schema.Literals(["approve", "reject"]),
  /** What a decision may be bound to. */
  hash: Schema.String,
  decision: nullable(Schema.Struct({
    decision: Schema.String,
    cause: Schema.Literals(["decision", "timeout"]),
    by: nullable(Schema.String),
    at: Schema.String,
    comment: nullable(Schema.String)
  })),
  /** The command that lets the run go on, where no living process executes it. */
  resume: nullable(Schema.String)
}).annotate({ identifier: "Approval" })
export type ApprovalDocument = typeof ApprovalDocument.Type

export interface Target {
  readonly target: string
  readonly step?: string
}

export interface Decision {
  /** `approve`, `reject`, `continue`, `retry`, `abort`, `answer`, or the name of an option. */
  readonly decision: string
  /** Who decides; the person at this machine when absent. */
  readonly by?: string
  readonly groups?: ReadonlyArray<string>
  readonly comment?: string
  readonly data?: Json
  /** A JSON Merge Patch (RFC 7396) on the step's input. */
  readonly modifications?: Json
  readonly hash?: string
}

export class ApprovalsClient extends Context.Service<ApprovalsClient, {
  /** Oldest first. */
  readonly list: (query: {
    readonly kinds?: ReadonlyArray<DoorKind>
    readonly run?: string
    /** Those that have closed too. */
    readonly closed?: boolean
    readonly after?: string
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<ApprovalItem>, ClientError>
  readonly show: (target: Target) => Effect.Effect<ApprovalDocument, ClientError>
  /** Answers when the decision is durable, with the approval as it is then. */
  readonly decide: (target: Target, decision: Decision) => Effect.Effect<ApprovalDocument, ClientError>
}>()("baton/contract/ApprovalsClient") {}
