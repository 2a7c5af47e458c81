/** Breaks of places: who holds one, who waits for one, and that none is lost. */
import type { Mutation } from "./Mutation.ts"

const kernel = "packages/kernel/test/Concurrency.test.ts"
const machine = "packages/engine/test/Admission.test.ts"
const simulation = "test/simulation/Simulation.test.ts"

export const placeMutations: ReadonlyArray<Mutation> = [
  {
    promise: "K1",
    breaks: "a run starts without the place that it needs",
    file: "packages/kernel/src/DecidePlace.ts",
    find: `  return isQueued(draft.state)
}`,
    replace: `  return false
}`,
    test: [kernel, "is created pending"]
  },
  {
    promise: "K1",
    breaks: "the store writes a record that takes a place though none is free",
    file: "packages/engine/src/MemoryPlaces.ts",
    find: `holders.length < max ? undefined`,
    replace: `holders.length <= max ? undefined`,
    test: [simulation, "seeds 1 to 250"]
  },
  {
    promise: "K12",
    breaks: "the place of a run that has ended is never free again",
    file: "packages/engine/src/RunPlace.ts",
    find: `then: ends ? "gone" : held`,
    replace: `then: held`,
    test: [machine, "start in order of creation"]
  },
  {
    promise: "K1",
    breaks: "a run starts before another one of its key that was created first",
    file: "packages/engine/src/Admission.ts",
    find: `for (const { owner, paused, run } of waiting) {`,
    replace: `for (const { owner, paused, run } of waiting.toReversed()) {`,
    test: [machine, "start in order of creation"]
  }
]
