/**
 * How a journal event looks outside: kernel event → CloudEvents 1.0 envelope and back (SEMANTICS 8.12a).
 *
 * Every kernel event is exactly one envelope: `id` is `<run>/<seq>`, `data` is the event itself, `type` one of the closed
 * list {@link journalTypes}. Live events ({@link liveTypes}) never enter the journal, have no `seq`, and may be lost.
 */
import { Event, type EventType } from "@baton/kernel/Event"
import type { Json } from "@baton/kernel/Value"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { EventEnvelope } from "./EventEnvelope.ts"

/** All types that a journal event can have on the wire. */
export const journalTypes = [
  "orchestration.run.created",
  "orchestration.run.updated",
  "orchestration.run.completed",
  "orchestration.run.failed",
  "orchestration.run.cancelled",
  "orchestration.run.noted",
  "orchestration.step.queued",
  "orchestration.step.ready",
  "orchestration.step.completed",
  "orchestration.step.failed",
  "orchestration.step.retrying",
  "orchestration.step.waiting",
  "orchestration.step.skipped",
  "orchestration.step.cancelled",
  "orchestration.step.lost",
  "orchestration.step.reused",
  "orchestration.checkpoint.requested",
  "orchestration.checkpoint.voted",
  "orchestration.checkpoint.resolved",
  "orchestration.map.expanded",
  "orchestration.map.stopped",
  "orchestration.repeat.turn",
  "orchestration.child.stopping",
  "orchestration.call.started",
  "orchestration.call.ended",
  "orchestration.turn.recorded",
  "orchestration.event.received",
  "orchestration.budget.short",
  "orchestration.budget.reserved",
  "orchestration.budget.raised",
  "orchestration.budget.overrun",
  "orchestration.usage.late",
  "orchestration.delivery.given_up",
  "orchestration.plan.proposed",
  "orchestration.plan.patched",
  "orchestration.plan.refused"
] as const
export type JournalType = typeof journalTypes[number]

/** All types of live events: what is happening, as far as anybody is listening. */
export const liveTypes = [
  "orchestration.step.running",
  "orchestration.step.progress",
  "agent.stream.chunk",
  "agent.stream.complete",
  "agent.stream.error",
  "agent.tool.started",
  "agent.tool.completed"
] as const
export type LiveType = typeof liveTypes[number]

export const types = [...journalTypes, ...liveTypes] as const
export type WireType = typeof types[number]

/** The wire types of each kernel event; more than one only where its `status`, or what it waits for, decides. */
export const typesOf: { readonly [type in EventType]: ReadonlyArray<JournalType> } = {
  PatchProposed: ["orchestration.plan.proposed"],
  PlanPatched: ["orchestration.plan.patched"],
  PatchRejected: ["orchestration.plan.refused"],
  RunCreated: ["orchestration.run.created"],
  StepsDispatched: ["orchestration.step.queued"],
  StepSucceeded: ["orchestration.step.completed"],
  StepFailed: ["orchestration.step.failed"],
  StepRetryScheduled: ["orchestration.step.retrying"],
  StepsReady: ["orchestration.step.ready"],
  StepWaiting: ["orchestration.step.waiting", "orchestration.checkpoint.requested"],
  StepsSkipped: ["orchestration.step.skipped"],
  MapExpanded: ["orchestration.map.expanded"],
  MapStopped: ["orchestration.map.stopped"],
  TurnOpened: ["orchestration.repeat.turn"],
  ChildStopping: ["orchestration.child.stopping"],
  CallStarted: ["orchestration.call.started"],
  CallEnded: ["orchestration.call.ended"],
  TurnRecorded: ["orchestration.turn.recorded"],
  EventReceived: ["orchestration.event.received"],
  RunPaused: ["orchestration.run.updated"],
  RunResumed: ["orchestration.run.updated"],
  RunClosing: ["orchestration.run.updated"],
  StepsCancelled: ["orchestration.step.cancelled"],
  RunFinished: ["orchestration.run.completed", "orchestration.run.failed", "orchestration.run.cancelled"],
  RunAdopted: ["orchestration.run.updated"],
  DeliveryLost: ["orchestration.step.lost"],
  RunStalled: ["orchestration.run.updated"],
  PlaceTaken: ["orchestration.run.updated"],
  StepsReused: ["orchestration.step.reused"],
  StepReopened: ["orchestration.step.ready"],
  StepsUnfunded: ["orchestration.budget.short"],
  TurnReserved: ["orchestration.budget.reserved"],
  ReservationsRenewed: ["orchestration.budget.reserved"],
  AllotmentGranted: ["orchestration.budget.reserved"],
  BudgetRaised: ["orchestration.budget.raised"],
  OverrunRecorded: ["orchestration.budget.overrun"],
  PriceMissing: ["orchestration.budget.overrun"],
  UsageLate: ["orchestration.usage.late"],
  ApprovalVoted: ["orchestration.checkpoint.voted"],
  ApprovalDecided: ["orchestration.checkpoint.resolved"],
  DeliveryGivenUp: ["orchestration.delivery.given_up"],
  NoteAdded: ["orchestration.run.noted"]
}

/** The wire type of an event. A run that ended `warned` is `completed`; its `data.status` says so. */
export const typeOf = (event: Event): JournalType => {
  if (event.type === "StepWaiting" && event.wait.kind === "approval") return "orchestration.checkpoint.requested"
  if (event.type !== "RunFinished") return typesOf[event.type][0]!
  if (event.status === "failed") return "orchestration.run.failed"
  return event.status === "cancelled" ? "orchestration.run.cancelled" : "orchestration.run.completed"
}

/** The one step an event is about; none when it is about several, or about the run. */
export const subjectOf = (event: Event): string | undefined => {
  switch (event.type) {
    case "StepsDispatched":
      return event.steps.length === 1 ? event.steps[0]![0] : undefined
    case "StepsReady":
    case "StepsCancelled":
      return event.paths.length === 1 ? event.paths[0] : undefined
    case "StepsSkipped":
      return event.nodes.length === 1 ? event.nodes[0] : undefined
    default:
      return "path" in event ? event.path : undefined
  }
}

/** RFC 3339 UTC text of milliseconds since 1970; times no calendar holds become its end. */
export const timeText = (at: number): string =>
  Option.match(DateTime.make(at), { onNone: () => "9999-12-31T23:59:59.999Z", onSome: DateTime.formatIso })

const envelope = (run: string, id: string, type: WireType, subject: string | undefined, at: number, data: Json) => ({
  specversion: "1.0" as const,
  id,
  source: `/api/v1/runs/${encodeURIComponent(run)}`,
  type,
  ...(subject === undefined ? {} : { subject }),
  time: timeText(at),
  datacontenttype: "application/json" as const,
  data
})

/** The envelope of the event with sequence `seq` in its run. */
export const fromEvent = (run: string, seq: number, event: Event): EventEnvelope => ({
  ...envelope(run, `${run}/${seq}`, typeOf(event), subjectOf(event), event.at, event as Json),
  seq
})

/** The envelope of a live event; `n` only tells two of them apart. */
export const fromLive = (
  run: string,
  type: LiveType,
  path: string,
  at: number,
  n: number,
  data: Json
): EventEnvelope => envelope(run, `${run}/live/${n}`, type, path, at, data)

const decodeEvent = Schema.decodeUnknownOption(Event)

/** The kernel event in an envelope; none for live events, unknown types, and data that is not what its type says. */
export const toEvent = (envelope: EventEnvelope): Option.Option<Event> =>
  envelope.seq === undefined
    ? Option.none()
    : Option.filter(decodeEvent(envelope.data), (event) => typeOf(event) === envelope.type)

const live: ReadonlySet<string> = new Set(liveTypes)

/** Whether the envelope is a live event of the published list. */
export const isLive = (envelope: EventEnvelope): boolean => envelope.seq === undefined && live.has(envelope.type)
