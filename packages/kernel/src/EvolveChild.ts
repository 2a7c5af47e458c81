/** Folding of what happens between a run and its children. */
import type { Event } from "./Event.ts"
import { locate } from "./EvolveStep.ts"
import type { PlanNode } from "./Plan.ts"
import type { NodeState, RunState } from "./RunState.ts"

/**
 * A node that closing leaves alone: the target of an `always` edge that may still come live, after a failure. A map or
 * repeat is none: no item starts in a closing run (SEMANTICS 8.5b).
 */
export const outlives = (node: PlanNode): boolean =>
  node.each === undefined && node.incoming.some((edge) => edge.on === "always")

export const waitsForChild = (at: NodeState): boolean => at.status === "waiting" && at.wait?.kind === "child"

export const stopping = (state: RunState, event: Extract<Event, { type: "ChildStopping" }>): boolean => {
  const address = locate(state, event.path)
  if (address === undefined) return false
  const { index, node } = address
  if (index === undefined) {
    const at = state.nodes.edit(node.index)
    if (at.wait?.kind !== "child") return false
    at.wait = { ...at.wait, stopping: event.error }
    return true
  }
  const table = state.maps.edit(node.index)
  const note = table?.note(index)
  if (table === undefined || note?.wait?.kind !== "child") return false
  table.set(index, { status: "waiting", note: { ...note, wait: { ...note.wait, stopping: event.error } } })
  return true
}
