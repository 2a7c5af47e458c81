/**
 * What must exist outside the journal for a run to go on: the offers that workers must have, and the timers that must be
 * set. The sweeper compares this with what is there and repairs it (SEMANTICS 8.2, 8.3).
 */
import { rateDueAt } from "./Offer.ts"
import type { Plan } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import { graceMs } from "./Settle.ts"
import * as StepPath from "./StepPath.ts"

export interface Offer {
  readonly path: string
  readonly attempt: number
  /** The queue: the node type; `gather` for the list of a map. */
  readonly type: string
}

export interface Timer {
  readonly path: string
  readonly kind: "retry" | "wait" | "timeout" | "deadline" | "grace" | "rate"
  /** The attempt it was set for; 0 for the run's own timers, whose path is empty. */
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

const itemTimers = (state: RunState, index: number): ReadonlyArray<Timer> => {
  const node = state.plan.nodes[index]
  const table = state.maps.get(index)
  if (node?.each === undefined || table === undefined || state.nodes.get(index).status !== "open") return []
  const timers: Array<Timer> = []
  for (let item = 0; table.resting > 0 && item < table.next; item++) {
    const due = table.status(item) === "retrying" ? table.note(item)?.retryAt : undefined
    if (due !== undefined) {
      timers.push({ path: StepPath.item(node.id, item), kind: "retry", n: table.attempt(item), due })
    }
  }
  const due = rateTimer(state, index)
  return due === undefined ? timers : [...timers, due]
}

/** When a map that its rate holds back may go on. */
export const rateTimer = (state: RunState, index: number): Timer | undefined => {
  const node = state.plan.nodes[index]
  const table = state.maps.get(index)
  if (node?.each === undefined || table === undefined || !table.listed || state.closing !== undefined) return undefined
  const due = rateDueAt(node.each, table, state.lastAt)
  return due === undefined ? undefined : { path: node.id, kind: "rate", n: 0, due }
}

/** The timers of the run as a whole. */
export const runTimers = (state: RunState): ReadonlyArray<Timer> => {
  if (state.finished !== undefined) return []
  if (state.closing !== undefined && state.closing.cause !== "failure") {
    return [{ path: "", kind: "grace", n: 0, due: state.closing.at + graceMs }]
  }
  return state.deadlineAt === undefined ? [] : [{ path: "", kind: "deadline", n: 0, due: state.deadlineAt }]
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
  if (at.wait.dueAt === undefined) return undefined
  return { path: node.id, kind: at.wait.kind === "event" ? "timeout" : "wait", n: at.attempt, due: at.wait.dueAt }
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

export interface Outstanding {
  readonly offers: ReadonlyArray<Offer>
  readonly timers: ReadonlyArray<Timer>
}

export const outstanding = (state: RunState): Outstanding =>
  state.finished === undefined ? { offers: offered(state), timers: timers(state) } : { offers: [], timers: [] }
