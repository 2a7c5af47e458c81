/**
 * What the memory adapters of the store ports share: one of these is one "store", several sessions over it are several
 * "processes". For `:memory:` mode, tests and the simulator; nothing survives the process.
 */
import type { BlobRef } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { StoredEntry } from "./AuditLog.ts"
import type { StoredLetter } from "./DeadLetter.ts"
import type { PublishedFlow } from "./FlowStore.ts"
import {
  type DoorRow,
  type JournalRecord,
  RunStoreError,
  type RunSummary,
  type TimerRow,
  type UsageRow
} from "./RunStore.ts"
import type { NumberedLine } from "./StepLog.ts"

export interface MemoryRun {
  readonly tenant: string
  readonly run: string
  /** Order of creation; lists show the newest first. */
  readonly no: number
  summary: RunSummary
  head: number
  /** Of the last record, among all runs' records. */
  position: number
  hash: Uint8Array
  owner: string | undefined
  epoch: number
  readonly records: Array<JournalRecord>
  readonly timers: Map<string, TimerRow>
  readonly dispatches: Map<string, MemoryDispatch>
  deadLetters: Array<StoredLetter>
  /** By id. */
  readonly doors: Map<string, MemoryDoor>
  readonly references: Set<BlobRef>
  /** Of an unfinished run that has a concurrency key. */
  place: { readonly key: string; readonly max: number; readonly held: boolean } | undefined
  log: ReadonlyArray<NumberedLine>
  /** Lines ever logged. */
  logged: number
}

export interface MemoryDoor extends DoorRow {
  readonly closedAt: number | undefined
}

export interface MemoryDispatch {
  readonly path: string
  readonly attempt: number
  readonly type: string
  session: string | undefined
  deliveries: number
}

export interface MemoryCommand {
  readonly id: number
  readonly tenant: string
  readonly run: string
  readonly command: string
  answer: string | undefined
}

export interface MemoryUsage extends UsageRow {
  readonly tenant: string
  readonly run: string
  readonly flow: string
}

export interface MemoryBlob {
  readonly bytes: Uint8Array
  putAt: number
  references: number
}

/** How long a session of a shared store stays alive without a heartbeat (stores whose `dispatchRows` is true). */
export const sessionLease = Duration.seconds(30)

export class MemoryState extends Context.Service<MemoryState, {
  readonly dispatchRows: boolean
  /** By {@link key} of tenant and run. */
  readonly runs: Map<string, MemoryRun>
  readonly commands: Map<number, MemoryCommand>
  /** By {@link key} of tenant and address. */
  readonly blobs: Map<string, MemoryBlob>
  /** Of all runs that ever were. */
  readonly usage: Array<MemoryUsage>
  /** Canonical flow documents by {@link key} of tenant and address. */
  readonly documents: Map<string, string>
  /** The audit log, by tenant. */
  readonly audit: Map<string, Array<StoredEntry>>
  /** Per tenant, in the order of publishing. */
  readonly published: Map<string, ReadonlyArray<PublishedFlow>>
  /** Living sessions and the time of their last heartbeat. Deleting one here is the death of a process. */
  readonly sessions: Map<string, number>
  /** Never given twice: number of the last run, command or session. */
  counter: number
  /** Of the last record of any run. */
  position: number
  /** Errors that the next calls to `commit` fail with, one each: fault injection for tests and the simulator. */
  readonly faults: Array<RunStoreError>
}>()("baton/engine/MemoryState") {
  /** `dispatchRows`: whether this store behaves like a shared one (claims, leases) or like the embedded one. */
  static readonly layerWith = (options: { readonly dispatchRows: boolean }): Layer.Layer<MemoryState> =>
    Layer.sync(MemoryState, () => MemoryState.of(make(options.dispatchRows)))

  static readonly layer = MemoryState.layerWith({ dispatchRows: false })
}

const make = (dispatchRows: boolean): typeof MemoryState.Service => ({
  dispatchRows,
  runs: new Map(),
  commands: new Map(),
  blobs: new Map(),
  usage: [],
  documents: new Map(),
  audit: new Map(),
  published: new Map(),
  sessions: new Map(),
  counter: 0,
  position: 0,
  faults: []
})

/** Ends a session as `kill -9` would: nothing is released, its lock is gone. */
export const kill = (state: typeof MemoryState.Service, session: string): void => {
  state.sessions.delete(session)
}

/** Names hold no NUL (SEMANTICS 8.15). */
export const key = (tenant: string, name: string): string => `${tenant}\u0000${name}`

export const findRun = (state: typeof MemoryState.Service, tenant: string, run: string): MemoryRun | undefined =>
  state.runs.get(key(tenant, run))

export const isAlive = (state: typeof MemoryState.Service, session: string, now: number): boolean => {
  const beat = state.sessions.get(session)
  if (beat === undefined) return false
  return !state.dispatchRows || now - beat < Duration.toMillis(sessionLease)
}

/** Takes the next injected fault. */
export const fault = (state: typeof MemoryState.Service): Effect.Effect<void, RunStoreError> => {
  const next = state.faults.shift()
  return next === undefined ? Effect.void : Effect.fail(next)
}
