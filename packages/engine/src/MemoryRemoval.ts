/** Which runs in memory may go because of their age. */
import type { MemoryRun, MemoryState } from "./MemoryState.ts"
import type { AgedQuery, AgedRuns } from "./RunRemoval.ts"
import { lookedMax } from "./RunRemoval.ts"

type State = typeof MemoryState.Service

/** The run and all that it has started. */
const familyOf = (state: State, { run, tenant }: MemoryRun): ReadonlyArray<MemoryRun> => {
  const family = [run]
  const found: Array<MemoryRun> = []
  for (const one of family) {
    for (const row of state.runs.values()) {
      if (row.tenant !== tenant) continue
      if (row.run === one) found.push(row)
      else if (row.summary.parent?.run === one) family.push(row.run)
    }
  }
  return found
}

const mayGo = (state: State, run: MemoryRun): boolean => {
  const { parent } = run.summary
  const rows = [...state.runs.values()].filter(({ tenant }) => tenant === run.tenant)
  if (parent !== undefined && rows.some((row) => row.run === parent.run)) return false
  const family = familyOf(state, run)
  const names = new Set(family.map((one) => one.run))
  return family.every(({ summary }) => summary.endedAt !== undefined) &&
    !rows.some((row) => names.has(row.summary.madeFrom ?? "") && !names.has(row.run))
}

export const aged = (state: State, { after = 0, before, limit, tenant }: AgedQuery): AgedRuns => {
  const runs: Array<string> = []
  const rows = [...state.runs.values()].filter((run) => run.tenant === tenant && run.no > after)
    .sort((a, b) => a.no - b.no)
  for (const [index, row] of rows.entries()) {
    if (runs.length === limit || index === lookedMax) return { runs, next: rows[index - 1]?.no ?? after }
    if (row.summary.createdAt >= before) continue
    if (row.summary.endedAt !== undefined && row.summary.endedAt < before && mayGo(state, row)) runs.push(row.run)
  }
  return { runs }
}

export const tenants = (state: State): ReadonlyArray<string> =>
  [...new Set([...state.runs.values()].map(({ tenant }) => tenant))].sort()
