/** Making a run from another one: its settled steps are taken over first, then it goes on like any other (SEMANTICS 8.11e). */
import type { Refusal } from "./Command.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type { Reuse, ReusedStep } from "./EventReuse.ts"
import { reusedStepsMax } from "./EventReuse.ts"
import * as Finish from "./Finish.ts"
import { verdictOf } from "./PatchRule.ts"
import type { Plan, PlanNode } from "./Plan.ts"
import { isSettled } from "./RunState.ts"
import * as Settle from "./Settle.ts"
import * as StepPath from "./StepPath.ts"

type Kept = Reuse["steps"][number]

const nodeOf = (plan: Plan, path: string): PlanNode | undefined =>
  plan.byId.get(path) ?? plan.byId.get(StepPath.parse(path)?.node ?? "")

/** What is to be kept has to be in the plan; a caller that says otherwise is wrong about the run. */
export const problem = (plan: Plan, reuse: Reuse): Refusal | undefined => {
  const paths = [...reuse.steps, ...reuse.maps, ...reuse.changes].map(({ path }) => path)
  const lost = [...paths, ...reuse.guarded].find((path) => nodeOf(plan, path) === undefined)
  return lost === undefined
    ? undefined
    : { code: "REUSE_INVALID", message: `the flow has no step ${lost.slice(0, 200)} that could be kept` }
}

const matchOf = (node: PlanNode, step: Kept): Settle.Match =>
  step.status === "failed" ? node.onFailure === "continue" ? "continue" : "failure" : "success"

/** Edges that the source never had are decided now, from what the step came to. */
const withEdges = (draft: Draft, { undecided, ...step }: Kept): ReusedStep => {
  const node = draft.state.plan.byId.get(step.path)
  if (undecided === undefined || node === undefined) return step
  const decided = Settle.decideEdges(draft, node, matchOf(node, step), {
    index: node.index,
    status: step.status ?? "succeeded",
    output: step.output,
    outcome: step.outcome
  }, verdictOf(node, { output: step.output }))
  draft.erred.push(...decided.erred)
  const live = [...step.live ?? [], ...decided.live.filter((ordinal) => undecided.includes(ordinal))]
  return { ...step, ...(live.length === 0 ? {} : { live: live.toSorted((a, b) => a - b) }) }
}

/** What cannot be taken back stays known, however many runs are made from one another. */
const remember = (draft: Draft, started: ReadonlyArray<string>): void => {
  for (const part of chunks(started)) Drafts.emit(draft, { ...base(draft), steps: [], started: part })
}

const chunks = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from(
    { length: Math.ceil(list.length / reusedStepsMax) },
    (_, index) => list.slice(index * reusedStepsMax, (index + 1) * reusedStepsMax)
  )

const base = (draft: Draft) => ({ type: "StepsReused" as const, v: 1 as const, at: draft.at })

export const take = (draft: Draft, reuse: Reuse, by: string | undefined): undefined => {
  const { plan } = draft.state
  const nodes = reuse.steps.filter(({ path }) => plan.byId.has(path))
  const items = reuse.steps.filter(({ path }) => !plan.byId.has(path))
  const { changes, guarded, maps, warnings } = reuse
  const isDecided = ({ undecided }: Kept): boolean => undecided === undefined || undecided.length === 0
  for (const part of chunks(nodes.filter(isDecided))) Drafts.emit(draft, { ...base(draft), steps: part })
  // One by one: the condition of an edge may read a step that is kept with it.
  for (const step of nodes) {
    if (!isDecided(step)) Drafts.emit(draft, { ...base(draft), steps: [withEdges(draft, step)] })
  }
  if (maps.length > 0) Drafts.emit(draft, { ...base(draft), steps: [], maps })
  for (const part of chunks(items)) Drafts.emit(draft, { ...base(draft), steps: part })
  if (maps.length > 0 || guarded.length > 0 || changes.length > 0 || warnings.length > 0) {
    Drafts.emit(draft, {
      ...base(draft),
      steps: [],
      ...(maps.length === 0 ? {} : { opened: maps.map(({ path }) => path) }),
      ...(guarded.length === 0 ? {} : { guarded }),
      ...(changes.length === 0 ? {} : { changes }),
      ...(warnings.length === 0 ? {} : { warnings })
    })
  }
  remember(draft, reuse.started ?? [])
  if (reuse.note !== undefined) {
    const signed = by === undefined ? {} : { by }
    Drafts.emit(draft, { type: "NoteAdded", v: 1, at: draft.at, text: reuse.note, ...signed })
  }
  // A map of which every item is kept only has its list to gather.
  for (const { path } of maps) {
    const node = plan.byId.get(path)
    if (node !== undefined) Finish.checkMap(draft, node)
  }
  for (const node of plan.nodes) if (!isSettled(draft.state.nodes.get(node.index).status)) draft.todo.push(node.index)
  return undefined
}
