/**
 * What holds of every state between two records: counters say what the steps say, nothing runs whose join is not met, and
 * a run that is not finished can go on. Tests, the simulator and support tools fold a journal and ask here.
 *
 * Cost: linear in nodes and map items. A sealed state and one before its first event have nothing to check.
 */
import { waitsForChild } from "./EvolveChild.ts"
import { childItems } from "./EvolveItems.ts"
import { hasItem } from "./EvolveStep.ts"
import { explain, stepsMax } from "./Explain.ts"
import type { Reason } from "./ExplainWait.ts"
import { children } from "./InvariantsChild.ts"
import { conversations } from "./InvariantsConversation.ts"
import * as Ledger from "./InvariantsLedger.ts"
import * as InvariantsPatch from "./InvariantsPatch.ts"
import { place } from "./InvariantsPlace.ts"
import type { ItemStatus, ItemTable } from "./ItemTable.ts"
import { rateDueAt } from "./Offer.ts"
import * as Outstanding from "./Outstanding.ts"
import { isQueued } from "./Place.ts"
import type { PlanNode } from "./Plan.ts"
import type { NodeState, RunState } from "./RunState.ts"
import { isSettled, joinState } from "./RunState.ts"

export type Say = (promise: string, message: string) => void

/** Promises that do not hold, each with its number and the step; empty when all do. */
export const violations = (state: RunState): ReadonlyArray<string> => {
  if (state.sealed !== undefined || state.seq === 0) return []
  const found: Array<string> = []
  const say: Say = (promise, message) => found.push(`${promise}: ${message} (seq ${state.seq})`)
  counts(state, say)
  const queue = queued(state)
  for (const node of state.plan.nodes) {
    const at = state.nodes.get(node.index)
    edges(state, node, at, say)
    steps(state, node, at, queue, say)
    const table = state.maps.get(node.index)
    if (table !== undefined) items(state, node, at, table, queue, say)
  }
  children(state, say)
  conversations(state, say)
  place(state, say)
  whole(state, say)
  Ledger.check(state, say)
  InvariantsPatch.check(state, say)
  return found
}

const queued = (state: RunState): ReadonlySet<number> => {
  const found = new Set<number>()
  for (let offset = 0; offset < state.ready.size; offset++) found.add(state.ready.at(offset) ?? -1)
  return found
}

/** The counters are projections of the steps (K4, K10). */
const counts = (state: RunState, say: Say): void => {
  let offered = 0
  let unsettled = 0
  let steps = state.plan.nodes.length
  for (const node of state.plan.nodes) {
    const { status } = state.nodes.get(node.index)
    if (status === "queued") offered++
    if (!isSettled(status)) unsettled++
    const table = state.maps.get(node.index)
    steps += table?.count ?? 0
    for (let item = 0; table !== undefined && item < table.count; item++) {
      if (table.status(item) === "queued") offered++
    }
  }
  if (offered !== state.offered) say("K4", `${offered} attempts are offered, the counter says ${state.offered}`)
  if (unsettled !== state.unsettled) say("K4", `${unsettled} nodes are open, the counter says ${state.unsettled}`)
  if (steps !== state.steps) say("K4", `there are ${steps} steps, the counter says ${state.steps}`)
  const { parallel } = state.plan.limits
  if (offered > parallel) say("K10", `${offered} attempts are offered, ${parallel} are allowed`)
}

/** An edge is decided exactly when its source has settled. */
const edges = (state: RunState, node: PlanNode, at: NodeState, say: Say): void => {
  const decided = node.incoming.filter((edge) => isSettled(state.nodes.get(edge.from).status)).length
  if (at.liveIn + at.deadIn !== decided) {
    say("K1", `${node.id} has ${at.liveIn} live and ${at.deadIn} dead edges, but ${decided} sources have settled`)
  }
  const begun = at.offeredSeq > 0 || (at.attempt > 0 && isSettled(at.status)) ||
    at.status === "ready" || at.status === "waiting" || at.status === "retrying" || at.status === "open"
  if (begun && joinState(node, at) !== "met") say("K1", `${node.id} is ${at.status}, its join ${joinState(node, at)}`)
}

const steps = (state: RunState, node: PlanNode, at: NodeState, queue: ReadonlySet<number>, say: Say): void => {
  const { id } = node
  if (isSettled(at.status) && (at.settledSeq === 0 || at.wait !== undefined || at.retryAt !== undefined)) {
    say("K2", `${id} is ${at.status}, but not all of it is`)
  }
  if (at.status === "ready" && node.type !== "flow" && !queue.has(node.index)) {
    say("K12", `${id} is ready and in no queue`)
  }
  if (at.status === "pending" && state.closing === undefined && !isQueued(state) && joinState(node, at) !== "open") {
    say("K1", `${id} is pending, its join ${joinState(node, at)}`)
  }
  if (at.status === "retrying" && at.retryAt === undefined) say("K12", `${id} backs off without an end`)
  if (at.status === "waiting" && at.wait === undefined) say("K12", `${id} waits for nothing`)
  const { closing } = state
  if (closing === undefined || state.finished !== undefined) return
  const idle = at.status === "retrying" || (closing.cause !== "failure" && !isSettled(at.status) &&
    at.status !== "queued" && at.status !== "open" && at.status !== "pending" && !waitsForChild(at))
  if (idle) say("K11", `${id} is ${at.status} in a closing run`)
}

/** The columns of a map against its counters, and its place in the queue. */
const items = (
  state: RunState,
  node: PlanNode,
  at: NodeState,
  table: ItemTable,
  queue: ReadonlySet<number>,
  say: Say
): void => {
  const seen: { [S in ItemStatus]: number } = {
    pending: 0,
    queued: 0,
    retrying: 0,
    waiting: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    ready: 0
  }
  for (let item = 0; item < table.count; item++) {
    const status = table.status(item)
    seen[status]++
    if (status === "pending" && item < table.next) say("K12", `${node.id}[${item}] was passed over`)
  }
  const children = childItems(table).length
  const same = seen.queued + children === table.active &&
    seen.retrying + seen.waiting - children === table.resting &&
    seen.succeeded === table.succeeded && seen.failed === table.failed && seen.cancelled === table.cancelled
  if (!same) say("K4", `${node.id}: its items do not add up to its counters`)
  const again = new Set<number>()
  for (let offset = 0; offset < table.again.size; offset++) again.add(table.again.at(offset) ?? -1)
  if (again.size !== table.again.size || again.size !== seen.ready) say("K12", `${node.id}: its returns do not add up`)
  const stalled = table.settled < table.count && table.stopped && seen.queued === 0 && seen.waiting === 0
  if (stalled) say("K12", `${node.id} has stopped with items that can never settle`)
  if (isSettled(at.status) && table.settled < table.count) say("K4", `${node.id} is ${at.status}, its items are not`)
  const parallel = node.each?.parallel ?? 0
  if (seen.queued + children > parallel) {
    say("K10", `${node.id}: ${seen.queued + children} items are under way, ${parallel} are allowed`)
  }
  const called = node.each?.body.type === "flow"
  if (at.status === "open" && hasItem(table, parallel) && !called && !queue.has(node.index)) {
    say("K12", `${node.id} has an item to offer and is in no queue`)
  }
}

/** The run as a whole: ended exactly when nothing is left, and going on otherwise (K4, K5, K11, K12). */
const whole = (state: RunState, say: Say): void => {
  const outstanding = Outstanding.outstanding(state)
  const reasons = explain(state, state.lastAt)
  if (state.finished !== undefined) {
    if (state.unsettled > 0 || state.offered > 0) say("K4", "the run is finished, not all of its steps are")
    if (outstanding.timers.length > 0) say("K4", "the run is finished, not all of its timers are")
    if (reasons.length > 0) say("K12", "a finished run has a reason not to be")
    return
  }
  if (state.unsettled === 0 && state.review === undefined && !isQueued(state)) {
    say("K4", "every step has settled and the run is not finished")
  }
  if (reasons.length === 0 || reasons.some((reason) => reason.door === "")) {
    say("K12", "a reason or its door is missing")
  }
  // A run without a place has one reason, and its next event is its place.
  if (isQueued(state)) return
  explained(state, reasons, say)
  if (outstanding.offers.length !== state.offered) say("K12", "not every offered attempt is outstanding")
  if (state.paused) return
  const free = state.offered < state.plan.limits.parallel
  const able = offerable(state)
  if (free && able !== undefined) say("K12", `${able} could be offered and is not`)
  const open = state.plan.nodes.some((node) => {
    const at = state.nodes.get(node.index)
    return at.status === "waiting" || at.status === "retrying" || (state.maps.get(node.index)?.resting ?? 0) > 0 ||
      state.maps.get(node.index)?.unfunded === true ||
      (state.maps.get(node.index)?.active ?? 0) > 0
  })
  if (state.offered === 0 && outstanding.timers.length === 0 && !open && state.review === undefined) {
    say("K12", "nothing is under way, nothing will be")
  }
}

/** Each open step has a reason of its own, as far as they are listed one by one. */
const explained = (state: RunState, reasons: ReadonlyArray<Reason>, say: Say): void => {
  if (reasons.length >= stepsMax) return
  const paths = new Set(reasons.map(({ path }) => path?.split("[", 1)[0]))
  for (const node of state.plan.nodes) {
    if (!isSettled(state.nodes.get(node.index).status) && !paths.has(node.id)) say("K12", `${node.id} has no reason`)
  }
}

const offerable = (state: RunState): string | undefined =>
  state.plan.nodes.find((node) => {
    const at = state.nodes.get(node.index)
    if (at.status === "ready" && node.type !== "flow") return true
    const table = state.maps.get(node.index)
    return at.status === "open" && table !== undefined && node.each !== undefined && node.each.body.type !== "flow" &&
      hasItem(table, node.each.parallel) && rateDueAt(node.each, table, state.lastAt) === undefined
  })?.id
