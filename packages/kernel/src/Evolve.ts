/**
 * Folding: what each event does to the state. Evaluates nothing, decides nothing, and never throws: an event that this
 * program does not know, or that does not fit the plan, seals the run (SEMANTICS 8.13c).
 */
import type { Event } from "./Event.ts"
import * as Approval from "./EvolveApproval.ts"
import * as EvolveChild from "./EvolveChild.ts"
import * as Items from "./EvolveItems.ts"
import * as Spending from "./EvolveLedger.ts"
import * as Operator from "./EvolveOperator.ts"
import * as Patch from "./EvolvePatch.ts"
import * as Reuse from "./EvolveReuse.ts"
import * as Step from "./EvolveStep.ts"
import * as Turn from "./EvolveTurn.ts"
import { Fifo } from "./Fifo.ts"
import type { PlanNode } from "./Plan.ts"
import type { NodeState, RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import * as Stall from "./Stall.ts"

type Of<T extends Event["type"]> = Step.Of<T>

const created = (state: RunState, event: Of<"RunCreated">): void => {
  state.run = event.run
  state.semantics = event.semantics
  state.flowHash = event.flow.hash
  state.input = event.input
  state.by = event.by
  state.tags = event.tags ?? {}
  state.agents = event.agents ?? {}
  state.createdAt = event.at
  state.deadlineAt = event.deadlineAt
  state.lineage = event.lineage
  state.parent = event.parent
  state.trace = event.trace
  if (event.concurrency !== undefined) state.place = { ...event.concurrency, held: false }
}

const placeTaken = (state: RunState): boolean => {
  if (state.place === undefined || state.place.held) return false
  // A fork of a state shares its place.
  state.place = { ...state.place, held: true }
  return true
}

const paused = (state: RunState, event: Of<"RunPaused"> | Of<"RunResumed">): void => {
  if (event.parent === true) state.pausedAbove = event.type === "RunPaused"
  else state.pausedHere = event.type === "RunPaused"
  state.paused = state.pausedHere || state.pausedAbove
}

const survivesClosing = (node: PlanNode, at: NodeState): boolean =>
  (at.status === "pending" || at.status === "ready") && EvolveChild.outlives(node)

/** Nobody knows whether its irreversible call happened: it fails by an event of its own (SEMANTICS 8.11c). */
export const isUnknown = (at: NodeState): boolean =>
  at.status === "waiting" && at.wait?.kind === "operator" && at.wait.reason === "unknown_outcome"

const closing = (state: RunState, event: Of<"RunClosing">): void => {
  Patch.closed(state)
  state.closing = { cause: event.cause, code: event.code, message: event.message, path: event.path, at: event.at }
  for (const node of state.plan.nodes) {
    const before = state.nodes.get(node.index)
    if (isSettled(before.status) || before.status === "queued") continue
    // Children are told to stop; the step settles when its child has ended (K4).
    if (EvolveChild.waitsForChild(before)) continue
    if (isUnknown(before) || (event.cause === "failure" && survivesClosing(node, before))) continue
    const at = state.nodes.edit(node.index)
    if (at.status === "open") {
      const table = state.maps.edit(node.index)
      if (table !== undefined) Items.stopItems(state, node, table, event.at)
      if (table !== undefined && table.settled < table.count) continue
    }
    Step.settle(state, node, at, "cancelled", event.at)
    Step.decideEdges(state, node, undefined)
  }
  const kept = state.ready
  state.ready = Fifo.make()
  for (let offset = 0; offset < kept.size; offset++) {
    const index = kept.at(offset)
    if (index !== undefined && state.nodes.get(index).status === "ready") state.ready.push(index)
  }
}

const finished = (state: RunState, event: Of<"RunFinished">): void => {
  Step.warn(state, event.warnings)
  state.finished = {
    status: event.status,
    code: event.code,
    message: event.message,
    output: event.output,
    at: event.at
  }
}

const lose = (state: RunState, path: string, attempt: number): void => {
  const key = `${path}#${attempt}`
  state.lost = new Map(state.lost).set(key, (state.lost.get(key) ?? 0) + 1)
}

const adopted = (state: RunState, event: Of<"RunAdopted">): boolean => {
  state.session = event.session
  state.epoch = event.epoch
  const lost = new Map(state.lost)
  for (const path of event.lost) {
    const address = Step.locate(state, path)
    if (address === undefined) return false
    const attempt = address.index === undefined
      ? state.nodes.get(address.node.index).attempt
      : state.maps.get(address.node.index)?.attempt(address.index) ?? 0
    const key = `${path}#${attempt}`
    lost.set(key, (lost.get(key) ?? 0) + 1)
  }
  state.lost = lost
  return true
}

const callStarted = (state: RunState, event: Of<"CallStarted">): boolean => {
  const address = Step.locate(state, event.path)
  if (address === undefined) return false
  if (event.tool !== undefined) return Turn.announced(state, event)
  if (address.index === undefined) state.nodes.edit(address.node.index).callStarted = true
  else state.maps.edit(address.node.index)?.set(address.index, { status: "queued", note: { callStarted: true } })
  return true
}

const received = (state: RunState, event: Of<"EventReceived">): void => {
  state.received = new Set(state.received).add(event.id)
  state.inbox = [...state.inbox, { id: event.id, name: event.name, data: event.data }]
}

/** A wait took the oldest event of its name. */
const take = (state: RunState, name: string): void => {
  const first = state.inbox.findIndex((received) => received.name === name)
  if (first !== -1) state.inbox = state.inbox.filter((_, index) => index !== first)
}

const takeFor = (state: RunState, path: string): void => {
  const node = state.plan.byId.get(path)
  if (node?.wait?.event === undefined || state.nodes.get(node.index).wait?.kind === "approval") return
  take(state, node.wait.event)
}

const mapStopped = (state: RunState, event: Of<"MapStopped">): boolean => {
  const node = state.plan.byId.get(event.path)
  const table = node === undefined ? undefined : state.maps.edit(node.index)
  if (node === undefined || table === undefined) return false
  Items.stopItems(state, node, table, event.at)
  return true
}

/** What happens to steps; anything else is the run's. */
const apply = (state: RunState, event: Event): boolean => {
  switch (event.type) {
    case "StepsDispatched":
      return event.steps.every(([path, attempt]) => Step.offer(state, path, attempt, event.at))
    case "StepSucceeded":
      takeFor(state, event.path)
      return Step.succeeded(state, event)
    case "StepFailed":
      return Step.failed(state, event)
    case "StepRetryScheduled":
      return Step.retrying(state, event)
    case "StepsReady":
      return event.paths.every((path) => Step.makeReady(state, path))
    case "StepReopened":
      Turn.reopened(state, event.path, event.generation !== undefined)
      return Operator.reopened(state, event)
    case "StepsReused":
      return Reuse.reused(state, event)
    case "StepWaiting":
      // The step has its event; what it still waits for is a checkpoint.
      if (event.wait.kind === "approval") takeFor(state, event.path)
      return Step.waiting(state, event)
    case "ApprovalVoted":
    case "ApprovalDecided":
      return Approval.apply(state, event)
    case "StepsSkipped":
      return Step.skipped(state, event)
    case "MapExpanded":
      return Items.expanded(state, event)
    case "TurnOpened":
      return Items.turnOpened(state, event)
    case "MapStopped":
      return mapStopped(state, event)
    case "CallStarted":
      return callStarted(state, event)
    case "CallEnded":
      return Step.locate(state, event.path) !== undefined && Turn.ended(state, event)
    case "TurnRecorded":
      return Step.locate(state, event.path) !== undefined && Turn.recorded(state, event)
    case "ChildStopping":
      return EvolveChild.stopping(state, event)
    case "StepsCancelled":
      return Items.cancelled(state, event)
    case "DeliveryLost":
      if (event.orderly !== true) lose(state, event.path, event.attempt)
      return true
    default:
      return applyToRun(state, event)
  }
}

const applyToRun = (state: RunState, event: Event): boolean => {
  switch (event.type) {
    case "RunCreated":
      created(state, event)
      return true
    case "PlaceTaken":
      return placeTaken(state)
    case "RunStalled":
      Stall.stalled(state, event)
      return true
    case "EventReceived":
      received(state, event)
      return true
    case "RunPaused":
    case "RunResumed":
      paused(state, event)
      return true
    case "RunClosing":
      closing(state, event)
      return true
    case "RunFinished":
      finished(state, event)
      return true
    case "RunAdopted":
      return adopted(state, event)
    case "PatchProposed":
    case "PatchRejected":
    case "PlanPatched":
      return Patch.fold(state, event)
    case "NoteAdded":
    case "DeliveryGivenUp":
      return true
    default:
      return Spending.isOwn(event) && state.ledger !== undefined
  }
}

const isNoProgress = ({ type }: Event): boolean =>
  type === "NoteAdded" || type === "DeliveryGivenUp" || type === "RunStalled"

/** A journal may hold anything (K8): an event of a known type but another shape does not fit either. */
const fits = (state: RunState, event: Event): boolean => {
  try {
    if (event.v !== 1 || !Number.isSafeInteger(event.at)) return false
    // A note is no progress, and neither is the word that there is none.
    if (!isNoProgress(event)) state.stalledSince = undefined
    state.lastAt = event.at
    if (!apply(state, event)) return false
    return (state.ledger === undefined && !Spending.begins(event)) || Spending.fold(state, event)
  } catch {
    return false
  }
}

/** What a garbled event calls itself. */
const nameOf = (event: unknown): string =>
  typeof event === "object" && event !== null && "type" in event && "v" in event
    ? `${JSON.stringify(event.type)?.slice(0, 80)} v${JSON.stringify(event.v)?.slice(0, 20)}`
    : "no object"

/** Folds one event into the state, which it may change, and returns it. */
export const evolve = (state: RunState, event: Event): RunState => {
  state.seq++
  if (state.sealed !== undefined) return state
  if (!fits(state, event)) state.sealed = `event ${state.seq} (${nameOf(event)}) is not one this program knows`
  return state
}
