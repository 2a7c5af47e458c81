/** Why a run has not started although it could: others of its concurrency key hold the places. */
import type { Reason } from "./ExplainWait.ts"
import type { RunState } from "./RunState.ts"

/** What the store knows of the runs of the same key. */
export interface PlaceFacts {
  /** From 1: how many runs start before or with it. */
  readonly position: number
  /** The limit as it is now; that of the run created last. */
  readonly max: number
  readonly held: number
  /** Some of the runs that hold a place, those first that were created first. */
  readonly holders: ReadonlyArray<string>
}

const ordinal = (position: number): string => position === 1 ? "it is next" : `${position - 1} before it`

export const placeReason = (state: RunState, facts: PlaceFacts | undefined): Reason => {
  const key = state.place?.key ?? ""
  const max = facts?.max ?? state.place?.max ?? 0
  const [first] = facts?.holders ?? []
  const runs = max === 1 ? "1 run" : `${max} runs`
  const where = facts === undefined ? "" : `; ${ordinal(facts.position)}`
  const who = first === undefined ? "" : `, held by ${facts?.holders.join(", ")}`
  return {
    reason: "concurrency",
    path: undefined,
    message: `at most ${runs} of key ${JSON.stringify(key)} at once (limits.concurrency)${who}${where}`,
    door: first === undefined
      ? "a place becomes free"
      : `a run that holds a place ends, such as ${first}; baton runs cancel ${first} ends it`,
    data: {
      key,
      max,
      ...(facts === undefined ? {} : { position: facts.position, held: facts.held, holders: [...facts.holders] })
    }
  }
}
