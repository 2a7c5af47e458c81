/** Places of runs in memory. */
import type { MemoryRun, MemoryState } from "./MemoryState.ts"
import * as MemoryStates from "./MemoryState.ts"
import type { PlaceChange, PlaceQuery, Places } from "./RunPlace.ts"
import { holdersMax } from "./RunPlace.ts"
import type { Commit, CommitOutcome } from "./RunStore.ts"

type State = typeof MemoryState.Service

/** All runs of the key, in order of creation. */
const runsOf = (state: State, tenant: string, { flow, key }: Pick<PlaceQuery, "flow" | "key">) =>
  [...state.runs.values()]
    .filter((run) => run.place?.key === key && run.tenant === tenant && run.summary.flow === flow)
    .sort((a, b) => a.no - b.no)

const holdersOf = (runs: ReadonlyArray<MemoryRun>): ReadonlyArray<string> =>
  runs.filter(({ place }) => place?.held === true).map(({ run }) => run)

export const refusal = (
  state: State,
  run: MemoryRun | undefined,
  { place, tenant }: Commit
): (CommitOutcome & { ok: false }) | undefined => {
  if (place?.takes !== true) return undefined
  const runs = runsOf(state, tenant, place)
  const max = run === undefined ? place.max : runs.at(-1)?.place?.max ?? place.max
  const holders = holdersOf(runs)
  return holders.length < max ? undefined : { ok: false, reason: "full", holders: holders.slice(0, holdersMax) }
}

export const write = (run: MemoryRun, { key, max, then }: PlaceChange): void => {
  run.place = then === "gone" ? undefined : { key, max, held: then === "held" }
}

export const places = (state: State, query: PlaceQuery): Places => {
  const runs = runsOf(state, query.tenant, query)
  const holders = holdersOf(runs)
  const after = query.after === undefined ? 0 : MemoryStates.findRun(state, query.tenant, query.after)?.no ?? 0
  return {
    max: runs.at(-1)?.place?.max ?? 0,
    held: holders.length,
    holders: holders.slice(0, holdersMax),
    waiting: runs
      .filter(({ no, place }) => place?.held === false && no > after)
      .slice(0, query.limit)
      .map(({ owner, run, summary }) => ({ run, owner, paused: summary.paused }))
  }
}
