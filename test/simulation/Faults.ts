/** What goes wrong in a simulated world, and how often. Every probability is per occasion. */
import type { Chance } from "../../packages/kernel/test/random/Chance.ts"

export interface Faults {
  /** Deaths of processes, at a fail point or between two calls of the store. */
  crashes: number
  /** Failures of the store. */
  errors: number
  /** Stops that are announced. */
  stops: number
  /** Processes that stand still for a while. */
  freezes: number
  readonly crashing: number
  readonly failing: number
  readonly slow: number
  /** Of offers on their way to the workers. */
  readonly dropped: number
  readonly doubled: number
  readonly delayed: number
}

export const draw = (chance: Chance): Faults => {
  const rough = chance.pick([0, 0.5, 1, 1])
  return {
    crashes: chance.int(0, Math.round(8 * rough)),
    errors: chance.int(0, Math.round(10 * rough)),
    stops: chance.int(0, Math.round(2 * rough)),
    freezes: chance.int(0, Math.round(2 * rough)),
    crashing: chance.pick([0.01, 0.04, 0.1]),
    failing: chance.pick([0.02, 0.1]),
    slow: chance.pick([0, 0.1, 0.3]),
    dropped: rough * chance.pick([0, 0.05, 0.2]),
    doubled: rough * chance.pick([0, 0.1, 0.3]),
    delayed: rough * chance.pick([0, 0.1, 0.3])
  }
}
