/** Breaks of the machine around the kernel: what is promised of a run holds only if the engine and the store keep it. */
import type { Mutation } from "./Mutation.ts"

const simulation = "test/simulation/Simulation.test.ts"
const engine = (name: string): string => `packages/engine/src/${name}.ts`

export const machineMutations: ReadonlyArray<Mutation> = [
  {
    promise: "K3",
    breaks: "an attempt begins as often as the queue delivers it",
    file: engine("WorkerPool"),
    find: `if (!current || slot.begun.has(key) || isHeldBack`,
    replace: `if (!current || isHeldBack`,
    test: [simulation, "seeds 1 to 250"]
  },
  {
    promise: "K3",
    breaks: "the store takes a record that was decided on an older state",
    file: engine("MemoryRunStore"),
    find: `run.head !== commit.expected || !RecordHash.equals(run.hash, commit.previous)`,
    replace: `false`,
    test: ["packages/engine/test/MemoryStore.test.ts"]
  },
  {
    promise: "K9",
    breaks: "what was decided is shown before it is durable",
    file: engine("RunSlot"),
    find: `slot.state !== undefined && slot.state.seq !== slot.head`,
    replace: `slot.state !== undefined && slot.head < 0`,
    test: [simulation, "seeds 1 to 250"]
  },
  {
    promise: "K9",
    breaks: "a state is kept although its record was not written",
    file: engine("Scribe"),
    find: `      const { slot } = job.draft\n      this.#drop(slot)\n      slot.mailbox`,
    replace: `      const { slot } = job.draft\n      slot.mailbox`,
    test: [simulation, "seeds 1 to 250"]
  },
  {
    promise: "K11",
    breaks: "a running attempt is not told of a cancel",
    file: engine("CoordinatorFiber"),
    find: `if (event.cause !== "failure") { for (const listener of services.closing) listener(slot) }`,
    replace: ``,
    test: [simulation, "seeds 1 to 250"]
  },
  {
    promise: "K12",
    breaks: "an offer that was lost on its way is never made again",
    file: engine("Sweeper"),
    find: `if (lost.length > 0) yield* parts.coordinator.offerAgain(slot, lost)`,
    replace: ``,
    test: [simulation, "seeds 1 to 250"]
  },
  {
    promise: "K12",
    breaks: "a timer that was set before its process died is forgotten",
    file: engine("RunSupply"),
    find: `    services.scribe.alarms.add({ due: timer.due, slot, timer })`,
    replace: ``,
    test: [simulation, "seeds 1 to 250"]
  }
]
