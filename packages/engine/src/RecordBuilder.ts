/** From decided events to one journal record with all that must move together with it. */
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import { locate } from "@baton/kernel/EvolveStep"
import * as Outstanding from "@baton/kernel/Outstanding"
import * as RunState from "@baton/kernel/RunState"
import * as Stall from "@baton/kernel/Stall"
import type { BlobRef, Value } from "@baton/kernel/Value"
import { refs } from "@baton/kernel/Value"
import type { Wait } from "@baton/kernel/Wait"
import type { AuditDraft } from "./AuditLog.ts"
import * as RecordLetters from "./RecordLetters.ts"
import * as RunDoors from "./RunDoors.ts"
import * as RunPlace from "./RunPlace.ts"
import type { RunSlot } from "./RunSlot.ts"
import { attemptKey } from "./RunSlot.ts"
import type { Commit, DispatchRow, RunSummary, UsageRow } from "./RunStore.ts"
import * as RunTimers from "./RunTimers.ts"
import * as RunUsage from "./RunUsage.ts"
import type { NewBlob } from "./StoredValue.ts"
import { externalize } from "./StoredValue.ts"

export interface Draft {
  readonly slot: RunSlot
  readonly state: RunState.RunState
  readonly expected: number
  readonly events: Array<Event>
  readonly blobs: Array<NewBlob>
  readonly answered: Array<{ id: number; answer: string }>
  /** Made when the first event settles something. */
  usage?: Array<UsageRow>
  /** Made when the first command brings an entry. */
  audit?: Array<AuditDraft>
}

const heldBy = (wait: Wait): Value | undefined =>
  wait.kind === "child" ? wait.input : wait.kind === "approval" ? wait.shown : undefined

const waitExternalized = (wait: Wait, blobs: Array<NewBlob>): Wait =>
  wait.kind === "approval"
    ? { ...wait, shown: externalize(wait.shown, blobs) }
    : wait.kind === "child"
    ? { ...wait, input: externalize(wait.input, blobs) }
    : wait

/** Values that the kernel made, which may be larger than what a record may hold. */
const externalized = (event: Event, blobs: Array<NewBlob>, calls: boolean): Event => {
  switch (event.type) {
    case "MapExpanded":
      return { ...event, items: externalize(event.items, blobs) }
    case "StepWaiting":
      return { ...event, wait: waitExternalized(event.wait, blobs) }
    case "StepSucceeded":
      // A worker's answer comes stored; the kernel makes that of an approval, and what a step selects of its child's output.
      return calls || (event.outcome !== undefined && "fields" in event.output)
        ? { ...event, output: externalize(event.output, blobs) }
        : event
    case "RunFinished":
      return event.output === undefined ? event : { ...event, output: externalize(event.output, blobs) }
    case "StepFailed":
      return event.handled === "fallback" && event.output !== undefined
        ? { ...event, output: externalize(event.output, blobs) }
        : event
    default:
      return event
  }
}

/** Folds what was decided into the slot's state and adds it to the record. */
export const add = (draft: Draft, events: ReadonlyArray<Event>): void => {
  const calls = draft.state.plan.callers.length > 0
  for (const decided of events) {
    const event = externalized(decided, draft.blobs, calls)
    // A run without a ledger, as most are, costs nothing here.
    const before = draft.state.ledger === undefined ? undefined : RunUsage.mark(draft.state.ledger)
    evolve(draft.state, event)
    draft.events.push(event)
    const used = draft.state.ledger === undefined ? undefined : RunUsage.row(draft.state, event, before)
    if (used !== undefined) (draft.usage ??= []).push(used)
  }
}

/** Everything that an event about kept steps names, as one value. */
const kept = (event: Extract<Event, { readonly type: "StepsReused" }>): Value => {
  const values = [
    ...event.steps.flatMap(({ output }) => output === undefined ? [] : [output]),
    ...(event.maps ?? []).map(({ items }) => items),
    ...(event.changes ?? []).flatMap(({ modifications }) => modifications === undefined ? [] : [modifications])
  ]
  return { fields: Object.fromEntries(values.entries()) }
}

const both = (one: Value | undefined, other: Value | undefined): Value | undefined =>
  one === undefined || other === undefined ? one ?? other : { fields: { one, other } }

const valueOf = (event: Event): Value | undefined => {
  switch (event.type) {
    case "RunCreated":
      return event.input
    case "StepSucceeded":
      return event.output
    case "StepFailed":
    case "RunFinished":
      return event.output
    case "MapExpanded":
      return event.items
    case "ApprovalVoted":
      return event.data
    case "ApprovalDecided":
      return both(event.data, event.modifications)
    case "EventReceived":
      return event.data
    case "TurnRecorded":
      return event
    case "CallEnded":
      return event.result
    case "StepReopened":
      return event.modifications
    case "StepWaiting":
      return heldBy(event.wait)
    case "StepsReused":
      return kept(event)
    default:
      return undefined
  }
}

const none: ReadonlyArray<never> = []

/** Blobs the record names and does not carry; most records name none, and cost nothing here. */
const references = (draft: Draft): ReadonlyArray<BlobRef> => {
  let named: Set<BlobRef> | undefined
  for (const event of draft.events) {
    const value = valueOf(event)
    if (value === undefined || "v" in value) continue
    named ??= new Set()
    for (const ref of refs(value)) named.add(ref)
  }
  if (named === undefined) return none
  for (const blob of draft.blobs) named.delete(blob.ref)
  return [...named]
}

/** Rows of offered work, for stores that keep them: each offer adds one, each answer takes its own away. */
const dispatches = ({ events, state }: Draft): Pick<Commit, "dispatches"> => {
  const add = new Map<string, DispatchRow>()
  const remove: Array<{ path: string; attempt: number }> = []
  const drop = (path: string, attempt: number): void => {
    if (!add.delete(attemptKey(path, attempt)) && attempt > 0) remove.push({ path, attempt })
  }
  for (const event of events) {
    switch (event.type) {
      case "StepsDispatched":
        for (const [path, attempt] of event.steps) {
          const type = Outstanding.offerType(state.plan.byId, path)
          if (type !== undefined) add.set(attemptKey(path, attempt), { path, attempt, type })
        }
        break
      case "StepSucceeded":
      case "StepFailed":
      case "StepRetryScheduled":
      case "StepWaiting":
        drop(event.path, event.attempt)
        break
      case "StepsUnfunded":
        for (const { attempt, path } of event.steps) if (attempt !== undefined) drop(path, attempt)
        break
      case "StepsCancelled":
        for (const path of event.paths) drop(path, attemptOf(state, path))
        break
    }
  }
  return add.size === 0 && remove.length === 0 ? {} : { dispatches: { add: [...add.values()], remove } }
}

const attemptOf = (state: RunState.RunState, path: string): number => {
  const address = locate(state, path)
  if (address === undefined) return 0
  const { index, node } = address
  return index === undefined ? state.nodes.get(node.index).attempt : state.maps.get(node.index)?.attempt(index) ?? 0
}

export const summaryOf = (state: RunState.RunState, flow: { name: string; version: string }): RunSummary => ({
  flow: flow.name,
  version: flow.version,
  flowHash: state.flowHash,
  status: RunState.status(state),
  paused: state.paused,
  code: state.finished?.code ?? (state.stalledSince === undefined ? undefined : Stall.code),
  reason: state.finished?.message ?? Stall.reason(state),
  semantics: state.semantics,
  createdAt: state.createdAt,
  endedAt: state.finished?.at,
  tags: state.tags,
  ...(state.parent === undefined ? {} : { parent: state.parent }),
  ...(state.lineage === undefined ? {} : { madeFrom: state.lineage.run })
})

/** Part of the summary that commits rewrite when it has changed. */
const phase = (state: RunState.RunState): string =>
  `${RunState.status(state)}${state.paused ? " paused" : ""}${state.stalledSince === undefined ? "" : " stalled"}`

/** What the plan calls, where a patch in this record has changed that: the run's first document does not tell. */
const flowsOf = ({ events, state: { plan } }: Draft): Commit["flows"] =>
  plan.callers.length === 0 || !events.some(({ type }) => type === "PlanPatched")
    ? undefined
    : plan.callers.flatMap((index) => {
      const node = plan.nodes[index]
      return (node?.call ?? node?.each?.body.call)?.hash ?? []
    })

/** Written to field by field: most records have few of them, and one is built for every step. */
export const build = (draft: Draft, session: string, dispatchRows: boolean): Commit => {
  const { events, slot, state } = draft
  const now = phase(state)
  const changed = now !== slot.status || draft.expected === 0
  slot.status = now
  const timers = RunTimers.update(slot, state, events)
  const doors = RunDoors.update(slot, state, events)
  const named = references(draft)
  const flows = flowsOf(draft)
  const commit: { -readonly [K in keyof Commit]: Commit[K] } = {
    tenant: slot.tenant,
    run: slot.run,
    expected: draft.expected,
    previous: slot.hash,
    owner: session,
    n: events.length,
    bytes: Buffer.from(JSON.stringify(events)),
    at: state.lastAt
  }
  if (changed) commit.summary = summaryOf(state, state.plan)
  if (timers !== undefined) commit.timers = timers
  if (doors !== undefined) commit.doors = doors
  if (state.place !== undefined) RunPlace.add(commit, state, state.place, events)
  if (draft.usage !== undefined) commit.usage = draft.usage
  if (dispatchRows) Object.assign(commit, dispatches(draft))
  if (draft.blobs.length > 0) commit.blobs = draft.blobs
  if (named.length > 0) commit.references = named
  if (flows !== undefined) commit.flows = flows
  if (draft.answered.length > 0) commit.answered = draft.answered
  if (draft.audit !== undefined) commit.audit = draft.audit
  RecordLetters.add(commit, events)
  return commit
}
