/**
 * Runs that claim to be running and do not move. Waiting is no stall: for a time, a person, an event, a child, a budget or
 * a resume a run may wait as long as it likes, and `Explain` names its door.
 */
import type { RunStalled } from "./EventStall.ts"
import { isQueued } from "./Place.ts"
import type { RunState } from "./RunState.ts"

export const code = "RUN_STALLED"

/** What people are told of it. */
export const messageOf = (event: RunStalled): string =>
  `nothing has happened for ${
    Math.round((event.at - event.since) / 1000)
  } s; ${event.offered} attempts are not answered`

/** When the run last moved, where it has not done so for too long; `undefined` when it moves, waits or has been flagged. */
export const since = (state: RunState, at: number, afterMs: number | undefined): number | undefined => {
  const limit = state.plan.limits.stallMs ?? afterMs
  if (limit === undefined || state.finished !== undefined || state.closing !== undefined) return undefined
  if (state.stalledSince !== undefined || state.sealed !== undefined || isQueued(state)) return undefined
  const isActive = state.offered > 0 || (state.ready.size > 0 && !state.paused)
  return isActive && at - state.lastAt >= limit ? state.lastAt : undefined
}

export const stalled = (state: RunState, event: RunStalled): void => {
  state.stalledSince = event.since
  const warning = { code, message: messageOf(event) }
  // Repeated stalls of one run are one warning, the latest.
  state.warnings = [...state.warnings.filter((known) => known.code !== code), warning]
}

/** What lists say of a run that has been flagged. */
export const reason = (state: RunState): string | undefined =>
  state.stalledSince === undefined ? undefined : state.warnings.find((warning) => warning.code === code)?.message
