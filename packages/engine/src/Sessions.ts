/**
 * Who is alive and who owns which run.
 *
 * Promise. A session is a process that executes runs; it holds something the operating system (embedded) or the store's
 * clock (shared) takes away when the process dies. A run has at most one owner; a run is adopted only from a session that
 * is dead, under a higher epoch, and the old owner's commits fail from then on. Others hand their commands in as rows;
 * the owner reads them at each commit and at least every 50 ms (SEMANTICS 8.14).
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { RunStoreError } from "./RunStore.ts"

export interface HandedCommand {
  readonly id: number
  readonly tenant: string
  readonly run: string
  /** JSON of a kernel command. */
  readonly command: string
}

export interface OwnedRun {
  readonly tenant: string
  readonly run: string
  readonly epoch: number
  /** The session before gave the run up itself: nothing was lost. */
  readonly orderly: boolean
}

export class Sessions extends Context.Service<Sessions, {
  /** This process's session; its lock is held while the layer's scope is open. */
  readonly id: string
  readonly isAlive: (session: string) => Effect.Effect<boolean, RunStoreError>
  /** Keeps leases alive (shared stores); embedded sessions need none. */
  readonly heartbeat: (now: number) => Effect.Effect<void, RunStoreError>
  /**
   * Takes over unfinished runs of dead sessions and unowned ones, all in one transaction: each comes back with its new
   * epoch. `only` limits it to one run.
   */
  readonly adopt: (
    limit: number,
    only?: { readonly tenant: string; readonly run: string }
  ) => Effect.Effect<ReadonlyArray<OwnedRun>, RunStoreError>
  /** Unfinished runs of all tenants that no living session owns. Linear in the unfinished runs: not for every second. */
  readonly unowned: Effect.Effect<number, RunStoreError>
  /** Gives up ownership of a run (orderly stop), so that anybody may adopt it at once. */
  readonly release: (runs: ReadonlyArray<{ tenant: string; run: string }>) => Effect.Effect<void, RunStoreError>
  /** Hands a command in to the owner of a run. */
  readonly give: (tenant: string, run: string, command: string) => Effect.Effect<number, RunStoreError>
  /** The owner's answer, once it has given one. */
  readonly answer: (id: number) => Effect.Effect<string | undefined, RunStoreError>
  /** Commands handed in for the runs this session owns, oldest first. Cheap when there are none. */
  readonly taken: (limit: number) => Effect.Effect<ReadonlyArray<HandedCommand>, RunStoreError>
  /** Answers a command that needs no journal record (a refusal). */
  readonly reply: (id: number, answer: string) => Effect.Effect<void, RunStoreError>
}>()("baton/engine/Sessions") {}
