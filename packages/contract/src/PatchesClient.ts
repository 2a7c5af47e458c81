/**
 * Patches of running plans, as a program may ask for them: propose, look at, decide, take back (SEMANTICS 8.9).
 *
 * A patch is named by its id (`pat_…`), a unique beginning of it, or its number in the run. Refusals are `ClientError`s with
 * a stable `PATCH_…` code and, where the patch itself is wrong, one problem per fault with a pointer into the patch.
 */
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.Union([schema, Schema.Null])
const Names = Schema.Array(Schema.String)

/** What it does, by nodes and edges; edges are told as `from → to`. */
export const PatchSummary = Schema.Struct({
  added: Names,
  removed: Names,
  changed: Names,
  edgesAdded: Names,
  edgesRemoved: Names
})
export type PatchSummary = typeof PatchSummary.Type

export const PatchDocument = Schema.Struct({
  schema: Schema.Literal("baton.patch/1"),
  id: Schema.String,
  run: Schema.String,
  /** 1, 2, 3 … in the run. */
  n: Schema.Int,
  status: Schema.Literals(["review", "applied", "reverted", "rejected", "void"]),
  /** The revision it was made for, and the one it made. */
  base: Schema.Int,
  revision: nullable(Schema.Int),
  /** Address of the plan it made. */
  hash: nullable(Schema.String),
  /** The person, or the step whose agent proposed it. */
  by: nullable(Schema.String),
  step: nullable(Schema.String),
  reason: nullable(Schema.String),
  reverts: nullable(Schema.String),
  proposedAt: Schema.String,
  dueAt: nullable(Schema.String),
  decidedBy: nullable(Schema.String),
  comment: nullable(Schema.String),
  summary: PatchSummary,
  /** New names of every kind, and what it may cost at worst; null in a price is unknown, not zero. */
  growth: Schema.Json,
  operations: Schema.Array(Schema.Json)
}).annotate({ identifier: "Patch" })
export type PatchDocument = typeof PatchDocument.Type

/** A patch with the plan before and after it, as canonical documents. */
export interface PatchView {
  readonly patch: PatchDocument
  readonly before: Json
  readonly after: Json
}

/** The plan of a run as it is now: the canonical document with its revision. */
export interface PlanDocument {
  readonly run: string
  readonly revision: number
  readonly hash: string
  readonly flow: Json
  /** Status of every node, by id. */
  readonly nodes: { readonly [id: string]: string }
}

/** Which patch: its run may be left out where the id says enough. */
export interface PatchRef {
  readonly patch: string
  readonly run?: string
}

export interface ProposedPatch {
  readonly operations: Json
  /** The revision it was made for; absent: the one the plan is at when it is read. */
  readonly base?: number
  readonly reason?: string
  /** Id of the patch; absent: a new one. */
  readonly id?: string
}

export class PatchesClient extends Context.Service<PatchesClient, {
  readonly plan: (run: string) => Effect.Effect<PlanDocument, ClientError>
  /** Answers when the patch is durable. */
  readonly propose: (run: string, patch: ProposedPatch) => Effect.Effect<PatchView, ClientError>
  /** What would become of it; nothing changes. */
  readonly rehearse: (run: string, patch: ProposedPatch) => Effect.Effect<PatchView, ClientError>
  /** The patches of a run, in order; without a run, those of all runs that wait for a review. */
  readonly list: (run: string | undefined) => Effect.Effect<ReadonlyArray<PatchDocument>, ClientError>
  readonly show: (ref: PatchRef) => Effect.Effect<PatchView, ClientError>
  /** The patch after the decision: a patch that no longer fits the run is `void` even when it was approved. */
  readonly decide: (
    ref: PatchRef,
    action: "approve" | "reject",
    options: { readonly comment?: string; readonly by?: string; readonly groups?: ReadonlyArray<string> }
  ) => Effect.Effect<PatchView, ClientError>
  /** The inverse patch. */
  readonly revert: (ref: PatchRef, reason: string | undefined) => Effect.Effect<PatchView, ClientError>
}>()("baton/contract/PatchesClient") {}
