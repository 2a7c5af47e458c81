/**
 * Folding of what happens to single steps: offers, answers, back-off, waits, skips, items of maps. `Evolve` is the entry.
 * Every function answers whether the event fits the plan; one that does not seals the run.
 */
import type { Event } from "./Event.ts"
import * as Turn from "./EvolveTurn.ts"
import type { ItemNote, ItemTable } from "./ItemTable.ts"
import type { PlanNode } from "./Plan.ts"
import type { ReceiptNote } from "./Receipt.ts"
import type { NodeState, NodeStatus, RunState, Warning } from "./RunState.ts"
import { isSettled, warningsMax } from "./RunState.ts"
import * as StepPath from "./StepPath.ts"
import * as Usages from "./Usage.ts"
import { none } from "./Value.ts"

export type Of<T extends Event["type"]> = Extract<Event, { readonly type: T }>

export const warn = (state: RunState, warnings: ReadonlyArray<Warning> | undefined): void => {
  if (warnings === undefined || state.warnings.length >= warningsMax) return
  state.warnings = [...state.warnings, ...warnings].slice(0, warningsMax)
}

/** Whether a map has an item that may be offered now, the rate aside. */
export const hasItem = (table: ItemTable, parallel: number): boolean =>
  !table.stopped && !table.unfunded && table.active < parallel && (table.again.size > 0 || table.next < table.count)

/** Puts a map that has an item to offer into the ready queue. */
export const list = (state: RunState, node: PlanNode, table: ItemTable): void => {
  if (table.listed || node.each === undefined || !hasItem(table, node.each.parallel)) return
  // Children take no slot: they are started as soon as the container has room.
  if (node.each.body.type === "flow") return
  table.listed = true
  state.ready.push(node.index)
}

export const settle = (state: RunState, node: PlanNode, at: NodeState, status: NodeStatus, time: number): void => {
  if (!isSettled(at.status)) state.unsettled--
  at.status = status
  at.settledSeq = state.seq
  at.settledAt = time
  at.wait = undefined
  at.retryAt = undefined
  at.usage = Turn.settled(state, node.id, undefined)
}

/** Marks the outgoing edges: those listed are live, the others dead. */
export const decideEdges = (state: RunState, node: PlanNode, live: ReadonlyArray<number> | undefined): void => {
  if (live !== undefined) state.nodes.edit(node.index).live = live
  for (const edge of node.outgoing) {
    const target = state.nodes.edit(edge.to)
    if (live !== undefined && live.includes(edge.ordinal)) target.liveIn++
    else target.deadIn++
  }
}

interface Address {
  readonly node: PlanNode
  readonly index: number | undefined
}

export const locate = (state: RunState, path: string): Address | undefined => {
  // Most paths are plain node ids: the cheap look-up first.
  const plain = state.plan.byId.get(path)
  if (plain !== undefined) return { node: plain, index: undefined }
  const parsed = StepPath.parse(path)
  const node = parsed === undefined ? undefined : state.plan.byId.get(parsed.node)
  if (node === undefined || parsed === undefined) return undefined
  if (parsed.index !== undefined && parsed.index >= (state.maps.get(node.index)?.count ?? 0)) return undefined
  return { node, index: parsed.index }
}

/** Whether an entry of the ready queue still has something to offer, the rate aside. */
export const isOfferable = (state: RunState, index: number): boolean => {
  if (state.nodes.get(index).status === "ready") return true
  const table = state.maps.get(index)
  const parallel = state.plan.nodes[index]?.each?.parallel
  return table !== undefined && parallel !== undefined && hasItem(table, parallel)
}

/** Entries at the front whose turn came out of order, or that have nothing left. */
export const dropStale = (state: RunState): void => {
  for (let head = state.ready.at(0); head !== undefined && !isOfferable(state, head); head = state.ready.at(0)) {
    state.ready.shift()
    const table = state.maps.edit(head)
    if (table !== undefined) table.listed = false
  }
}

/** Takes an item out of where it is; what it goes to next is the caller's to say. */
export const leave = (state: RunState, table: ItemTable, index: number): void => {
  switch (table.status(index)) {
    case "queued":
      state.offered--
      table.active--
      return
    case "waiting":
      if (table.note(index)?.wait?.kind === "child") table.active--
      else table.resting--
      return
    case "retrying":
      table.resting--
      return
    case "pending":
      if (index >= table.next) table.next = index + 1
      return
    case "ready":
      if (table.again.at(0) === index) table.again.shift()
  }
}

/** The start of an item counts for the rate. */
const started = (table: ItemTable, node: PlanNode, time: number): void => {
  const rate = node.each?.rate
  if (rate === undefined) return
  table.starts.push(time)
  if (table.starts.size > rate.count) table.starts.shift()
}

/** One offered attempt: the step leaves the ready queue, and a map goes to its back or leaves it. */
export const offer = (state: RunState, path: string, attempt: number, time: number): boolean => {
  const address = locate(state, path)
  if (address === undefined) return false
  const { index, node } = address
  state.offered++
  dropStale(state)
  if (index === undefined) {
    const at = state.nodes.edit(node.index)
    if (at.status === "ready" && state.ready.at(0) === node.index) state.ready.shift()
    at.status = "queued"
    at.attempt = attempt
    at.retryAt = undefined
    at.wait = undefined
    at.callStarted = false
    if (at.offeredSeq === 0) at.offeredSeq = state.seq
    return true
  }
  const table = state.maps.edit(node.index)
  if (table === undefined) return false
  if (table.status(index) === "ready" && table.again.at(0) === index) table.again.shift()
  else if (index >= table.next) table.next = index + 1
  table.active++
  table.set(index, { status: "queued", attempt, note: undefined })
  started(table, node, time)
  // A map that has had its turn goes to the back of the queue, or leaves it when it has nothing to offer.
  if (state.ready.at(0) === node.index) {
    state.ready.shift()
    table.listed = false
    list(state, node, table)
  }
  return true
}

const noteOf = (usage: Usages.Usage | undefined, receipt: ReceiptNote | undefined): ItemNote | undefined =>
  usage === undefined && receipt === undefined
    ? undefined
    : { ...(usage === undefined ? {} : { usage }), ...(receipt === undefined ? {} : { receipt }) }

export const succeeded = (state: RunState, event: Of<"StepSucceeded">): boolean => {
  const address = locate(state, event.path)
  if (address === undefined) return false
  const { index, node } = address
  warn(state, event.warnings)
  if (index !== undefined) {
    const table = state.maps.edit(node.index)
    if (table === undefined) return false
    leave(state, table, index)
    table.succeeded++
    const usage = Turn.settled(state, event.path, event.usage)
    table.set(index, {
      status: "succeeded",
      output: event.output,
      startedAt: event.startedAt,
      endedAt: event.at,
      note: noteOf(usage, event.receipt)
    })
    list(state, node, table)
    return true
  }
  const at = state.nodes.edit(node.index)
  if (at.status === "queued") state.offered--
  settle(state, node, at, "succeeded", event.at)
  at.output = event.output
  at.outcome = event.outcome
  at.agent = event.agent
  at.receipt = event.receipt
  at.startedAt = event.startedAt ?? at.startedAt ?? event.at
  at.usage = Usages.add(at.usage, event.usage)
  decideEdges(state, node, event.live)
  return true
}

const itemFailed = (state: RunState, node: PlanNode, index: number, event: Of<"StepFailed">): boolean => {
  const table = state.maps.edit(node.index)
  if (table === undefined) return false
  leave(state, table, index)
  const used = Turn.settled(state, event.path, event.usage)
  const usage = used === undefined ? {} : { usage: used }
  if (event.handled === "fallback") {
    table.succeeded++
    table.set(index, {
      status: "succeeded",
      output: event.output ?? none,
      startedAt: event.startedAt,
      endedAt: event.at,
      note: { error: event.error, ...usage }
    })
  } else {
    table.failed++
    table.set(index, {
      status: "failed",
      startedAt: event.startedAt,
      endedAt: event.at,
      note: { error: event.error, ...usage }
    })
  }
  list(state, node, table)
  return true
}

export const failed = (state: RunState, event: Of<"StepFailed">): boolean => {
  const address = locate(state, event.path)
  if (address === undefined) return false
  const { index, node } = address
  warn(state, event.warnings)
  if (index !== undefined) return itemFailed(state, node, index, event)
  const at = state.nodes.edit(node.index)
  if (at.status === "queued") state.offered--
  settle(state, node, at, event.handled === "fallback" ? "succeeded" : "failed", event.at)
  at.synthetic = event.handled === "fallback"
  at.output = event.output ?? (event.handled === "continue" ? none : undefined)
  at.error = event.error
  at.attempt = Math.max(at.attempt, event.attempt)
  at.startedAt = event.startedAt ?? at.startedAt
  at.usage = Usages.add(at.usage, event.usage)
  decideEdges(state, node, event.live)
  return true
}

export const retrying = (state: RunState, event: Of<"StepRetryScheduled">): boolean => {
  const address = locate(state, event.path)
  if (address === undefined) return false
  Turn.retried(state, event.path, event.error.kind)
  if (address.index !== undefined) {
    const table = state.maps.edit(address.node.index)
    if (table === undefined) return false
    leave(state, table, address.index)
    table.resting++
    table.set(address.index, { status: "retrying", note: { error: event.error, retryAt: event.dueAt } })
    list(state, address.node, table)
    return true
  }
  const at = state.nodes.edit(address.node.index)
  if (at.status === "queued") state.offered--
  at.status = "retrying"
  at.retryAt = event.dueAt
  at.error = event.error
  at.startedAt ??= event.startedAt
  return true
}

export const makeReady = (state: RunState, path: string): boolean => {
  const address = locate(state, path)
  if (address === undefined) return false
  if (address.index !== undefined) {
    const table = state.maps.edit(address.node.index)
    if (table === undefined) return false
    leave(state, table, address.index)
    table.again.push(address.index)
    table.set(address.index, { status: "ready" })
    list(state, address.node, table)
    return true
  }
  const at = state.nodes.edit(address.node.index)
  at.status = "ready"
  at.retryAt = undefined
  at.wait = undefined
  if (address.node.type !== "flow") state.ready.push(address.node.index)
  return true
}

export const waiting = (state: RunState, event: Of<"StepWaiting">): boolean => {
  const address = locate(state, event.path)
  if (address === undefined) return false
  if (address.index !== undefined) {
    const table = state.maps.edit(address.node.index)
    if (table === undefined) return false
    leave(state, table, address.index)
    if (event.wait.kind === "child") {
      table.active++
      started(table, address.node, event.at)
    } else table.resting++
    table.set(address.index, {
      status: "waiting",
      attempt: event.attempt,
      note: { wait: event.wait, waitingSince: event.at }
    })
    list(state, address.node, table)
    return true
  }
  const at = state.nodes.edit(address.node.index)
  if (at.status === "queued") state.offered--
  at.status = "waiting"
  at.attempt = event.attempt
  at.wait = event.wait
  at.waitingSince = event.at
  at.retryAt = undefined
  if (event.wait.kind === "operator") at.error = event.wait.error
  else at.startedAt ??= event.at
  if (event.wait.kind === "child" && at.offeredSeq === 0) at.offeredSeq = state.seq
  return true
}

export const skipped = (state: RunState, event: Of<"StepsSkipped">): boolean => {
  for (const id of event.nodes) {
    const node = state.plan.byId.get(id)
    if (node === undefined) return false
    settle(state, node, state.nodes.edit(node.index), "skipped", event.at)
    decideEdges(state, node, undefined)
  }
  return true
}
