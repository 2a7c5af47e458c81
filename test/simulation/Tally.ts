/** What many seeds came to, added up: by one thread over a few seeds, and by `main.ts` over all threads. */
import { simulate } from "./Simulation.ts"

export interface Failure {
  readonly seed: number
  readonly complaints: ReadonlyArray<string>
}

export interface Tally {
  seeds: number
  runs: number
  /** Runs whose end was predicted to the last detail. */
  exact: number
  commits: number
  readonly failures: Array<Failure>
  /** How often something came about: fail points reached, and what is rare. */
  readonly reached: Map<string, number>
}

/** Seeds from `from` on. */
export interface Chunk {
  readonly from: number
  readonly count: number
}

export const empty = (): Tally => ({ seeds: 0, runs: 0, exact: 0, commits: 0, failures: [], reached: new Map() })

const reach = (tally: Tally, reached: ReadonlyMap<string, number>): void => {
  for (const [point, times] of reached) tally.reached.set(point, (tally.reached.get(point) ?? 0) + times)
}

export const add = (tally: Tally, more: Tally): void => {
  tally.seeds += more.seeds
  tally.runs += more.runs
  tally.exact += more.exact
  tally.commits += more.commits
  tally.failures.push(...more.failures)
  reach(tally, more.reached)
}

export const of = ({ count, from }: Chunk): Tally => {
  const tally = empty()
  for (let seed = from; seed < from + count; seed++) {
    const report = simulate(seed)
    tally.seeds++
    tally.runs += report.runs
    tally.exact += report.exact
    tally.commits += report.commits
    if (report.complaints.length > 0) tally.failures.push({ seed, complaints: report.complaints })
    reach(tally, report.reached)
  }
  return tally
}
