/** Folding of containers: a map's list, the turns of a repeat, what stops them, and what is cancelled. */
import { decideEdges, leave, list, locate, type Of, settle } from "./EvolveStep.ts"
import * as Turn from "./EvolveTurn.ts"
import { Fifo } from "./Fifo.ts"
import { ItemTable } from "./ItemTable.ts"
import type { PlanNode } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import * as StepPath from "./StepPath.ts"
import { none } from "./Value.ts"

export const expanded = (state: RunState, event: Of<"MapExpanded">): boolean => {
  const node = state.plan.byId.get(event.path)
  if (node?.map === undefined || !(event.count >= 0 && state.steps + event.count <= state.plan.limits.steps)) {
    return false
  }
  const at = state.nodes.edit(node.index)
  at.status = "open"
  at.startedAt = event.at
  at.offeredSeq = state.seq
  const table = ItemTable.make(event.count, event.items, state.seq)
  state.maps.set(node.index, table)
  state.steps += event.count
  list(state, node, table)
  return true
}

/** The next turn of a repeat; the first one opens it. What no later turn reads is let go. */
export const turnOpened = (state: RunState, event: Of<"TurnOpened">): boolean => {
  const node = state.plan.byId.get(event.path)
  if (node?.repeat === undefined || event.index >= node.repeat.max || state.steps >= state.plan.limits.steps) {
    return false
  }
  const at = state.nodes.edit(node.index)
  if (event.index === 0 && at.status === "pending") {
    at.status = "open"
    at.attempt = 1
    at.startedAt = event.at
    at.offeredSeq = state.seq
    state.maps.set(node.index, ItemTable.make(0, none, state.seq))
  }
  const table = state.maps.edit(node.index)
  if (table === undefined || at.status !== "open" || event.index !== table.count) return false
  table.grow()
  state.steps++
  if (event.index > 1) table.forget(event.index - 2)
  list(state, node, table)
  return true
}

const cancelItem = (state: RunState, node: PlanNode, table: ItemTable, index: number, time: number): void => {
  const before = table.status(index)
  if (before === "succeeded" || before === "failed" || before === "cancelled") return
  leave(state, table, index)
  table.cancelled++
  const usage = state.conversations === undefined
    ? undefined
    : Turn.settled(state, StepPath.item(node.id, index), undefined)
  table.set(index, { status: "cancelled", endedAt: time, ...(usage === undefined ? {} : { note: { usage } }) })
}

/** Items that wait because nobody knows whether their irreversible call happened. */
export const unknownItems = (table: ItemTable): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let index = 0; table.resting > 0 && index < table.next; index++) {
    const wait = table.status(index) === "waiting" ? table.note(index)?.wait : undefined
    if (wait?.kind === "operator" && wait.reason === "unknown_outcome") found.push(index)
  }
  return found
}

/** Items that wait for the end of a child run. */
export const childItems = (table: ItemTable): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let index = 0; table.active > 0 && index < table.next; index++) {
    if (table.status(index) === "waiting" && table.note(index)?.wait?.kind === "child") found.push(index)
  }
  return found
}

/**
 * No further item starts; what is not under way is cancelled. Items with an unknown outcome are left to fail, and children
 * to end, which is said by events of their own.
 */
export const stopItems = (state: RunState, node: PlanNode, table: ItemTable, time: number): void => {
  table.stopped = true
  const left = new Set([...unknownItems(table), ...childItems(table)])
  for (let index = 0; index < table.count; index++) {
    if (table.status(index) !== "queued" && !left.has(index)) cancelItem(state, node, table, index, time)
  }
  table.again = Fifo.make()
  table.next = table.count
}

export const cancelled = (state: RunState, event: Of<"StepsCancelled">): boolean => {
  for (const path of event.paths) {
    const address = locate(state, path)
    if (address === undefined) return false
    if (address.index !== undefined) {
      const table = state.maps.edit(address.node.index)
      if (table !== undefined) cancelItem(state, address.node, table, address.index, event.at)
      continue
    }
    const at = state.nodes.edit(address.node.index)
    if (isSettled(at.status)) continue
    if (at.status === "queued") state.offered--
    settle(state, address.node, at, "cancelled", event.at)
    decideEdges(state, address.node, undefined)
  }
  return true
}
