/**
 * Deciding: a command and a state give events, a refusal, or the blobs that must be at hand to decide.
 *
 * Pure and total: the state is not touched, ids and time come in the command, the same state and command give the same
 * events, and any JSON gives an answer (K8). No events means that the command was stale: nothing has changed (K3).
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { drain } from "./Activate.ts"
import * as ApprovalRefusal from "./ApprovalRefusal.ts"
import type { Command, Refusal } from "./Command.ts"
import * as Commands from "./Command.ts"
import * as Answer from "./DecideAnswer.ts"
import * as Approval from "./DecideApproval.ts"
import * as Child from "./DecideChild.ts"
import * as Control from "./DecideControl.ts"
import * as Spending from "./DecideLedger.ts"
import * as Operator from "./DecideOperator.ts"
import * as Patch from "./DecidePatch.ts"
import * as Place from "./DecidePlace.ts"
import * as Reuse from "./DecideReuse.ts"
import * as StallRule from "./DecideStall.ts"
import * as Turn from "./DecideTurn.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type { Event } from "./Event.ts"
import { semantics } from "./Event.ts"
import * as Finish from "./Finish.ts"
import * as Offer from "./Offer.ts"
import type { RunState } from "./RunState.ts"
import type { Needs } from "./Scope.ts"
import type { BlobRef, Json } from "./Value.ts"

export type Decision =
  | { readonly kind: "events"; readonly events: ReadonlyArray<Event> }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "needs"; readonly needs: Needs }

const refuse = (code: string, message: string): Refusal => ({ code, message })

/** Blobs at hand when a decision is asked for the first time: none. */
const noBlobs: ReadonlyMap<BlobRef, Json> = new Map()

const create = (draft: Draft, command: Extract<Command, { type: "CreateRun" }>): Refusal | undefined => {
  const { plan } = draft.state
  if (draft.state.seq > 0) return refuse("RUN_EXISTS", `run ${command.run} has been created already`)
  const ledger = Spending.terms(plan, command.ledger)
  if (ledger !== undefined && Spending.isSpent(ledger)) {
    return refuse("BUDGET_INVALID", "a budget is more than 0; a run without one is not limited")
  }
  const problem = command.reuse === undefined ? undefined : Reuse.problem(plan, command.reuse)
  if (problem !== undefined) return problem
  const place = Place.terms(draft, command)
  if (place !== undefined && Result.isFailure(place)) return place.failure
  Drafts.emit(draft, {
    type: "RunCreated",
    v: 1,
    at: command.at,
    semantics,
    run: command.run,
    flow: command.flow,
    input: command.input,
    ...(plan.limits.deadlineMs === undefined ? {} : { deadlineAt: command.at + plan.limits.deadlineMs }),
    ...(command.by === undefined ? {} : { by: command.by }),
    ...(command.tags === undefined ? {} : { tags: command.tags }),
    ...(command.agents === undefined ? {} : { agents: command.agents }),
    ...(ledger === undefined ? {} : { ledger }),
    ...(command.reuse === undefined ? {} : { lineage: command.reuse.lineage }),
    ...(command.parent === undefined ? {} : { parent: command.parent }),
    ...(command.trace === undefined ? {} : { trace: command.trace }),
    ...(place === undefined ? {} : { concurrency: place.success })
  })
  if (place !== undefined) Place.takeAtOnce(draft)
  if (command.reuse !== undefined) return Reuse.take(draft, command.reuse, command.by)
  for (const node of plan.nodes) if (node.incoming.length === 0) draft.todo.push(node.index)
  return undefined
}

const handle = (draft: Draft, command: Command): Refusal | undefined => {
  switch (command.type) {
    case "ProposePatch":
      return Patch.propose(draft, command)
    case "DecidePatch":
      return Patch.decide(draft, command)
    case "RevertPatch":
      return Patch.revert(draft, command)
    case "CreateRun":
      return create(draft, command)
    case "CompleteStep":
      return Spending.watch(draft, command, Answer.complete)
    case "LoseDelivery":
      return Answer.lose(draft, command)
    case "StartCall":
      return Answer.startCall(draft, command)
    case "RecordTurn":
      return Spending.watch(draft, command, Turn.record)
    case "EndCall":
      return Turn.endCall(draft, command)
    case "FireTimer":
      return Control.fire(draft, command)
    case "AdoptRun":
      return Control.adopt(draft, command)
    case "SendEvent":
      return Control.send(draft, command)
    case "PauseRun":
    case "ResumeRun":
      return Control.pause(draft, command)
    case "CancelRun":
      return Control.cancel(draft, command)
    case "TakePlace":
      return Place.take(draft)
    case "CheckStall":
      StallRule.check(draft, command)
      return undefined
    case "ResolveStep":
      return Operator.resolve(draft, command)
    case "ReserveTurn":
      return Spending.reserveTurn(draft, command)
    case "RaiseBudget":
      return Spending.raise(draft, command)
    case "ReportUsage":
      return Spending.report(draft, command)
    case "AskAllotment":
      return Spending.allot(draft, command)
    case "DecideApproval":
      return Approval.decide(draft, command)
    case "EndChild":
      return Spending.watch(draft, command, Child.end)
    case "GiveUpDelivery": {
      const { at, attempts, code, seq, webhook } = command
      const why = code === undefined ? {} : { code }
      Drafts.emit(draft, { type: "DeliveryGivenUp", v: 1, at, webhook, seq, attempts, ...why })
      return undefined
    }
    case "AddNote":
      Drafts.emit(draft, {
        type: "NoteAdded",
        v: 1,
        at: command.at,
        text: command.text,
        ...(command.by === undefined ? {} : { by: command.by })
      })
      return undefined
  }
}

/** What a finished run still takes (K5). */
const annotates = (command: Command): boolean =>
  command.type === "AddNote" || command.type === "ReportUsage" || command.type === "GiveUpDelivery"

/** What comes late, or for the second time, is no mistake of whoever says it. */
const stale: ReadonlySet<Command["type"]> = new Set([
  "CompleteStep",
  "FireTimer",
  "LoseDelivery",
  "EndChild",
  "CheckStall",
  "TakePlace"
])

const refusedOutright = (state: RunState, command: Command): Refusal | undefined => {
  if (state.sealed !== undefined) return refuse("RUN_SEALED", `the run can be read but not changed: ${state.sealed}`)
  if (state.seq === 0 && command.type !== "CreateRun") return refuse("RUN_NOT_FOUND", "the run has not been created")
  if (state.seq > 0 && state.semantics !== semantics) {
    const message = `the run was made under rules of number ${state.semantics}; this program has number ${semantics}`
    return refuse("SEMANTICS_UNKNOWN", message)
  }
  if (state.finished !== undefined && !annotates(command)) {
    if (command.type === "DecideApproval") return ApprovalRefusal.notOpen(state, command)
    if (stale.has(command.type)) return undefined
    return refuse("RUN_FINISHED", `the run has ended: ${state.finished.code}`)
  }
  return undefined
}

/**
 * Answers one command. `blobs` holds the values the decision may read; when it lacks one that matters the answer is
 * `needs`, and the same question is asked again with them.
 */
export const decide = (
  state: RunState,
  command: Command,
  blobs: ReadonlyMap<BlobRef, Json> = noBlobs
): Decision => {
  const outright = refusedOutright(state, command)
  if (outright !== undefined) return { kind: "refused", refusal: outright }
  if (state.finished !== undefined && !annotates(command)) return { kind: "events", events: [] }
  const draft = Drafts.make(state, command.at, blobs)
  try {
    const refusal = handle(draft, command)
    if (refusal !== undefined) return { kind: "refused", refusal }
    if (draft.events.length > 0 || command.type === "FireTimer") {
      settleAll(draft, state.closing === undefined)
    }
  } catch (lacking) {
    if (lacking instanceof Drafts.Lacking) return { kind: "needs", needs: lacking.needs }
    throw lacking
  }
  return { kind: "events", events: draft.events }
}

/** Everything that follows from the first event: joins, skips, ends, offers. */
const settleAll = (draft: Draft, open: boolean): void => {
  if (draft.state.place !== undefined && Place.holdsBack(draft)) return
  drain(draft)
  Child.fill(draft)
  if (open && draft.state.closing !== undefined) {
    Finish.failUnknown(draft)
    drain(draft)
  }
  Finish.finish(draft)
  if (draft.state.finished === undefined) {
    Offer.fill(draft)
    Finish.finish(draft)
  }
}

/** The same for anything at all, such as a command that came as JSON from outside. */
export const decideUnknown = (
  state: RunState,
  command: unknown,
  blobs: ReadonlyMap<BlobRef, Json> = noBlobs
): Decision => {
  const decoded = Commands.decode(command)
  return Option.isSome(decoded)
    ? decide(state, decoded.value, blobs)
    : { kind: "refused", refusal: refuse("COMMAND_INVALID", "this is no command that Baton knows") }
}
