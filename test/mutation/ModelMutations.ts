/** Breaks that the models of the simulator notice: receipts, conversations, retries and forks, agents' patches, stalls, letters. */
import type { Mutation } from "./Mutation.ts"

const rich = "test/simulation/Rich.test.ts"
const models: Mutation["test"] = [rich, "agrees with every model"]
const engine = (name: string): string => `packages/engine/src/${name}.ts`
const kernel = (name: string): string => `packages/kernel/src/${name}.ts`

const receipts: ReadonlyArray<Mutation> = [
  {
    promise: "K3",
    breaks: "a result is used again for another input",
    file: engine("Receipts"),
    find: `input: yield* inputOf(attempt)`,
    replace: `input: null`,
    test: models,
    says: "receipts:"
  },
  {
    promise: "K3",
    breaks: "a result is used again under another version of its handlers",
    file: engine("Receipts"),
    find: `version: determined.version ?? null,`,
    replace: `version: null,`,
    test: models,
    says: "receipts:"
  },
  {
    promise: "K3",
    breaks: "the result of an agent whose tools are keyed is used again",
    file: engine("Receipts"),
    find: `return worst === "pure" || worst === "idempotent" ? undefined`,
    replace: `return worst !== undefined ? undefined`,
    test: models,
    says: "may never be"
  },
  {
    promise: "K3",
    breaks: "who asks for another answer is given the one that was refused",
    file: engine("Receipts"),
    find: `if (checkpointAfter !== false) return`,
    replace: `if (checkpointAfter === null) return`,
    test: ["packages/engine/test/Receipts.test.ts", "whose answers people decide about"]
  }
]

const conversations: ReadonlyArray<Mutation> = [
  {
    promise: "K7",
    breaks: "a conversation that breaks off begins anew, and its turns are paid again",
    file: engine("RecordedConversation"),
    find: `(machine.recorded?.turns ?? []).filter((turn) => turn.candidate === candidate)`,
    replace: `(machine.recorded?.turns ?? []).filter(() => candidate < 0)`,
    test: models,
    says: "turns:"
  },
  {
    promise: "K3",
    breaks: "a call that has ended is made again by the attempt that follows",
    file: engine("RecordedConversation"),
    find: `if (call.result !== undefined) results.set(`,
    replace: `if (call.result === null) results.set(`,
    test: models,
    says: "makes a call again"
  }
]

const lineages: ReadonlyArray<Mutation> = [
  {
    promise: "K2",
    breaks: "a run made from another one does again what cannot be taken back",
    file: kernel("ReusePlan"),
    find: `if (work.allowIrreversible) return []`,
    replace: `return []`,
    test: models,
    says: "is done again"
  },
  {
    promise: "K2",
    breaks: "a fork of a fork does not know what the first run had done",
    file: kernel("SourceRun"),
    find: `[...event.guarded ?? [], ...event.started ?? []]`,
    replace: `[...event.guarded ?? []]`,
    test: ["packages/kernel/test/Reuse.test.ts", "in a fork of a fork that had kept it"]
  },
  {
    promise: "K1",
    breaks: "a step is kept although what came before it runs again",
    file: kernel("ReusePlan"),
    find: `if (hadSeen(work, target, id)) take(target)`,
    replace: `if (!hadSeen(work, target, id)) take(target)`,
    test: models,
    says: "its join open"
  },
  {
    promise: "K2",
    breaks: "a fork keeps the failure that closed its source",
    file: kernel("ReusePlan"),
    find: `return work.kind === "fork" && !work.source.unhandled.has(id)`,
    replace: `return work.kind === "fork"`,
    test: models,
    says: "its failure closed"
  }
]

const patches: ReadonlyArray<Mutation> = [
  {
    promise: "K6",
    breaks: "an agent's patch comes into the plan without its review",
    file: kernel("DecidePatch"),
    find: `if (growth === undefined || !needsReview(policy, growth)) {`,
    replace: `if (growth === undefined || policy !== undefined || !needsReview(policy, growth)) {`,
    test: models,
    says: "never in review"
  },
  {
    promise: "K6",
    breaks: "an agent's patch waits for people with nothing in it that is new to the plan",
    file: kernel("DecidePatch"),
    find: `(review === "whenItGrows" && PatchGrowth.grows(growth))`,
    replace: `review === "whenItGrows"`,
    test: models,
    says: "waits for nothing"
  },
  {
    promise: "K6",
    breaks: "an agent adds what its policy does not list",
    file: kernel("PatchPolicy"),
    find: `  if (names.includes(name)) return`,
    replace: `  if (names.includes(name) || names.length > 0) return`,
    test: models,
    says: "patches:"
  },
  {
    promise: "K6",
    breaks: "an agent adds an edge into any node of the author's",
    file: kernel("PatchPolicy"),
    find: `if (!isNew(edge.to) && policy.into?.includes(edge.to) !== true) {`,
    replace: `if (!isNew(edge.to) && policy.into === undefined) {`,
    test: models,
    says: "an edge into"
  }
]

const stalls: ReadonlyArray<Mutation> = [
  {
    promise: "K12",
    breaks: "nobody is told that a run stands still",
    file: engine("Sweeper"),
    find: `for (const { begun, run, tenant } of found.stalled) {`,
    replace: `for (const { begun, run, tenant } of found.stalled.slice(0, 0)) {`,
    test: models,
    says: "nobody says so"
  },
  {
    promise: "K12",
    breaks: "a run that has moved a moment ago is said to stand still",
    file: kernel("Stall"),
    find: `isActive && at - state.lastAt >= limit`,
    replace: `isActive && at - state.lastAt >= limit / 2`,
    test: models,
    says: "stalls: it has moved"
  },
  {
    promise: "K12",
    breaks: "a run that is to fail when it stands still goes on",
    file: kernel("DecideStall"),
    find: `if (policy === "fail") {`,
    replace: `if (policy === "fail" && stalled < 0) {`,
    test: models,
    says: "its policy is to fail"
  }
]

const letters: ReadonlyArray<Mutation> = [
  {
    promise: "K12",
    breaks: "a letter stays open although somebody has seen to its step",
    file: engine("RecordLetters"),
    find: `if (event.type === "StepReopened") {`,
    replace: `if (event.type === "StepReopened" && event.at < 0) {`,
    test: models,
    says: "letters:"
  },
  {
    promise: "K12",
    breaks: "a step that fails with nothing to take its failure leaves no letter",
    file: engine("RecordLetters"),
    find: `if (event.handled !== "none" && event.error.kind !== "poison") return undefined`,
    replace: `if (event.error.kind !== "poison") return undefined`,
    test: models,
    says: "has none"
  },
  {
    promise: "K3",
    breaks: "a letter is reprocessed as another run each time",
    file: "packages/server/src/DeadLetters.ts",
    find: `Sha256.timedId("run", at, JSON.stringify([run, id]))`,
    replace: `Sha256.timedId("run", at, JSON.stringify([run, id, Math.random()]))`,
    test: models,
    says: "promised to nobody"
  }
]

const closed: ReadonlyArray<Mutation> = [
  {
    promise: "K5",
    breaks: "a run that has ended can be paused",
    file: kernel("Decide"),
    find: `command.type === "AddNote" || command.type === "ReportUsage"`,
    replace: `command.type === "AddNote" || command.type === "ReportUsage" || command.type === "PauseRun"`,
    test: ["packages/kernel/test/Promises.test.ts", "K5: "]
  }
]

export const modelMutations: ReadonlyArray<Mutation> = [
  ...receipts,
  ...conversations,
  ...lineages,
  ...patches,
  ...stalls,
  ...letters,
  ...closed
]
