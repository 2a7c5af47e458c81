/** What the coordinator keeps of a run that this session owns. Everything here can be made again from the journal. */
import type { Command } from "@baton/kernel/Command"
import type { Door } from "@baton/kernel/Doors"
import type { Timer } from "@baton/kernel/Outstanding"
import type { Problem } from "@baton/kernel/Problem"
import type { RunState } from "@baton/kernel/RunState"
import type { BlobRef, Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import type { AuditDraft } from "./AuditLog.ts"
import type { NewBlob } from "./StoredValue.ts"

/** How a command ended, once that is durable. */
export type Settled =
  | { readonly kind: "accepted"; readonly events: number; readonly head: number }
  | {
    readonly kind: "refused"
    readonly code: string
    readonly message: string
    readonly problems?: ReadonlyArray<Problem>
  }
  | {
    readonly kind: "lost"
    readonly reason: "not_owner" | "exists" | "conflict" | "unavailable" | "missing"
    readonly message: string
  }

export interface Pending {
  readonly command: Command
  /** Bytes that the command names and that are written with its record. */
  readonly blobs: ReadonlyArray<NewBlob>
  /** Row of the command when another process handed it in. */
  readonly handed: number | undefined
  readonly reply: ((settled: Settled) => void) | undefined
  /** Goes into the audit log with the record, if the command is accepted. */
  readonly audit?: AuditDraft | undefined
}

export interface RunSlot {
  readonly tenant: string
  readonly run: string
  /** Folded, or not at hand: then it is loaded before the next command is decided. */
  state: RunState | undefined
  head: number
  hash: Uint8Array
  mailbox: Array<Pending>
  /** In the queue of runs that have something to decide. */
  dirty: boolean
  /** Values the next decision asked for. */
  blobs: Map<BlobRef, Json>
  /** A load of state or values is under way. */
  loading: boolean
  conflicts: number
  /** Attempts that a worker of this process has begun: `path#attempt` and its start. */
  readonly begun: Map<string, number>
  /** Timers as the store has them, by `kind path`. */
  readonly timers: Map<string, Timer>
  /** What waits for people, as the store has it, by path. */
  readonly doors: Map<string, ReadonlyArray<Door>>
  /** Summary as the store has it. */
  status: string
  movedAt: number
}

export const make = (tenant: string, run: string): RunSlot => ({
  tenant,
  run,
  state: undefined,
  head: 0,
  hash: new Uint8Array(),
  mailbox: [],
  dirty: false,
  blobs: new Map(),
  loading: false,
  conflicts: 0,
  begun: new Map(),
  timers: new Map(),
  doors: new Map(),
  status: "",
  movedAt: 0
})

/** How long a reader waits for the commit under way, and how often it looks, in milliseconds. */
const commitMsMax = 1_000
const lookEveryMs = 1

/**
 * The state once all of it is durable: what a commit under way holds must not be shown (SEMANTICS 8.1d). None when that
 * takes too long; the store itself knows what it has.
 */
export const durable = Effect.fnUntraced(function*(slot: RunSlot) {
  for (let waited = 0; slot.state !== undefined && slot.state.seq !== slot.head; waited += lookEveryMs) {
    if (waited >= commitMsMax) return undefined
    yield* Effect.sleep(lookEveryMs)
  }
  // A run whose first record is not written is not there yet.
  return slot.head === 0 ? undefined : slot.state
})

export const attemptKey = (path: string, attempt: number): string => `${path}#${attempt}`
export const timerKey = (timer: { readonly path: string; readonly kind: string }): string =>
  `${timer.kind} ${timer.path}`
