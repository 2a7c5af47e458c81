/** What holds of a run and the runs it waits for. */
import * as Child from "./Child.ts"
import { hasItem } from "./EvolveStep.ts"
import type { ItemTable } from "./ItemTable.ts"
import { rateDueAt } from "./Offer.ts"
import * as Outstanding from "./Outstanding.ts"
import * as Place from "./Place.ts"
import type { PlanNode } from "./Plan.ts"
import type { RunState } from "./RunState.ts"

type Say = (promise: string, message: string) => void

const canStart = (state: RunState, node: PlanNode, table: ItemTable | undefined): boolean => {
  const { status } = state.nodes.get(node.index)
  if (node.type === "flow") return status === "ready"
  return status === "open" && table !== undefined && node.each !== undefined && hasItem(table, node.each.parallel) &&
    rateDueAt(node.each, table, state.lastAt) === undefined
}

/** Costs nothing for plans that call no flow. */
export const children = (state: RunState, say: Say): void => {
  if (state.plan.callers.length === 0) return
  if (state.paused !== (state.pausedHere || state.pausedAbove)) say("K12", "the run is paused by nobody")
  const outstanding = Outstanding.children(state)
  if (state.finished !== undefined && outstanding.length > 0) {
    say("K4", "the run is finished, not all of its children are")
  }
  for (const { attempt, path, wait, want } of outstanding) {
    const run = Child.runOf(state.run, state.createdAt, path, attempt)
    if (wait.run !== run) say("K12", `${path} waits for ${wait.run}, its attempt ${attempt} started ${run}`)
    const stops = state.closing !== undefined && state.closing.cause !== "failure"
    if (stops && want !== "stop") say("K11", `${path} has a child that goes on in a run that stops`)
  }
  if (state.paused || state.finished !== undefined || Place.isQueued(state)) return
  for (const index of state.plan.callers) {
    const node = state.plan.nodes[index]
    if (node !== undefined && canStart(state, node, state.maps.get(index))) {
      say("K12", `${node.id} could start a child and has not`)
    }
  }
}
