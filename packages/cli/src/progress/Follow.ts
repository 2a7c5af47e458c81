/** Follows a run to its end, showing what happens; says why it stopped looking. */
import { Client, ClientError } from "@baton/contract/Client"
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import { ended, type Reason, type RunDocument } from "@baton/contract/RunDocument"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Printer } from "../Printer.ts"
import { Screen } from "../Screen.ts"
import * as JsonlRenderer from "./JsonlRenderer.ts"
import * as LiveRegion from "./LiveRegion.ts"
import type { Note } from "./Note.ts"
import * as PlainLines from "./PlainLines.ts"
import * as ProgressModel from "./ProgressModel.ts"
import * as ProgressSnapshot from "./ProgressSnapshot.ts"

/** `human`: only a person's decision can move it on, and nobody can be asked here. */
export type Stopped = "ended" | "human" | "timeout"

export interface Followed {
  readonly stopped: Stopped
  readonly document: RunDocument
  /** Why it is not over; empty when it is. */
  readonly reasons: ReadonlyArray<Reason>
}

/** A stream that ends before its run is taken up again this many times. */
const resumesMax = 3

/** Reasons that only a person removes. */
const humanReasons: ReadonlySet<string> = new Set([
  "operator",
  "unknown_outcome",
  "approval",
  "input",
  "patch_review",
  "budget",
  "credential"
])

/** How often it is looked whether nothing but a person can move the run on. */
const lookEvery = Duration.millis(500)

/** Reasons that say nothing about who must act. */
const restingReasons: ReadonlySet<string> = new Set(["upstream", "sub_run"])

export interface FollowOptions {
  /** From the first event, for a run just started; else from where the document stands. */
  readonly fromStart: boolean
  /** Milliseconds. */
  readonly waitTimeout: number | undefined
}

export const follow = Effect.fnUntraced(function*(document: RunDocument, options: FollowOptions) {
  const client = yield* Client
  const watched: Effect.Effect<Stopped, ClientError, Client | Printer | Screen> = ended.has(document.status)
    ? Effect.succeed("ended")
    : Effect.scoped(watch(document, options.fromStart))
  const stopped = yield* (options.waitTimeout === undefined
    ? watched
    : Effect.map(
      Effect.timeoutOption(watched, Duration.millis(options.waitTimeout)),
      Option.getOrElse((): Stopped => "timeout")
    ))
  const last = yield* client.show(document.id)
  const reasons = ended.has(last.status) ? [] : yield* client.explain(document.id)
  const followed: Followed = { stopped: ended.has(last.status) ? "ended" : stopped, document: last, reasons }
  return followed
})

type Show = (
  model: ProgressModel.ProgressModel,
  notes: ReadonlyArray<Note>,
  envelopes: ReadonlyArray<EventEnvelope>
) => Effect.Effect<void>

const shown = (initial: ProgressModel.ProgressModel): Effect.Effect<Show, never, Printer | Screen | Scope.Scope> =>
  Effect.gen(function*() {
    const printer = yield* Printer
    const { stdout } = yield* Screen
    switch (printer.progress) {
      case "tty": {
        const region = yield* LiveRegion.make(initial)
        const show: Show = (model, notes) =>
          Effect.sync(() => {
            region.update(model, undefined)
            for (const note of notes) region.update(model, note)
          })
        return show
      }
      case "plain": {
        const lines = yield* PlainLines.make(initial)
        const show: Show = (model, notes) => lines.write(model, notes)
        return show
      }
      case "jsonl": {
        const show: Show = (_model, _notes, envelopes) =>
          Effect.ignore(stdout.write(envelopes.map(JsonlRenderer.envelopeLine).join("")))
        return show
      }
      case "none": {
        const show: Show = () => Effect.void
        return show
      }
    }
  })

const watch = Effect.fnUntraced(function*(document: RunDocument, fromStart: boolean) {
  const client = yield* Client
  const printer = yield* Printer
  let model = fromStart ? ProgressModel.begin(document) : ProgressSnapshot.fromDocument(document)
  const show = yield* shown(model)
  const decided = yield* Deferred.make<Stopped>()

  const look = Effect.fnUntraced(function*(at: "event" | "rest") {
    const [now, reasons] = [yield* client.show(document.id), yield* client.explain(document.id)]
    if (now.status !== "waiting" || !onlyHuman(reasons)) return
    if (at === "rest" || reasons.every((reason) => isExplained(reason, reasons))) {
      yield* Deferred.succeed(decided, "human")
    }
  })
  const lookForHuman = Effect.suspend(() =>
    printer.interactive || !allWait(model, (step) => step.human !== false) ? Effect.void : look("event")
  )
  const consume = (envelopes: ReadonlyArray<EventEnvelope>) =>
    Effect.gen(function*() {
      const notes: Array<Note> = []
      for (const envelope of envelopes) {
        const folded = ProgressModel.fold(model, envelope)
        model = folded.model
        if (folded.note !== undefined) notes.push(folded.note)
      }
      yield* show(model, notes, envelopes)
      yield* lookForHuman
    })
  const listen = Effect.gen(function*() {
    yield* lookForHuman
    for (let resumes = 0; resumes <= resumesMax; resumes++) {
      yield* client.events(document.id, { after: model.seq, follow: true }).pipe(Stream.runForEachArray(consume))
      if (model.ended !== undefined || ended.has((yield* client.show(document.id)).status)) return "ended" as const
    }
    return yield* new ClientError({
      reason: "unreachable",
      code: "STREAM_LOST",
      message: `the event stream of ${document.id} ended before the run did`,
      hint: `baton runs watch ${document.id}`
    })
  })
  // A child that comes to wait for a person makes no event in the run that is followed.
  const lookInside = Effect.suspend(() =>
    printer.interactive || !allWait(model, (step) => step.inside === true) ? Effect.void : look("rest")
  )
  const lookAgain = Effect.forever(Effect.andThen(Effect.sleep(lookEvery), lookInside))
  return yield* Effect.raceFirst(Effect.raceFirst(listen, lookAgain), Deferred.await(decided))
})

/** As far as the events tell: nobody works, and one of those that wait is such a step. */
const allWait = (
  model: ProgressModel.ProgressModel,
  is: (step: ProgressModel.ActiveStep) => boolean
): boolean => {
  let found = false
  for (const step of HashMap.values(model.active)) {
    if (step.status !== "waiting") return false
    if (is(step)) found = true
  }
  return found
}

/** A child that says nothing about itself has just been started, or has just ended: its run is about to move on. */
const isExplained = ({ path, reason }: Reason, all: ReadonlyArray<Reason>): boolean =>
  reason !== "sub_run" || all.some((other) => other.reason !== "sub_run" && isInside(other.path ?? "", path ?? ""))

const isInside = (path: string, caller: string): boolean => path === caller || path.startsWith(`${caller}/`)

const onlyHuman = (reasons: ReadonlyArray<Reason>): boolean =>
  reasons.some((reason) => humanReasons.has(reason.reason)) &&
  reasons.every((reason) => humanReasons.has(reason.reason) || restingReasons.has(reason.reason))
