/**
 * What must exist outside the journal for a run to go on: the offers that workers must have, the timers that must be set,
 * and the runs that this one has started. The sweeper compares this with what is there and repairs it (SEMANTICS 8.2, 8.3).
 */
import { outlives } from "./EvolveChild.ts"
import { childItems } from "./EvolveItems.ts"
import { hasItem, locate } from "./EvolveStep.ts"
import type { ItemTable } from "./ItemTable.ts"
import { rateDueAt } from "./Offer.ts"
import type { Plan, PlanNode } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import { graceMs } from "./Settle.ts"
import * as StepPath from "./StepPath.ts"
import type { ChildWait } from "./Wait.ts"

export interface Offer {
  readonly path: string
  readonly attempt: number
  /** The queue: the node type; `gather` for the list of a map. */
  readonly type: string
}

export interface Timer {
  readonly path: string
  readonly kind: "retry" | "wait" | "timeout" | "deadline" | "grace" | "rate" | "patch"
  /** The attempt it was set for; 0 for the run's own timers, whose path is empty, or the id of a patch in review. */
  readonly n: number
  readonly due: number
}

/** The queue of a path: its node type, the body's type for an item, `gather` for a map as a whole. */
export const offerType = (nodes: Plan["byId"], path: string): string | undefined => {
  const plain = nodes.get(path)
  if (plain !== undefined) return plain.map === undefined ? plain.type : "gather"
  return nodes.get(path.slice(0, path.indexOf("[")))?.each?.body.type
}

/** Every attempt that is offered and not answered. */
export const offered = (state: RunState): ReadonlyArray<Offer> => {
  const offers: Array<Offer> = []
  if (state.offered === 0) return offers
  for (const node of state.plan.nodes) {
    const at = state.nodes.get(node.index)
    if (at.status === "queued") {
      offers.push({ path: node.id, attempt: at.attempt, type: node.map === undefined ? node.type : "gather" })
    }
    const table = state.maps.get(node.index)
    if (at.status !== "open" || table === undefined || node.each === undefined || table.active === 0) continue
    for (let index = 0; index < table.next; index++) {
      if (table.status(index) === "queued") {
        offers.push({
          path: StepPath.item(node.id, index),
          attempt: table.attempt(index),
          type: node.each.body.type
        })
      }
    }
  }
  return offers
}

/** The timer of one item: its back-off, or how long its child, or the people it asks, may take. */
export const itemTimer = (node: PlanNode, table: ItemTable, item: number): Timer | undefined => {
  const status = table.status(item)
  if (status !== "retrying" && status !== "waiting") return undefined
  const note = table.note(item)
  const path = StepPath.item(node.id, item)
  const n = table.attempt(item)
  if (status === "retrying") {
    return note?.retryAt === undefined
      ? undefined
      : { path, kind: "retry", n, due: note.retryAt }
  }
  const wait = note?.wait
  const due = wait?.kind === "child" ? childDue(wait) : wait?.kind === "approval" ? wait.dueAt : undefined
  return due === undefined ? undefined : { path, kind: "timeout", n, due }
}

/** A child that has been told to stop is waited for without a limit of its own: its run has one. */
const childDue = (wait: ChildWait): number | undefined => wait.stopping === undefined ? wait.dueAt : undefined

const itemTimers = (state: RunState, index: number): ReadonlyArray<Timer> => {
  const node = state.plan.nodes[index]
  const table = state.maps.get(index)
  if (node?.each === undefined || table === undefined || state.nodes.get(index).status !== "open") return []
  const timers: Array<Timer> = []
  const timed = table.resting > 0 || (table.active > 0 && node.each.body.type === "flow")
  for (let item = 0; timed && item < table.next; item++) {
    const timer = itemTimer(node, table, item)
    if (timer !== undefined) timers.push(timer)
  }
  const due = rateTimer(state, index)
  return due === undefined ? timers : [...timers, due]
}

/** When a map that its rate holds back may go on. */
export const rateTimer = (state: RunState, index: number): Timer | undefined => {
  const node = state.plan.nodes[index]
  const table = state.maps.get(index)
  if (node?.each === undefined || table === undefined || state.closing !== undefined) return undefined
  // Children are in no queue for slots.
  const waits = table.listed || table.unfunded || (node.each.body.type === "flow" && hasItem(table, node.each.parallel))
  if (!waits) return undefined
  const due = rateDueAt(node.each, table, state.lastAt)
  return due === undefined ? undefined : { path: node.id, kind: "rate", n: 0, due }
}

/** The timers of the run as a whole. */
export const runTimers = (state: RunState): ReadonlyArray<Timer> => {
  if (state.finished !== undefined) return []
  if (state.closing !== undefined && state.closing.cause !== "failure") {
    return [{ path: "", kind: "grace", n: 0, due: state.closing.at + graceMs }]
  }
  const { deadlineAt, review } = state
  return [
    ...(deadlineAt === undefined ? [] : [{ path: "", kind: "deadline", n: 0, due: deadlineAt } as const]),
    ...(review?.dueAt === undefined ? [] : [{ path: review.id, kind: "patch", n: 0, due: review.dueAt } as const])
  ]
}

/** The timer of one node, if it rests until a time. */
export const nodeTimer = (state: RunState, index: number): Timer | undefined => {
  const node = state.plan.nodes[index]
  const at = state.nodes.get(index)
  if (node === undefined || isSettled(at.status)) return undefined
  if (at.status === "retrying" && at.retryAt !== undefined) {
    return { path: node.id, kind: "retry", n: at.attempt, due: at.retryAt }
  }
  if (at.status !== "waiting" || at.wait === undefined || at.wait.kind === "operator") return undefined
  if (at.wait.kind === "budget") return undefined
  if (at.wait.kind === "child") {
    const due = childDue(at.wait)
    return due === undefined ? undefined : { path: node.id, kind: "timeout", n: at.attempt, due }
  }
  if (at.wait.dueAt === undefined) return undefined
  return { path: node.id, kind: at.wait.kind === "timer" ? "wait" : "timeout", n: at.attempt, due: at.wait.dueAt }
}

export const timers = (state: RunState): ReadonlyArray<Timer> => {
  if (state.finished !== undefined) return []
  return [
    ...runTimers(state),
    ...state.plan.nodes.flatMap((node) => {
      const timer = nodeTimer(state, node.index)
      return timer === undefined ? [] : [timer]
    }),
    ...state.plan.nodes.flatMap((node) => itemTimers(state, node.index))
  ]
}

/** A run that must exist because a step of this one waits for it, and what it is to do. */
export interface Child {
  readonly path: string
  readonly attempt: number
  readonly wait: ChildWait
  readonly want: "run" | "stop"
}

const childOf = (state: RunState, node: PlanNode, path: string, attempt: number, wait: ChildWait): Child => {
  // After a failure what hangs on an `always` edge goes on, a child as anything else.
  const closes = state.closing !== undefined && !(state.closing.cause === "failure" && outlives(node))
  return { path, attempt, wait, want: closes || wait.stopping !== undefined ? "stop" : "run" }
}

/** Children that are not over, as far as this run knows. */
export const children = (state: RunState): ReadonlyArray<Child> => {
  const found: Array<Child> = []
  for (const index of state.plan.callers) {
    const node = state.plan.nodes[index]
    const at = state.nodes.get(index)
    if (node === undefined || isSettled(at.status)) continue
    if (at.status === "waiting" && at.wait?.kind === "child") {
      found.push(childOf(state, node, node.id, at.attempt, at.wait))
    }
    const table = state.maps.get(index)
    for (const item of table === undefined ? [] : childItems(table)) {
      const wait = table?.note(item)?.wait
      if (wait?.kind !== "child") continue
      found.push(childOf(state, node, StepPath.item(node.id, item), table?.attempt(item) ?? 1, wait))
    }
  }
  return found
}

/** The child that the step at a path waits for, if it does. */
export const childAt = (state: RunState, path: string): Child | undefined => {
  const address = locate(state, path)
  if (address === undefined) return undefined
  const { index, node } = address
  const table = index === undefined ? undefined : state.maps.get(node.index)
  const at = state.nodes.get(node.index)
  const status = index === undefined ? at.status : table?.status(index)
  const wait = index === undefined ? at.wait : table?.note(index)?.wait
  if (status !== "waiting" || wait?.kind !== "child") return undefined
  return childOf(state, node, path, index === undefined ? at.attempt : table?.attempt(index) ?? 1, wait)
}

export interface Outstanding {
  readonly offers: ReadonlyArray<Offer>
  readonly timers: ReadonlyArray<Timer>
  readonly children: ReadonlyArray<Child>
}

export const outstanding = (state: RunState): Outstanding =>
  state.finished === undefined
    ? { offers: offered(state), timers: timers(state), children: children(state) }
    : { offers: [], timers: [], children: [] }
