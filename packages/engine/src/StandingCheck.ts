/**
 * The standing check: every run that is not finished has a reason not to be, with its door (K12), and those that claim to
 * be running move. What it finds is counted, logged, and told to the run itself.
 */
import { explain } from "@baton/kernel/Explain"
import * as Stall from "@baton/kernel/Stall"
import type { RunSlot } from "./RunSlot.ts"

export interface Standing {
  /** Runs owned here that are not finished, and whose state is at hand. */
  readonly unfinished: number
  /** Of them, those for which nobody can say why; it must be 0. */
  readonly withoutReason: number
  /** Of them, those that claim to be running and have not moved for too long. */
  readonly withoutProgress: number
}

export const nothing: Standing = { unfinished: 0, withoutReason: 0, withoutProgress: 0 }

export interface Found {
  readonly standing: Standing
  /** Runs without a reason. */
  readonly unexplained: ReadonlyArray<RunSlot>
  /** Runs that are to be told that they have stalled. */
  readonly stalled: ReadonlyArray<RunSlot>
}

/** A step that a worker has begun may take its time, unless the flow says how long nothing may happen. */
const defaultLimit = (slot: RunSlot, stallAfterMs: number): number | undefined =>
  slot.begun.size === 0 ? stallAfterMs : undefined

/** Linear in the nodes of the runs at hand; `isDeep` asks for every run's reasons, too. */
export const look = (
  slots: Iterable<RunSlot>,
  now: number,
  stallAfterMs: number,
  isDeep: boolean,
  before: Standing
): Found => {
  const unexplained: Array<RunSlot> = []
  const stalled: Array<RunSlot> = []
  let unfinished = 0
  let flagged = 0
  for (const slot of slots) {
    const { state } = slot
    // What is not durable yet is no news (SEMANTICS 8.1d).
    if (state === undefined || state.finished !== undefined || state.seq !== slot.head) continue
    unfinished++
    if (state.stalledSince !== undefined) flagged++
    else if (Stall.since(state, now, defaultLimit(slot, stallAfterMs)) !== undefined) stalled.push(slot)
    if (!isDeep) continue
    const reasons = explain(state, now, { begun: slot.begun, owned: true })
    if (reasons.length === 0 || reasons.some(({ door }) => door === "")) unexplained.push(slot)
  }
  const withoutReason = isDeep ? unexplained.length : before.withoutReason
  return { standing: { unfinished, withoutReason, withoutProgress: flagged + stalled.length }, unexplained, stalled }
}
