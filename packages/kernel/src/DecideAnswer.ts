/** Answers of workers: completions, lost deliveries, announced calls. */
import type { Question } from "./Approval.ts"
import type { Command, Refusal } from "./Command.ts"
import * as Conversation from "./Conversation.ts"
import * as Approval from "./DecideApproval.ts"
import * as Spending from "./DecideLedger.ts"
import * as Turn from "./DecideTurn.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import * as Finish from "./Finish.ts"
import type { Offered } from "./OfferedStep.ts"
import { offered } from "./OfferedStep.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import * as Suspect from "./Suspect.ts"

type Of<T extends Command["type"]> = Extract<Command, { readonly type: T }>

/** A failed gather is tried again a few times: its inputs are all durable. */
const gatherAttemptsMax = 3

/** An attempt that has announced no call has done nothing that could not be done again. */
const stopped = (callStarted: boolean): StepError => ({
  code: "INTERRUPTED",
  kind: "internal",
  message: "the attempt was stopped before it could answer",
  retryable: true,
  ...(callStarted ? {} : { sent: false })
})

export const fail = (
  draft: Draft,
  step: Offered,
  attempt: number,
  error: StepError,
  report: Settle.Report,
  final = false
): void => {
  if (step.index !== undefined) {
    return Settle.failItem(draft, step.node, step.index, attempt, error, { ...report, final })
  }
  if (
    step.node.map !== undefined && error.retryable && attempt < gatherAttemptsMax && draft.state.closing === undefined
  ) {
    const dueAt = draft.at + 1000
    return Drafts.emit(draft, {
      type: "StepRetryScheduled",
      v: 1,
      at: draft.at,
      path: step.node.id,
      attempt,
      error,
      dueAt
    })
  }
  Settle.fail(draft, step.node, attempt, error, { ...report, final })
}

const interrupted = (draft: Draft, step: Offered, command: Of<"CompleteStep">): void => {
  if (draft.state.closing === undefined) {
    return fail(draft, step, command.attempt, stopped(step.callStarted || step.open), command)
  }
  if (step.open) {
    return fail(draft, step, command.attempt, Settle.outcomeUnknown(command.path), command, true)
  }
  const idle = command.outcome.ok === "interrupted" && command.outcome.begun === false ? { idle: true } : {}
  Drafts.emit(draft, { type: "StepsCancelled", v: 1, at: draft.at, paths: [command.path], ...idle })
  if (step.index === undefined) { for (const edge of step.node.outgoing) draft.todo.push(edge.to) }
}

/** A run or map that closes puts no more questions to anybody. */
const asks = (draft: Draft, step: Offered, command: Of<"CompleteStep">, question: Question): void => {
  const stopped = step.index !== undefined && draft.state.maps.get(step.node.index)?.stopped === true
  if (draft.state.closing !== undefined || stopped) return interrupted(draft, step, command)
  const error = Approval.ask(draft, command.path, command.attempt, question, command)
  if (error !== undefined) fail(draft, step, command.attempt, error, command)
}

export const complete = (draft: Draft, command: Of<"CompleteStep">): Refusal | undefined => {
  const step = offered(draft, command.path, command.attempt)
  if (step === undefined) return undefined
  const { outcome, startedAt, usage, warnings } = command
  if (outcome.ok === "interrupted") interrupted(draft, step, command)
  else if (outcome.ok === "unfunded") {
    const ask = { amounts: outcome.need, unpriced: outcome.unpriced }
    const error = Spending.sendBack(draft, step, command.path, command.attempt, ask, command)
    if (error !== undefined) fail(draft, step, command.attempt, error, command, true)
  } else if (outcome.ok === "asks") asks(draft, step, command, outcome.question)
  else if (!outcome.ok) fail(draft, step, command.attempt, outcome.error, command)
  else if (step.index !== undefined) {
    Drafts.emit(draft, {
      type: "StepSucceeded",
      v: 1,
      at: draft.at,
      path: command.path,
      attempt: command.attempt,
      output: outcome.output,
      ...(outcome.receipt === undefined ? {} : { receipt: outcome.receipt }),
      ...(command.startedAt === undefined ? {} : { startedAt: command.startedAt }),
      ...(command.usage === undefined ? {} : { usage: command.usage }),
      ...(command.warnings === undefined || command.warnings.length === 0 ? {} : { warnings: command.warnings })
    })
  } else if (step.node.map !== undefined) {
    Finish.settleMap(draft, step.node, command.attempt, outcome.output, command)
  } else {
    Settle.succeed(draft, step.node, command.attempt, outcome.output, {
      startedAt,
      usage,
      warnings,
      agent: outcome.agent,
      receipt: outcome.receipt
    })
  }
  if (step.index !== undefined) Finish.checkMap(draft, step.node)
  return undefined
}

export const poison = (draft: Draft, step: Offered, path: string, attempt: number): void => {
  const error: StepError = {
    code: "POISON",
    kind: "poison",
    message: `${path}: ${Suspect.lossesMax} workers were lost while they ran this attempt`,
    retryable: false
  }
  fail(draft, step, attempt, error, {}, true)
  if (step.index !== undefined) Finish.checkMap(draft, step.node)
}

/** Parks an irreversible step whose call may have been made; true when it did. */
export const park = (draft: Draft, step: Offered, path: string, attempt: number): boolean => {
  if (!step.open) return false
  const error = Settle.outcomeUnknown(path, Conversation.openTool(draft.state.conversations?.get(path)))
  const stopped = step.index !== undefined && draft.state.maps.get(step.node.index)?.stopped === true
  if (draft.state.closing !== undefined || stopped) {
    fail(draft, step, attempt, error, {}, true)
    if (step.index !== undefined) Finish.checkMap(draft, step.node)
  } else {
    Drafts.emit(draft, {
      type: "StepWaiting",
      v: 1,
      at: draft.at,
      path,
      attempt,
      wait: { kind: "operator", reason: "unknown_outcome", error }
    })
  }
  return true
}

/** Lost attempts that are begun again set aside their worst case once more; those that can neither begin nor wait fail. */
export const renew = (draft: Draft, lost: Parameters<typeof Spending.renew>[1]): void => {
  for (const { attempt, error, step } of Spending.renew(draft, lost)) {
    fail(draft, step, attempt, error, {}, true)
    if (step.index !== undefined) Finish.checkMap(draft, step.node)
  }
}

export const lose = (draft: Draft, command: Of<"LoseDelivery">): Refusal | undefined => {
  const step = offered(draft, command.path, command.attempt)
  if (step === undefined) return undefined
  const { attempt, orderly, path, startedAt } = command
  if (orderly === true) {
    if (!Spending.holds(draft.state, path, attempt)) return undefined
    const begun = startedAt === undefined ? {} : { startedAt }
    Drafts.emit(draft, { type: "DeliveryLost", v: 1, at: draft.at, path, attempt, orderly, ...begun })
    if (!park(draft, step, path, attempt)) renew(draft, [{ path, attempt }])
    return undefined
  }
  Drafts.emit(draft, { type: "DeliveryLost", v: 1, at: draft.at, path, attempt })
  if (park(draft, step, path, attempt)) return undefined
  if ((draft.state.lost.get(`${path}#${attempt}`) ?? 0) >= Suspect.lossesMax) poison(draft, step, path, attempt)
  else renew(draft, [{ path, attempt }])
  return undefined
}

export const startCall = (draft: Draft, command: Of<"StartCall">): Refusal | undefined => {
  const step = offered(draft, command.path, command.attempt)
  if (step === undefined) {
    return { code: "ATTEMPT_STALE", message: `${command.path} is no longer offered as this attempt` }
  }
  // After a failure, what runs may finish, and what always runs has only begun.
  if (draft.state.closing !== undefined && draft.state.closing.cause !== "failure") {
    return { code: "RUN_CLOSING", message: "the run closes; the call must not be made" }
  }
  if (command.tool !== undefined) return Turn.startCall(draft, command)
  if (step.callStarted) return { code: "CALL_STARTED", message: `${command.path} has announced its call already` }
  Drafts.emit(draft, {
    type: "CallStarted",
    v: 1,
    at: draft.at,
    path: command.path,
    attempt: command.attempt,
    key: command.key
  })
  return undefined
}
