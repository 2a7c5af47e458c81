/** Folding of what a run keeps from the one it was made from. */
import type { Event } from "./Event.ts"
import type { ReusedMap, ReusedStep } from "./EventReuse.ts"
import * as Step from "./EvolveStep.ts"
import { ItemTable } from "./ItemTable.ts"
import type { PlanNode } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import type { StepError } from "./StepError.ts"
import type { OperatorWait } from "./Wait.ts"

type StepsReused = Extract<Event, { readonly type: "StepsReused" }>

const error: StepError = {
  code: "CALL_STARTED_BEFORE",
  kind: "policy",
  message: "the run that this one was made from had started its irreversible call",
  retryable: false
}

/** A step that may do again what cannot be taken back. */
export const guardedWait: OperatorWait = { kind: "operator", reason: "reused", error }

const node = (state: RunState, planNode: PlanNode, step: ReusedStep, time: number): boolean => {
  const at = state.nodes.edit(planNode.index)
  if (isSettled(at.status)) return false
  at.attempt = step.attempt
  at.offeredSeq = step.attempt > 0 ? state.seq : 0
  Step.settle(state, planNode, at, step.status ?? "succeeded", time)
  at.reused = true
  at.output = step.output
  at.outcome = step.outcome
  at.agent = step.agent
  at.error = step.error
  at.synthetic = step.synthetic === true
  Step.decideEdges(state, planNode, step.status === "skipped" ? undefined : step.live ?? [])
  return true
}

const item = (state: RunState, planNode: PlanNode, index: number, step: ReusedStep, time: number): boolean => {
  const table = state.maps.edit(planNode.index)
  if (table === undefined || table.status(index) !== "ready" || step.status !== undefined) return false
  table.succeeded++
  table.set(index, {
    status: "succeeded",
    attempt: step.attempt,
    endedAt: time,
    note: { reused: true },
    ...(step.output === undefined ? {} : { output: step.output })
  })
  return true
}

/** Every item is ready until it is said to be kept or guarded. */
const openMap = (state: RunState, map: ReusedMap, time: number): boolean => {
  const planNode = state.plan.byId.get(map.path)
  if (planNode?.map === undefined || !(map.count > 0 && state.steps + map.count <= state.plan.limits.steps)) {
    return false
  }
  const at = state.nodes.edit(planNode.index)
  if (at.status !== "pending" || state.maps.get(planNode.index) !== undefined) return false
  at.status = "open"
  at.startedAt = time
  at.offeredSeq = state.seq
  const table = ItemTable.make(map.count, map.items, state.seq)
  table.next = map.count
  for (let index = 0; index < map.count; index++) table.set(index, { status: "ready" })
  state.maps.set(planNode.index, table)
  state.steps += map.count
  return true
}

const guard = (state: RunState, guarded: Set<string>, path: string, time: number): boolean => {
  const address = Step.locate(state, path)
  if (address === undefined) return false
  guarded.add(path)
  if (address.index === undefined) return true
  const table = state.maps.edit(address.node.index)
  if (table === undefined || table.status(address.index) !== "ready") return false
  table.resting++
  table.set(address.index, { status: "waiting", note: { wait: guardedWait, waitingSince: time } })
  return true
}

/** What is left of the items is offered like those whose back-off is over. */
const list = (state: RunState, path: string): boolean => {
  const planNode = state.plan.byId.get(path)
  const table = planNode === undefined ? undefined : state.maps.edit(planNode.index)
  if (table === undefined || planNode?.map === undefined || table.again.size > 0) return false
  for (let at = 0; at < table.count; at++) if (table.status(at) === "ready") table.again.push(at)
  Step.list(state, planNode, table)
  return true
}

const guardAll = (state: RunState, paths: ReadonlyArray<string>, time: number): boolean => {
  const guarded = new Set(state.guarded)
  state.guarded = guarded
  return paths.every((path) => guard(state, guarded, path, time))
}

export const reused = (state: RunState, event: StepsReused): boolean => {
  Step.warn(state, event.warnings)
  for (const map of event.maps ?? []) if (!openMap(state, map, event.at)) return false
  for (const step of event.steps) {
    const address = Step.locate(state, step.path)
    if (address === undefined) return false
    const kept = address.index === undefined
      ? node(state, address.node, step, event.at)
      : item(state, address.node, address.index, step, event.at)
    if (!kept) return false
  }
  if (event.guarded !== undefined && !guardAll(state, event.guarded, event.at)) return false
  for (const { modifications, path } of event.changes ?? []) {
    state.changes = new Map(state.changes).set(path, { generation: 1, modifications })
  }
  return (event.opened ?? []).every((path) => list(state, path))
}
