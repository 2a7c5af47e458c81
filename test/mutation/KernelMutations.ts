/** Breaks of the kernel's rules. */
import type { Mutation } from "./Mutation.ts"

const promises = "packages/kernel/test/Promises.test.ts"
const oracle = "packages/kernel/test/Oracle.test.ts"
const plans = "packages/kernel/test/PlanPromises.test.ts"
const ledger = "packages/kernel/test/Ledger.test.ts"
const flatCost = "packages/kernel/test/FlatCost.test.ts"
const kernel = (name: string): string => `packages/kernel/src/${name}.ts`

export const kernelMutations: ReadonlyArray<Mutation> = [
  {
    promise: "K1",
    breaks: "a step starts although its join is still open",
    file: kernel("Activate"),
    find: `else if (join === "met") activate(draft, node)`,
    replace: `else activate(draft, node)`,
    test: [promises, "K1: "]
  },
  {
    promise: "K1",
    breaks: "an `all` join is met by the first live edge, for the checks as well",
    file: kernel("RunState"),
    find: `return at.deadIn > 0 ? "lost" : open === 0 ? "met" : "open"`,
    replace: `return at.deadIn > 0 ? "lost" : at.liveIn > 0 ? "met" : "open"`,
    test: [oracle]
  },
  {
    promise: "K1",
    breaks: "a dead edge counts as live",
    file: kernel("EvolveStep"),
    find: `if (live !== undefined && live.includes(edge.ordinal)) target.liveIn++`,
    replace: `if (live !== undefined) target.liveIn++`,
    test: [oracle]
  },
  {
    promise: "K2",
    breaks: "a node that has settled is looked at again when one of its edges is decided",
    file: kernel("Activate"),
    find: `if (at.status !== "pending" || draft.fresh.has(index)) continue`,
    replace: `if (draft.fresh.has(index)) continue`,
    test: [promises, "K2: "]
  },
  {
    promise: "K2",
    breaks: "a cascade of skips takes settled steps with it",
    file: kernel("Activate"),
    find: `if (lost && at.status === "pending") doomed.add(edge.to)`,
    replace: `if (lost) doomed.add(edge.to)`,
    test: [promises, "K2: "]
  },
  {
    promise: "K3",
    breaks: "an answer to an attempt before the one that is offered counts",
    file: kernel("OfferedStep"),
    find: `if (at.status !== "queued" || at.attempt !== attempt) return undefined`,
    replace: `if (at.status !== "queued" || at.attempt < attempt) return undefined`,
    test: [promises, "K3: "]
  },
  {
    promise: "K3",
    breaks: "a second answer to the same item counts",
    file: kernel("OfferedStep"),
    find: `if (table.status(index) !== "queued" || table.attempt(index) !== attempt) return undefined`,
    replace: `if (table.attempt(index) !== attempt) return undefined`,
    test: [promises, "K3: "]
  },
  {
    promise: "K3",
    breaks: "a decision counts although its time is over",
    file: kernel("ApprovalRefusal"),
    find: `if (wait.dueAt !== undefined && command.at >= wait.dueAt) {`,
    replace: `if (wait.dueAt !== undefined && command.at < 0) {`,
    test: ["packages/kernel/test/Approval.test.ts", "due time"]
  },
  {
    promise: "K4",
    breaks: "a run ends while one step is open",
    file: kernel("Finish"),
    find: `else if (draft.state.unsettled === 0 && draft.state.review === undefined) endWell(draft)`,
    replace: `else if (draft.state.unsettled <= 1 && draft.state.review === undefined) endWell(draft)`,
    test: [promises, "K4: "]
  },
  {
    promise: "K4",
    breaks: "the count of open steps is not kept for steps that are skipped",
    file: kernel("EvolveStep"),
    find: `if (!isSettled(at.status)) state.unsettled--`,
    replace: `if (!isSettled(at.status) && status !== "skipped") state.unsettled--`,
    test: [promises, "K4: "]
  },
  {
    promise: "K5",
    breaks: "a finished run takes any command",
    file: kernel("Decide"),
    find: `if (state.finished !== undefined && !annotates(command)) {`,
    replace: `if (state.finished !== undefined && state.seq < 0) {`,
    also: {
      find: `if (state.finished !== undefined && !annotates(command)) return { kind`,
      replace: `if (state.seq < 0) return { kind`
    },
    test: [promises, "K5: "]
  },
  {
    promise: "K6",
    breaks: "a patch may change a step that has succeeded",
    file: kernel("PatchRule"),
    find: `return status === "pending" ? undefined : publicStatus(status)`,
    replace: `return status === "pending" || status === "succeeded" ? undefined : publicStatus(status)`,
    test: [plans]
  },
  {
    promise: "K6",
    breaks: "a patch that was made for another revision is taken",
    file: kernel("PatchRule"),
    find: `if (proposal.base !== before.revision) {`,
    replace: `if (proposal.base < -1) {`,
    test: [plans]
  },
  {
    promise: "K6",
    breaks: "a patched plan keeps the list of its last nodes",
    file: kernel("Recompile"),
    find: `sinks: nodes.filter((node) => node.outgoing.length === 0).map((node) => node.index),`,
    replace: `sinks: previous.sinks,`,
    test: [plans]
  },
  {
    promise: "K6",
    breaks: "a patch may bring one agent too many",
    file: kernel("CompileFlow"),
    find: `  if (agents > limits.agents) {`,
    replace: `  if (agents > limits.agents + 1) {`,
    test: [plans]
  },
  {
    promise: "K7",
    breaks: "what one decision has promised already is free to be promised again",
    file: kernel("Funds"),
    find: `Amount.fits(ask.amounts, Amount.add(this.#ledger.taken, this.#promised), this.#ledger.budget)`,
    replace: `Amount.fits(ask.amounts, this.#ledger.taken, this.#ledger.budget)`,
    test: [ledger, "K7: "]
  },
  {
    promise: "K7",
    breaks: "a step that cannot reserve starts all the same",
    file: kernel("Funds"),
    find: `    if (!this.#fits(ask)) {`,
    replace: `    if (!this.#fits(ask) && ask.unpriced !== undefined) {`,
    test: [ledger, "K7: "]
  },
  {
    promise: "K8",
    breaks: "a command may carry a time that no date can tell",
    file: kernel("CommandTime"),
    find: `Schema.isBetween({ minimum: 0, maximum: timeMax })`,
    replace: `Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })`,
    test: [promises, "K8: decide answers any JSON"]
  },
  {
    promise: "K8",
    breaks: "an event that does not fit the plan throws",
    file: kernel("Evolve"),
    find: `  } catch {\n    return false\n  }`,
    replace: `  } catch (error) {\n    throw error\n  }`,
    test: [promises, "K8: evolve folds any journal"]
  },
  {
    promise: "K8",
    breaks: "a decision changes the state that it was asked of",
    file: kernel("Draft"),
    find: `state: fork(state),`,
    replace: `state,`,
    test: [promises, "K8: the same state"]
  },
  {
    promise: "K8",
    breaks: "the jitter of a retry is chance",
    file: kernel("Retry"),
    find: `(0.5 + fraction(\`\${run}/\${path}#\${attempt}\`) / 2)`,
    replace: `(0.5 + Math.random() / 2)`,
    test: [promises, "K8: the same state"]
  },
  {
    promise: "K9",
    breaks: "a view shares the node that it changes with its state",
    file: kernel("RunState"),
    find: `const copy = { ...this.get(index) }`,
    replace: `const copy = this.get(index)`,
    test: [promises, "K9: "]
  },
  {
    promise: "K9",
    breaks: "the fold asks the clock",
    file: kernel("EvolveStep"),
    find: `at.settledAt = time`,
    replace: `at.settledAt = performance.now()`,
    test: [promises, "K9: "]
  },
  {
    promise: "K10",
    breaks: "one step more than `limits.parallel` is offered",
    file: kernel("Offer"),
    find: `!state.paused && state.offered < state.plan.limits.parallel`,
    replace: `!state.paused && state.offered <= state.plan.limits.parallel`,
    test: [promises, "K10: "]
  },
  {
    promise: "K10",
    breaks: "one item more than a map's `parallel` is offered",
    file: kernel("EvolveStep"),
    find: `!table.stopped && !table.unfunded && table.active < parallel`,
    replace: `!table.stopped && !table.unfunded && table.active <= parallel`,
    test: [promises, "K10: "]
  },
  {
    promise: "K11",
    breaks: "the targets of `always` edges start after a cancel as they do after a failure",
    file: kernel("Evolve"),
    find: `(event.cause === "failure" && survivesClosing(node, before))`,
    replace: `survivesClosing(node, before)`,
    test: [promises, "K11: "]
  },
  {
    promise: "K11",
    breaks: "children go on when their parent is cancelled",
    file: kernel("Outstanding"),
    find: `want: closes || wait.stopping !== undefined ? "stop" : "run"`,
    replace: `want: wait.stopping !== undefined && closes ? "stop" : "run"`,
    test: [promises, "K11: "]
  },
  {
    promise: "K12",
    breaks: "a step that backs off has no reason",
    file: kernel("Explain"),
    find: `      return [backoff(node.id, at.attempt, at.retryAt ?? now, now, at.error)]`,
    replace: `      return []`,
    test: [promises, "K12: "]
  },
  {
    promise: "K12",
    breaks: "a map that its rate holds back has no timer",
    file: kernel("Outstanding"),
    find: `return due === undefined ? undefined : { path: node.id, kind: "rate", n: 0, due }`,
    replace: `return due === undefined || due > 0 ? undefined : { path: node.id, kind: "rate", n: 0, due }`,
    test: [promises, "K12: "]
  },
  {
    promise: "K13",
    breaks: "every decision copies all nodes",
    file: kernel("RunState"),
    find: `    return new NodeTable(this.#base, new Map())`,
    replace: `    return new NodeTable(this.#base.map((node) => ({ ...node })), undefined)`,
    test: [flatCost]
  },
  {
    promise: "K13",
    breaks: "every offer looks at all items that have started before",
    file: kernel("EvolveStep"),
    find: `  if (table.status(index) === "ready" && table.again.at(0) === index) table.again.shift()`,
    replace:
      `  if (Array.from({ length: table.next }, (_, before) => table.status(before)).includes("waiting")) return true\n` +
      `  if (table.status(index) === "ready" && table.again.at(0) === index) table.again.shift()`,
    test: [flatCost]
  }
]
