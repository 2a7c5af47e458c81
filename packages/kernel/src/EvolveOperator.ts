/** Folding of what operators did. */
import type { Event } from "./Event.ts"
import { locate, makeReady } from "./EvolveStep.ts"
import type { RunState } from "./RunState.ts"

type Of<T extends Event["type"]> = Extract<Event, { readonly type: T }>

const change = (state: RunState, event: Of<"StepReopened">): void => {
  if (event.generation === undefined && event.modifications === undefined) return
  const generation = event.generation ?? state.changes.get(event.path)?.generation ?? 0
  state.changes = new Map(state.changes).set(event.path, { generation, modifications: event.modifications })
}

/** Its join is met already; what follows from that is decided like for any other. */
const unguarded = (state: RunState, index: number): boolean => {
  const at = state.nodes.edit(index)
  at.status = "pending"
  at.wait = undefined
  return true
}

export const reopened = (state: RunState, event: Of<"StepReopened">): boolean => {
  const address = locate(state, event.path)
  if (address === undefined) return false
  change(state, event)
  if (state.guarded.has(event.path)) {
    state.guarded = new Set([...state.guarded].filter((path) => path !== event.path))
    if (address.index === undefined && event.dueAt === undefined) return unguarded(state, address.node.index)
  }
  if (event.dueAt === undefined) return makeReady(state, event.path)
  const { index, node } = address
  if (index !== undefined) {
    const table = state.maps.edit(node.index)
    const error = table?.note(index)?.error
    table?.set(index, {
      status: "retrying",
      note: { retryAt: event.dueAt, ...(error === undefined ? {} : { error }) }
    })
    return table !== undefined
  }
  const at = state.nodes.edit(node.index)
  at.status = "retrying"
  at.retryAt = event.dueAt
  at.wait = undefined
  return true
}
