/** Breaks of what holds between runs and the runs they start. */
import type { Mutation } from "./Mutation.ts"

const child = "packages/kernel/test/Child.test.ts"
const machine = "packages/engine/test/ChildRuns.test.ts"
const kernel = (name: string): string => `packages/kernel/src/${name}.ts`

export const childMutations: ReadonlyArray<Mutation> = [
  {
    promise: "K3",
    breaks: "the end of another run counts for the child that a step waits for",
    file: kernel("DecideChild"),
    find: `step.wait.run !== command.run || `,
    replace: ``,
    test: [child, "K3"]
  },
  {
    promise: "K4",
    breaks: "a run that closes settles the steps that wait for children, and ends before them",
    file: kernel("Evolve"),
    find: `if (EvolveChild.waitsForChild(before)) continue`,
    replace: ``,
    test: [child]
  },
  {
    promise: "K10",
    breaks: "children of a map do not count for its parallel",
    file: kernel("EvolveStep"),
    find: `if (event.wait.kind === "child") {
      table.active++`,
    replace: `if (event.wait.kind === "child") {`,
    test: [child, "K10"]
  },
  {
    promise: "K11",
    breaks: "a cancel does not reach children",
    file: kernel("Outstanding"),
    find: `want: closes || wait.stopping !== undefined ? "stop" : "run"`,
    replace: `want: wait.stopping !== undefined ? "stop" : "run"`,
    test: [child, "a cancel reaches the child"]
  },
  {
    promise: "K12",
    breaks: "a parent that is adopted does not look for its children",
    file: "packages/engine/src/ChildRuns.ts",
    find: `new Set(["RunClosing", "RunPaused", "RunResumed", "RunAdopted"])`,
    replace: `new Set(["RunClosing", "RunPaused", "RunResumed"])`,
    also: {
      find: `if (isAstray(parts, slot.tenant, state, child)) attend(parts, slot, child.path)`,
      replace: ``
    },
    test: [machine, "child.before-create"]
  }
]
