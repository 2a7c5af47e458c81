/** Who gets the free slots (SEMANTICS 8.7b): ready groups take turns, one step or one item each; never more than `parallel`. */
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { dropStale, offer as offerStep } from "./EvolveStep.ts"
import type { ItemTable } from "./ItemTable.ts"
import type { EachSpec } from "./Plan.ts"
import * as StepPath from "./StepPath.ts"

/** When the next item of a map may start under its `rate`; `undefined`: now. */
export const rateDueAt = (each: EachSpec, table: ItemTable, at: number): number | undefined => {
  if (each.rate === undefined || table.starts.size < each.rate.count) return undefined
  const due = (table.starts.at(0) ?? 0) + each.rate.windowMs
  return due > at ? due : undefined
}

/** The offer at the front of the ready queue; `undefined` when it is a map that its rate holds back. */
const front = (draft: Draft, index: number): readonly [string, number] | undefined => {
  const node = Drafts.planNode(draft, index)
  const at = draft.state.nodes.get(index)
  if (at.status === "ready") return [node.id, at.attempt + 1]
  const table = draft.state.maps.get(index)
  if (table === undefined || node.each === undefined || rateDueAt(node.each, table, draft.at) !== undefined) {
    return undefined
  }
  const item = table.again.at(0) ?? table.next
  return [StepPath.item(node.id, item), table.attempt(item) + 1]
}

/**
 * Fills the free slots, those that waited first, then those that became ready in this decision; the rest of the latter is
 * recorded as ready. All of it is at most two events, however many steps it moves.
 */
export const fill = (draft: Draft): void => {
  const { state } = draft
  const steps: Array<readonly [string, number]> = []
  const { parallel } = state.plan.limits
  const free = (): boolean => !state.paused && state.offered < parallel
  const held: Array<number> = []
  // The events are emitted below, but the choice of the next step depends on the ones before: each is played at once.
  const take = (step: readonly [string, number]): void => {
    // The first one stands for the event as a whole.
    if (steps.length === 0) {
      state.seq++
      state.lastAt = draft.at
    }
    steps.push(step)
    offerStep(state, step[0], step[1], draft.at)
  }
  while (free()) {
    dropStale(state)
    const head = state.ready.at(0)
    if (head === undefined) break
    const step = front(draft, head)
    if (step === undefined) {
      state.ready.shift()
      held.push(head)
    } else take(step)
  }
  for (const index of held) state.ready.push(index)
  const late: Array<string> = []
  for (const index of draft.fresh) {
    const node = Drafts.planNode(draft, index)
    if (free()) take([node.id, state.nodes.get(index).attempt + 1])
    else late.push(node.id)
  }
  draft.fresh.clear()
  if (steps.length > 0) draft.events.push({ type: "StepsDispatched", v: 1, at: draft.at, steps })
  if (late.length > 0) Drafts.emit(draft, { type: "StepsReady", v: 1, at: draft.at, paths: late })
}
