/**
 * What looks on while the machine works: metrics and traces. Without one the machine does nothing for it.
 *
 * A probe is told what is durable already, in the fiber that made it so: it must neither wait nor throw, and what it is
 * given is the machine's own, to be read at once and not kept.
 */
import type { Event } from "@baton/kernel/Event"
import type { RunState } from "@baton/kernel/RunState"
import type { TraceLink } from "@baton/kernel/Trace"
import * as Context from "effect/Context"
import type { Commit, UsageRow } from "./RunStore.ts"
import type { Offer } from "./StepQueue.ts"

/** One durable record. */
export interface Moved {
  readonly tenant: string
  readonly state: RunState
  readonly events: ReadonlyArray<Event>
  readonly usage: ReadonlyArray<UsageRow> | undefined
  readonly letters: Commit["deadLetters"]
}

export interface Probe {
  /** A batch of records is durable; `ms`: what the store took for it. */
  readonly committed?: (records: ReadonlyArray<Moved>, ms: number) => void
  /** The store did not take a batch. */
  readonly uncommitted?: (reason: string) => void
  /** Offers are with the workers; `since`: when that was asked for which made them possible, in milliseconds since 1970. */
  readonly offered?: (offers: ReadonlyArray<Offer>, since: number, now: number) => void
  /** A worker begins an attempt `waitedMs` after it was offered. */
  readonly began?: (offer: Offer, state: RunState, waitedMs: number) => void
  /** What the attempt's fiber runs under, beside what the worker has; absent: nothing more. */
  readonly surroundings: (offer: Offer, state: RunState) => Context.Context<never> | undefined
  /** The trace that a run is told to be part of which this step starts; absent: it begins one of its own. */
  readonly childTrace: (state: RunState, path: string, attempt: number) => TraceLink | undefined
}

export const Probes = Context.Reference<Probe | undefined>("baton/engine/Probes", { defaultValue: () => undefined })
