/**
 * The journal, and everything that moves together with it.
 *
 * Promise. `commit` is atomic and durable per record: journal, summary, timers, dispatch rows, doors, blobs,
 * consumed commands and audit entries move together or not at all, guarded by the expected head and the owner. A lost guard drops that run's record
 * only; a store error fails the whole batch and nothing of it is written. When `commit` returns, an acknowledged record
 * survives power loss. Sequences are dense: a record holds events `seq … seq + n − 1`, and the next one starts after it.
 */
import type { ParentLink } from "@baton/kernel/Child"
import type { BlobRef, JsonObject } from "@baton/kernel/Value"
import type * as Array from "effect/Array"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AuditDraft } from "./AuditLog.ts"
import type { DeadLetter, LetterEnd, LetterExpectation, LetterFate, LetterQuery, StoredLetter } from "./DeadLetter.ts"
import type { PlaceChange, PlaceQuery, Places } from "./RunPlace.ts"
import type { AgedQuery, AgedRuns } from "./RunRemoval.ts"

export interface JournalRecord {
  /** Sequence of the record's first event, from 1. */
  readonly seq: number
  readonly n: number
  /** UTF-8 JSON: the array of the record's events, verbatim. */
  readonly bytes: Uint8Array
  /** SHA-256(previous record's hash ‖ bytes); the first record's previous hash is empty. */
  readonly hash: Uint8Array
}

/** What lists show without folding the journal. Rewritten only by commits that change it. */
export interface RunSummary {
  /** Name of the flow; the same in every summary of a run. */
  readonly flow: string
  readonly version: string
  /** Address of the canonical document the run was started with. */
  readonly flowHash: string
  readonly status: "pending" | "planning" | "running" | "waiting" | "succeeded" | "warned" | "failed" | "cancelled"
  readonly paused: boolean
  readonly code: string | undefined
  readonly reason: string | undefined
  readonly semantics: number
  readonly createdAt: number
  readonly endedAt: number | undefined
  readonly tags: { readonly [key: string]: string }
  /** The run that started it; the same in every summary of a run. Absent: nobody's child. */
  readonly parent?: ParentLink
  /** The run that it was made from, by a retry or a fork; the same in every summary of a run. */
  readonly madeFrom?: string
}

/** Statuses of a run that has ended. */
export const finishedStatuses = ["succeeded", "warned", "failed", "cancelled"] as const

export const isFinished = (summary: RunSummary): boolean => finishedStatuses.some((status) => status === summary.status)

export interface RunRow extends RunSummary {
  readonly tenant: string
  readonly run: string
  /** Sequence of the last event. */
  readonly head: number
  readonly hash: Uint8Array
  readonly owner: string | undefined
  readonly epoch: number
}

export interface TimerRow {
  readonly path: string
  readonly kind: string
  readonly n: number
  /** Milliseconds since 1970. */
  readonly due: number
}

export interface DispatchRow {
  readonly path: string
  readonly attempt: number
  /** The queue: the node type. */
  readonly type: string
}

/** What waits for a person: see the kernel's `Doors`. */
export interface DoorRow {
  /** The step; empty: the run itself. */
  readonly path: string
  readonly kind: string
  /** Unique in its tenant. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly since: number
  readonly dueAt: number | undefined
  readonly title: string
  readonly data: JsonObject
}

export interface OpenDoor extends DoorRow {
  readonly tenant: string
  readonly run: string
  readonly flow: string
  /** When it closed; a door that has closed stays until its run is removed. */
  readonly closedAt: number | undefined
}

export interface DoorQuery {
  readonly tenant: string
  readonly run?: string
  readonly id?: string
  readonly kinds?: ReadonlyArray<string>
  /** Those that have closed too. */
  readonly closed?: boolean
  /** Oldest first; a page starts after the door of this id. Empty when there is none. */
  readonly after?: string
  readonly limit: number
}

export interface Commit {
  readonly tenant: string
  readonly run: string
  /** Sequence of the run's last event as the decider saw it; 0 creates the run. */
  readonly expected: number
  /** Hash of the record before; empty when `expected` is 0. */
  readonly previous: Uint8Array
  /** Embedded: the session that must own the run (or will, when this creates it). */
  readonly owner: string | undefined
  readonly n: number
  readonly bytes: Uint8Array
  readonly at: number
  /** Present when what lists show has changed; always present on creation. */
  readonly summary?: RunSummary
  readonly timers?: {
    readonly set: ReadonlyArray<TimerRow>
    readonly clear: ReadonlyArray<{ path: string; kind: string }>
  }
  /** Only for stores whose `dispatchRows` is true. */
  readonly dispatches?: {
    readonly add: ReadonlyArray<DispatchRow>
    readonly remove: ReadonlyArray<{ path: string; attempt: number }>
  }
  /** Blobs that this record names and that are to be written with it; a blob already there is not written again. */
  readonly blobs?: ReadonlyArray<{ readonly ref: BlobRef; readonly bytes: Uint8Array }>
  /** Blobs this record names that must be there already; each gets a reference row. */
  readonly references?: ReadonlyArray<BlobRef>
  /** Addresses of the flow documents that a patch in this record has brought in: each is kept as long as the run. */
  readonly flows?: ReadonlyArray<string>
  /** Rows of `commands` that this record answers, with the answer. */
  readonly answered?: ReadonlyArray<{ readonly id: number; readonly answer: string }>
  readonly deadLetters?: ReadonlyArray<DeadLetter>
  /** Before `deadLetters` are added. */
  readonly lettersEnded?: ReadonlyArray<LetterEnd>
  /** Doors that this record opens or changes, and ids of those that it closes. */
  readonly doors?: { readonly set: ReadonlyArray<DoorRow>; readonly clear: ReadonlyArray<string> }
  /** What this record settles in the run's ledger. */
  readonly usage?: ReadonlyArray<UsageRow>
  /** What becomes of its place among the runs of its concurrency key; absent for a run that needs none. */
  readonly place?: PlaceChange
  /** Entries of the audit log about what this record does: in the log exactly when the record is in the journal. */
  readonly audit?: ReadonlyArray<AuditDraft>
}

/** What an attempt, or a turn of it, was settled at. A correction of a guess may be negative. */
export interface UsageRow {
  readonly path: string
  readonly node: string
  readonly attempt: number
  readonly at: number
  /** The agent as the flow names it, or its node. */
  readonly agent: string | undefined
  readonly model: string | undefined
  readonly calls: number
  readonly tokens: number
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly cachedTokens: number | undefined
  /** Billionths of a US dollar. */
  readonly nanoUsd: number
  /** Nobody knows the price: `nanoUsd` leaves it out. */
  readonly isUnpriced: boolean
  readonly isEstimated: boolean
}

export interface UsageQuery {
  readonly tenant: string
  readonly by: "flow" | "model" | "run" | "day" | "agent"
  /** Settled at or after, in milliseconds since 1970. */
  readonly since?: number
  readonly run?: string
  readonly flow?: string
  readonly limit: number
}

export interface UsageGroup {
  /** A flow, model, run, agent, or day (`2026-01-31`, UTC); empty where the rows do not say. */
  readonly key: string
  readonly runs: number
  readonly calls: number
  readonly tokens: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedTokens: number
  readonly nanoUsd: number
  /** Some of it has no known price. */
  readonly isUnpriced: boolean
  /** Some of it is, or was, a guess. */
  readonly isEstimated: boolean
}

export type CommitOutcome =
  | { readonly ok: true; readonly head: number; readonly hash: Uint8Array }
  /** `conflict`: the head is not `expected`; `not_owner`; `exists`: creation of a run that is there; `blob_missing`. */
  | { readonly ok: false; readonly reason: "conflict" | "not_owner" | "exists" | "blob_missing" }
  /** It takes a place, and no place of its key is free; some of the runs that hold them. */
  | { readonly ok: false; readonly reason: "full"; readonly holders: ReadonlyArray<string> }

export interface RunQuery {
  readonly tenant: string
  readonly status?: ReadonlyArray<RunSummary["status"]>
  readonly flow?: string
  /** Only runs that this run started. */
  readonly parent?: string
  /** Only runs that no run started. */
  readonly roots?: boolean
  /** Both exclusive. */
  readonly createdAfter?: number
  readonly createdBefore?: number
  /** Newest first; a page starts after this run id. Empty when that run is not there. */
  readonly after?: string
  readonly limit: number
}

export interface MoveQuery {
  /** Absent: of all tenants. */
  readonly tenant?: string
  /** A position of before; absent: only the position of now is asked. */
  readonly after?: number
  readonly limit: number
}

/** Runs that have moved. Positions are those of this store: they grow, and none is given twice. */
export interface Moves {
  /** From where to ask on. */
  readonly position: number
  /** One for each run whose last record comes after the position that was given, in the order of those records. */
  readonly moves: ReadonlyArray<{
    readonly tenant: string
    readonly run: string
    readonly head: number
    readonly position: number
  }>
}

export class RunStoreError extends Schema.TaggedError<RunStoreError>()("RunStoreError", {
  /**
   * `newer`: the store was written by a newer program; `corrupt`: bytes do not match their hash; `gone`: what this process
   * has open is no longer where it was, so what it would write nobody would find.
   */
  reason: Schema.Literals(["unavailable", "busy", "full", "read_only", "newer", "corrupt", "gone"]),
  message: Schema.String
}) {}

export class RunStore extends Context.Service<RunStore, {
  /** Whether this store keeps dispatch rows (shared stores) or leaves offered work to the owner's journal (embedded). */
  readonly dispatchRows: boolean
  /** One outcome per record, in order. A batch holds each run at most once. */
  readonly commit: (
    batch: Array.NonEmptyReadonlyArray<Commit>
  ) => Effect.Effect<ReadonlyArray<CommitOutcome>, RunStoreError>
  /** Records whose first event comes after `after`, oldest first, at most `limit`. */
  readonly records: (
    tenant: string,
    run: string,
    after: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<JournalRecord>, RunStoreError>
  readonly find: (tenant: string, run: string) => Effect.Effect<RunRow | undefined, RunStoreError>
  readonly list: (query: RunQuery) => Effect.Effect<ReadonlyArray<RunRow>, RunStoreError>
  /** Which runs have moved since, whoever moved them: who asks on from each answer's position misses no run's last move. */
  readonly moves: (query: MoveQuery) => Effect.Effect<Moves, RunStoreError>
  /** Timers due at `now`, earliest first; with `owner`, only of the runs that session owns. */
  readonly dueTimers: (
    now: number,
    limit: number,
    owner: string | undefined
  ) => Effect.Effect<ReadonlyArray<TimerRow & { readonly tenant: string; readonly run: string }>, RunStoreError>
  /** When the next timer falls due, for `owner`'s runs or all. */
  readonly nextTimer: (owner: string | undefined) => Effect.Effect<number | undefined, RunStoreError>
  /** Dispatch rows (shared stores): what must be in the queues. */
  readonly dispatches: (
    tenant: string,
    run: string
  ) => Effect.Effect<
    ReadonlyArray<DispatchRow & { readonly session: string | undefined; readonly deliveries: number }>,
    RunStoreError
  >
  /**
   * Claims an offered attempt for a session (shared stores): true for exactly one caller while its lease holds, false
   * when the row is gone or somebody else holds it.
   */
  readonly claim: (
    tenant: string,
    run: string,
    path: string,
    attempt: number,
    session: string
  ) => Effect.Effect<boolean, RunStoreError>
  /** Claims whose session is dead at `now` are released and returned: deliveries that were lost. */
  readonly releaseExpired: (
    now: number
  ) => Effect.Effect<ReadonlyArray<DispatchRow & { readonly tenant: string; readonly run: string }>, RunStoreError>
  readonly deadLetters: (query: LetterQuery) => Effect.Effect<ReadonlyArray<StoredLetter>, RunStoreError>
  /** Gives a letter that is `expected` another fate: true for exactly one caller. */
  readonly settleLetter: (
    tenant: string,
    id: number,
    expected: LetterExpectation,
    fate: LetterFate
  ) => Effect.Effect<boolean, RunStoreError>
  /** What waits for people, over all runs of the tenant. */
  readonly doors: (query: DoorQuery) => Effect.Effect<ReadonlyArray<OpenDoor>, RunStoreError>
  /** What was used, over all runs of the tenant that ever were: dearest first, days from the newest. */
  readonly usage: (query: UsageQuery) => Effect.Effect<ReadonlyArray<UsageGroup>, RunStoreError>
  /** The runs of one concurrency key that are not finished: those that hold a place, and those that wait for one. */
  readonly places: (query: PlaceQuery) => Effect.Effect<Places, RunStoreError>
  /** Every tenant that has runs. */
  readonly tenants: Effect.Effect<ReadonlyArray<string>, RunStoreError>
  /** Finished runs that may go. Looks at a bounded number of runs in one go. */
  readonly aged: (query: AgedQuery) => Effect.Effect<AgedRuns, RunStoreError>
  /**
   * Gives back the space of removed runs, at most about `rows` rows in one go, so that no commit waits for long. True while
   * there is more.
   */
  readonly purge: (rows: number) => Effect.Effect<boolean, RunStoreError>
  /**
   * Removes a finished run with everything that belongs to it, the runs it has started among it. False when it is not there
   * or not finished, and when the run that started it is not: that one may yet have to read how it ended. What it was used
   * for stays; its space comes back with `purge`.
   */
  readonly remove: (tenant: string, run: string) => Effect.Effect<boolean, RunStoreError>
  /** The same for a few runs in one go; counts those that it has removed. */
  readonly removeAll: (tenant: string, runs: ReadonlyArray<string>) => Effect.Effect<number, RunStoreError>
}>()("baton/engine/RunStore") {}
