/**
 * What is known of a run while it is watched: a pure fold of its envelopes.
 *
 *   P1. Any sequence of envelopes folds; what is unknown, repeated or out of order changes nothing.
 *   P2. `done` and `total` never go down, and `done` never passes `total`.
 *   P3. What is held is bounded by the nodes of the flow and the steps in flight, never by the items of a map.
 */
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import type { RunDocument, RunStatus } from "@baton/contract/RunDocument"
import * as Wire from "@baton/contract/Wire"
import * as Amount from "@baton/kernel/Amounts"
import type { Event } from "@baton/kernel/Event"
import { decisionDoor, waitReason } from "@baton/kernel/ExplainWait"
import * as StepPath from "@baton/kernel/StepPath"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as BudgetWaits from "./BudgetWaits.ts"
import type { MapView, Note } from "./Note.ts"
import * as PatchNotes from "./PatchNotes.ts"
import * as ReusedSteps from "./ReusedSteps.ts"
import * as Spending from "./Spending.ts"
import * as WaitText from "./WaitText.ts"

/** A step between its dispatch and its end. */
export interface ActiveStep {
  readonly path: string
  readonly node: string
  readonly status: "queued" | "running" | "retrying" | "waiting"
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly since: number
  readonly dueAt?: number
  readonly message?: string
  /** Waits for a decision that only a person makes. */
  readonly human?: boolean
  /** It waits for another run: what that one waits for is for its own reasons to say. */
  readonly inside?: boolean
}

export interface ProgressModel extends Spending.Spending {
  readonly run: string
  readonly flow: string
  readonly version: string
  readonly startedAt: number | undefined
  /** Sequence of the last event folded. */
  readonly seq: number
  readonly paused: boolean
  readonly closing: boolean
  readonly ended: { readonly status: RunStatus; readonly code: string; readonly message: string } | undefined
  readonly active: HashMap.HashMap<string, ActiveStep>
  readonly maps: HashMap.HashMap<string, MapView>
  /** Nodes (not items) that have ended. */
  readonly settled: HashSet.HashSet<string>
  /** Nodes of the flow. */
  readonly nodes: number
  /** Nodes and items together. */
  readonly total: number
  readonly done: number
  readonly failed: number
  /** Live events say who runs; without them a dispatched step counts as running. */
  readonly overlay: boolean
}

/** Milliseconds since 1970 of RFC 3339 text. */
export const timeOf = (at: string): number | undefined => {
  const parsed = Date.parse(at)
  return Number.isNaN(parsed) ? undefined : parsed
}

const nodesIn = (document: RunDocument): number => document.steps.filter((step) => step.path === step.node).length

/** Before the first event: the nodes of the run are known, nothing has happened. */
export const begin = (document: RunDocument): ProgressModel => ({
  run: document.id,
  flow: document.flow,
  version: document.version,
  startedAt: timeOf(document.startedAt),
  seq: 0,
  paused: false,
  closing: false,
  ended: undefined,
  active: HashMap.empty(),
  maps: HashMap.empty(),
  settled: HashSet.empty(),
  nodes: nodesIn(document),
  total: nodesIn(document),
  done: 0,
  failed: 0,
  ...Spending.none,
  overlay: false
})

export const emptyMap = (node: string, count: number, since: number): MapView => ({
  node,
  count,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  since
})

const nodeOf = (path: string): string => StepPath.parse(path)?.node ?? path

/** The step has ended: it leaves the active ones and counts once. */
export const settle = (model: ProgressModel, path: string, node: string, failed: boolean): ProgressModel => {
  const isNode = path === node
  if (isNode && HashSet.has(model.settled, node)) return model
  return {
    ...model,
    active: HashMap.remove(model.active, path),
    settled: isNode ? HashSet.add(model.settled, node) : model.settled,
    done: model.done + 1,
    failed: model.failed + (failed ? 1 : 0)
  }
}

export const bounded = (model: ProgressModel): ProgressModel =>
  model.done > model.total ? { ...model, total: model.done } : model

interface Folded {
  readonly model: ProgressModel
  readonly note: Note | undefined
}

const unchanged = (model: ProgressModel): Folded => ({ model, note: undefined })

/** One envelope further. */
export const fold = (model: ProgressModel, envelope: EventEnvelope): Folded => {
  if (envelope.seq === undefined) return unchanged(foldLive(model, envelope))
  if (envelope.seq <= model.seq) return unchanged(model)
  const moved = { ...model, seq: envelope.seq }
  return Option.match(Wire.toEvent(envelope), {
    onNone: () => unchanged(moved),
    onSome: (event) => {
      const folded = foldEvent(moved, event)
      return { model: bounded(folded.model), note: folded.note }
    }
  })
}

const foldLive = (model: ProgressModel, envelope: EventEnvelope): ProgressModel => {
  const path = envelope.subject
  if (path === undefined) return model
  const step = Option.getOrUndefined(HashMap.get(model.active, path))
  if (envelope.type === "orchestration.step.running") {
    if (step === undefined || step.status !== "queued") return { ...model, overlay: true }
    return { ...model, overlay: true, active: HashMap.set(model.active, path, { ...step, status: "running" }) }
  }
  const message = progressMessage(envelope.data)
  if (envelope.type !== "orchestration.step.progress" || step === undefined || message === undefined) return model
  return { ...model, active: HashMap.set(model.active, path, { ...step, message }) }
}

const progressMessage = (data: unknown): string | undefined =>
  typeof data === "object" && data !== null && "message" in data && typeof data.message === "string"
    ? data.message
    : undefined

const foldEvent = (model: ProgressModel, event: Event): Folded => {
  if (PatchNotes.isPatch(event)) {
    return { model: { ...model, total: model.total + PatchNotes.nodesAdded(event) }, note: PatchNotes.note(event) }
  }
  switch (event.type) {
    case "RunCreated":
      return {
        model: { ...model, flow: event.flow.name, version: event.flow.version, startedAt: event.at },
        note: { kind: "started", at: event.at, flow: event.flow.name, version: event.flow.version }
      }
    case "StepsDispatched":
      return unchanged(event.steps.reduce((next, [path, attempt]) => offer(next, path, attempt, event.at), model))
    case "StepsReady":
      return unchanged({
        ...model,
        active: event.paths.reduce(
          (active, path) => HashMap.modify(active, path, (step) => ready(step, event.at)),
          model.active
        )
      })
    case "StepReopened":
      return {
        model: { ...model, active: HashMap.modify(model.active, event.path, (step) => ready(step, event.at)) },
        note: { kind: "reopened", at: event.at, path: event.path }
      }
    case "DeliveryLost":
      return { model, note: { kind: "lost", at: event.at, path: event.path } }
    case "MapExpanded": {
      const node = nodeOf(event.path)
      const count = Math.max(0, event.count)
      if (HashMap.has(model.maps, node)) return unchanged(model)
      return {
        model: {
          ...model,
          maps: HashMap.set(model.maps, node, emptyMap(node, count, event.at)),
          total: model.total + count
        },
        note: { kind: "expanded", at: event.at, path: event.path, count }
      }
    }
    case "MapStopped":
      return {
        model,
        note: { kind: "stopped", at: event.at, path: event.path, failed: event.failed, allowed: event.allowed }
      }
    case "StepSucceeded":
    case "StepFailed":
    case "StepRetryScheduled":
    case "StepWaiting":
      return foldStep(model, event)
    case "StepsSkipped":
      return {
        model: event.nodes.reduce((next, node) => settle(next, node, node, false), model),
        note: { kind: "skipped", at: event.at, nodes: event.nodes, reason: event.reason }
      }
    case "StepsCancelled":
      return {
        model: event.paths.reduce(cancelStep, model),
        note: { kind: "cancelled", at: event.at, paths: event.paths }
      }
    default:
      return foldRun(model, event)
  }
}

const offer = (model: ProgressModel, path: string, attempt: number, at: number): ProgressModel => {
  const node = nodeOf(path)
  if (path === node && HashSet.has(model.settled, node)) return model
  const step: ActiveStep = { path, node, status: "queued", attempt, since: at }
  // A map whose items waited for money waits no longer.
  const others = path === node ? model.active : HashMap.remove(model.active, node)
  return { ...model, active: HashMap.set(others, path, step) }
}

const ready = (step: ActiveStep, at: number): ActiveStep => ({
  path: step.path,
  node: step.node,
  status: "queued",
  attempt: step.attempt,
  since: at
})

const cancelStep = (model: ProgressModel, path: string): ProgressModel => {
  const node = nodeOf(path)
  const counted = path === node
    ? model
    : { ...model, maps: HashMap.modify(model.maps, node, (map) => ({ ...map, cancelled: map.cancelled + 1 })) }
  return settle(counted, path, node, false)
}

type StepEvent = Extract<Event, { type: "StepSucceeded" | "StepFailed" | "StepRetryScheduled" | "StepWaiting" }>

const foldStep = (model: ProgressModel, event: StepEvent): Folded => {
  const { at, attempt, path } = event
  const node = nodeOf(path)
  const mapOf = (from: ProgressModel) => path === node ? undefined : Option.getOrUndefined(HashMap.get(from.maps, node))
  switch (event.type) {
    case "StepSucceeded": {
      const next = settle(Spending.spend(countItem(model, path, node, "succeeded"), event.usage), path, node, false)
      const map = path === node ? Option.getOrUndefined(HashMap.get(model.maps, node)) : undefined
      const ms = event.startedAt === undefined ? undefined : at - event.startedAt
      const shown = map === undefined ? ms : at - map.since
      const usage = Spending.ofStep(model, path, event.usage)
      const reused = event.receipt?.kind === "hit" ? { reused: event.receipt.run } : {}
      return { model: next, note: { kind: "succeeded", at, path, ms: shown, usage, ...reused, map, of: mapOf(next) } }
    }
    case "StepFailed": {
      const soft = event.handled === "fallback"
      const counted = countItem(model, path, node, soft ? "succeeded" : "failed")
      const next = settle(Spending.spend(counted, event.usage), path, node, !soft)
      const { code, message } = event.error
      return {
        model: next,
        note: { kind: "failed", at, path, code, message, handled: event.handled, attempt, of: mapOf(next) }
      }
    }
    case "StepRetryScheduled": {
      const { code, message } = event.error
      const step: ActiveStep = { path, node, status: "retrying", attempt, since: at, dueAt: event.dueAt, message }
      const next = Spending.spend<ProgressModel>(
        { ...model, active: HashMap.set(model.active, path, step) },
        event.usage
      )
      return {
        model: next,
        note: { kind: "retrying", at, path, attempt, dueAt: event.dueAt, code, message, of: mapOf(next) }
      }
    }
    case "StepWaiting":
      return wait(model, event, node)
  }
}

const wait = (model: ProgressModel, event: Extract<Event, { type: "StepWaiting" }>, node: string): Folded => {
  const { at, attempt, path, wait: on } = event
  const human = on.kind === "operator" || on.kind === "approval" || on.kind === "budget"
  const dueAt = on.kind === "operator" || on.kind === "budget" ? undefined : on.dueAt
  const message = WaitText.of(on)
  const step: ActiveStep = {
    path,
    node,
    status: "waiting",
    attempt,
    since: at,
    message,
    human,
    ...(on.kind === "child" ? { inside: true } : {}),
    ...(dueAt === undefined ? {} : { dueAt })
  }
  return {
    model: { ...model, active: HashMap.set(model.active, path, step) },
    note: {
      kind: "waiting",
      at,
      path,
      human,
      text: message,
      dueAt,
      ...(human ? { door: on.kind === "approval" ? decisionDoor(on, on.id) : waitReason(path, on, at).door } : {}),
      ...(on.kind === "approval" ? { id: on.id } : {})
    }
  }
}

const countItem = (model: ProgressModel, path: string, node: string, as: "succeeded" | "failed"): ProgressModel =>
  path === node
    ? model
    : { ...model, maps: HashMap.modify(model.maps, node, (map) => ({ ...map, [as]: map[as] + 1 })) }

const foldRun = (model: ProgressModel, event: Event): Folded => {
  switch (event.type) {
    case "TurnRecorded":
      return unchanged(Spending.turn(model, event.path, event.usage))
    case "RunPaused":
      return { model: { ...model, paused: true }, note: { kind: "paused", at: event.at, by: event.by } }
    case "RunResumed":
      return { model: { ...model, paused: false }, note: { kind: "resumed", at: event.at, by: event.by } }
    case "RunAdopted":
      return { model, note: { kind: "adopted", at: event.at, lost: event.lost.length } }
    case "EventReceived":
      return { model, note: { kind: "received", at: event.at, name: event.name } }
    case "ApprovalDecided": {
      const { at, by, cause, comment, decision, path } = event
      const who = cause === "timeout" ? "the time limit" : by
      return { model, note: { kind: "decided", at, path, decision, by: who, comment } }
    }
    case "StepsUnfunded":
      return { model: { ...model, active: BudgetWaits.waiting(model.active, event) }, note: BudgetWaits.note(event) }
    case "BudgetRaised":
      return { model, note: { kind: "noted", at: event.at, text: `${Amount.text(event.added)} added to the budget` } }
    case "StepsReused":
      return { model: { ...model, settled: ReusedSteps.settled(model.settled, event) }, note: ReusedSteps.note(event) }
    case "RunStalled":
      return { model, note: { kind: "noted", at: event.at, text: "nothing has happened for too long (limits.stall)" } }
    case "NoteAdded":
      return { model, note: { kind: "noted", at: event.at, text: event.text } }
    case "RunClosing": {
      const { at, cause, code, message, path } = event
      return { model: { ...model, closing: true }, note: { kind: "closing", at, cause, code, message, path } }
    }
    case "RunFinished": {
      const { at, code, message, status } = event
      return {
        model: { ...model, ended: { status, code, message }, active: HashMap.empty() },
        note: { kind: "finished", at, status, code, message }
      }
    }
    default:
      return unchanged(model)
  }
}

/** Nodes of which nothing has been heard yet; items of a map are counted by the map. */
export const pending = (model: ProgressModel): number => {
  if (model.closing || model.ended !== undefined) return 0
  let heard = HashSet.size(model.settled)
  for (const step of HashMap.values(model.active)) if (step.path === step.node) heard++
  for (const node of HashMap.keys(model.maps)) {
    if (!HashSet.has(model.settled, node) && !HashMap.has(model.active, node)) heard++
  }
  return Math.max(0, model.nodes - heard)
}

/** Whether the step is being worked on, as far as anybody can tell. */
export const isRunning = (model: ProgressModel, step: ActiveStep): boolean =>
  step.status === "running" || (step.status === "queued" && !model.overlay)
