/** Breaks of the rules about conversations, effects and receipts. */
import type { Mutation } from "./Mutation.ts"

const conversation = "packages/kernel/test/Conversation.test.ts"
const receipts = "packages/engine/test/Receipts.test.ts"
const loop = "packages/agents/test/AgentLoop.test.ts"

export const effectMutations: ReadonlyArray<Mutation> = [
  {
    promise: "K2",
    breaks: "an attempt that failed with an irreversible call open is retried like any other",
    file: "packages/kernel/src/Settle.ts",
    find: `  (draft.state.conversations?.get(path)?.open ?? 0) > 0 ||`,
    replace: `  false ||`,
    test: [conversation, "K2: "]
  },
  {
    promise: "K3",
    breaks: "a turn is recorded under any number",
    file: "packages/kernel/src/DecideTurn.ts",
    find: `if (turn.turn !== known.last + 1) {`,
    replace: `if (turn.turn < known.last) {`,
    test: [conversation, "K3: "]
  },
  {
    promise: "K3",
    breaks: "a result that is recorded is called for again",
    file: "packages/agents/src/ToolCalls.ts",
    find: `if (known !== undefined) {`,
    replace: `if (known === null) {`,
    test: [loop, "goes on behind what is recorded"]
  },
  {
    promise: "K3",
    breaks: "receipts serve what is keyed or irreversible",
    file: "packages/kernel/src/CompileEffect.ts",
    find: `if (effect !== "pure" && effect !== "idempotent") {`,
    replace: `if (effect === undefined) {`,
    test: [receipts, "K3: "]
  }
]
