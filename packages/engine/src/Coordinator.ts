/**
 * The coordinator: commands in, journal records out, offers on.
 *
 * Each run this session owns has a mailbox. One fiber, the scribe, takes every mailbox that has something, decides what is
 * in it against the folded state, and writes one record per run in one commit for all of them: work that arrives while a
 * commit is under way shares the next one. Nothing made from a record (a reply, an offer, an event) leaves before the
 * record is durable (SEMANTICS 8.1d). A run that loses its fence is folded anew from the journal and asked again.
 */
import type { Command } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import type { Plan } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import type { BlobRef, Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AuditDraft } from "./AuditLog.ts"
import type { BlobStore, BlobStoreError } from "./BlobStore.ts"
import * as CoordinatorFiber from "./CoordinatorFiber.ts"
import type { EventFeed } from "./EventFeed.ts"
import type { Plans } from "./Plans.ts"
import type { RunSlot, Settled } from "./RunSlot.ts"
import type { RunStore } from "./RunStore.ts"
import type { AlarmClock } from "./RunTimers.ts"
import type { Sessions } from "./Sessions.ts"
import type { Offer, StepQueue } from "./StepQueue.ts"
import type { NewBlob } from "./StoredValue.ts"

export interface Submission {
  readonly tenant: string
  readonly run: string
  readonly plan: Plan
  readonly command: Extract<Command, { type: "CreateRun" }>
  readonly blobs: ReadonlyArray<NewBlob>
  /** Who asked for it: in the audit log exactly when the run is there. */
  readonly audit?: AuditDraft | undefined
  /** Looks at the run as its first record leaves it, once that is durable and before anything moves on. Must not throw. */
  readonly seen?: ((slot: RunSlot, state: RunState) => void) | undefined
}

export class Coordinator extends Context.Service<Coordinator, {
  /** Creates a run; answers when it is durable. */
  readonly submit: (submission: Submission) => Effect.Effect<Settled>
  /** Asks something of a run this session owns; answers when the answer is durable. */
  readonly command: (
    tenant: string,
    run: string,
    command: Command,
    options?: { readonly blobs?: ReadonlyArray<NewBlob>; readonly handed?: number }
  ) => Effect.Effect<Settled>
  /** The same without waiting: a worker's completion. */
  readonly post: (tenant: string, run: string, command: Command, blobs: ReadonlyArray<NewBlob>) => void
  /** Takes over a run that the session has become the owner of. */
  readonly adopt: (owned: {
    readonly tenant: string
    readonly run: string
    readonly epoch: number
    readonly orderly: boolean
  }) => Effect.Effect<Settled>
  /** The slot of an owned run, its state folded; `undefined` when this session does not own it or it is not there. */
  readonly peek: (
    tenant: string,
    run: string
  ) => Effect.Effect<{ readonly slot: RunSlot; readonly state: RunState } | undefined>
  /** The same without waiting: only what is at hand. */
  readonly slot: (tenant: string, run: string) => RunSlot | undefined
  /** A stored value's JSON, from what is at hand or from the store. */
  readonly json: (tenant: string, ref: BlobRef) => Effect.Effect<Json, BlobStoreError>
  readonly slots: () => Iterable<RunSlot>
  /** Hands offers to the workers once more: a hint, harmless when it repeats one. */
  readonly offerAgain: (slot: RunSlot, offers: ReadonlyArray<Offer>) => Effect.Effect<void>
  /** Calls the listener when running attempts of a run must be told to stop: a cancel, a breached deadline. */
  readonly whenClosing: (listener: (slot: RunSlot) => void) => void
  /** Calls the listener when a record of a run that calls flows, or was called by one, or needs a place, is durable. */
  readonly whenMoved: (listener: (slot: RunSlot, state: RunState, events: ReadonlyArray<Event>) => void) => void
  /** Timers of the runs owned here, for the alarm fiber. */
  readonly alarms: AlarmClock
  /** Lets go of folded states beyond `MachineLimits.residentRunsMax`; resting runs are folded again when something comes. */
  readonly trim: () => void
  /** Everything that was posted has been decided and written. */
  readonly settled: Effect.Effect<void>
}>()("baton/engine/Coordinator") {
  static readonly layer: Layer.Layer<
    Coordinator,
    never,
    RunStore | Sessions | BlobStore | Plans | StepQueue | EventFeed
  > = Layer.effect(Coordinator, Effect.suspend(() => CoordinatorFiber.make))
}
