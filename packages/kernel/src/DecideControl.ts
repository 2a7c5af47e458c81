/** What comes from clocks, people and sessions: timers, events sent to a run, pause, cancel, adoption, operators' doors. */
import * as ApprovalRefusal from "./ApprovalRefusal.ts"
import type { Command, Refusal } from "./Command.ts"
import * as Answer from "./DecideAnswer.ts"
import * as Approval from "./DecideApproval.ts"
import * as Child from "./DecideChild.ts"
import * as Patch from "./DecidePatch.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { waitsForChild } from "./EvolveChild.ts"
import { locate } from "./EvolveStep.ts"
import * as Finish from "./Finish.ts"
import { offered } from "./OfferedStep.ts"
import * as Outstanding from "./Outstanding.ts"
import { inboxMax, isSettled } from "./RunState.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import * as Suspect from "./Suspect.ts"
import { inline } from "./Value.ts"

type Of<T extends Command["type"]> = Extract<Command, { readonly type: T }>

/** Ids of events a run remembers, so that each counts once. */
const receivedMax = 10_000

const by = (command: { readonly by?: string }): { by?: string } => command.by === undefined ? {} : { by: command.by }

const retryDue = (draft: Draft, path: string, n: number): boolean => {
  const address = locate(draft.state, path)
  if (address === undefined) return false
  if (address.index === undefined) {
    const at = draft.state.nodes.get(address.node.index)
    return at.status === "retrying" && at.attempt === n && (at.retryAt ?? 0) <= draft.at
  }
  const table = draft.state.maps.get(address.node.index)
  return table?.status(address.index) === "retrying" && table.attempt(address.index) === n &&
    (table.note(address.index)?.retryAt ?? 0) <= draft.at
}

const timeoutError: StepError = {
  code: "TIMEOUT",
  kind: "timeout",
  message: "nothing arrived in time",
  retryable: false
}

/** A wait that holds no worker is over: by its time, or because its event did not come. */
const waitDue = (draft: Draft, command: Of<"FireTimer">): void => {
  if (ApprovalRefusal.waitOf(draft.state, command.path) !== undefined) {
    return Approval.timeOut(draft, command.path, command.n)
  }
  if (Child.timeout(draft, command)) return
  const node = draft.state.plan.byId.get(command.path)
  const at = node === undefined ? undefined : draft.state.nodes.get(node.index)
  if (node === undefined || at?.status !== "waiting" || at.attempt !== command.n || at.wait === undefined) return
  if (
    at.wait.kind === "budget" || at.wait.kind === "operator" || at.wait.kind === "child" ||
    at.wait.kind === "approval" ||
    at.wait.dueAt === undefined || at.wait.dueAt > draft.at
  ) return
  if (at.wait.kind === "event") return Settle.fail(draft, node, at.attempt, timeoutError, { final: true })
  Settle.succeed(draft, node, at.attempt, inline({}), { startedAt: at.startedAt })
}

/** The grace is over: what still runs is given up. */
const graceDue = (draft: Draft): void => {
  const { closing } = draft.state
  // After a failure what runs may finish: no grace is counted.
  if (closing === undefined || closing.cause === "failure" || draft.at < closing.at + Settle.graceMs) return
  const cancelled: Array<string> = []
  for (const { attempt, path } of Outstanding.offered(draft.state)) {
    const step = offered(draft, path, attempt)
    if (step === undefined || Answer.park(draft, step, path, attempt)) continue
    cancelled.push(path)
    for (const edge of step.index === undefined ? step.node.outgoing : []) draft.todo.push(edge.to)
  }
  if (cancelled.length > 0) Drafts.emit(draft, { type: "StepsCancelled", v: 1, at: draft.at, paths: cancelled })
  for (const node of draft.state.plan.nodes) if (node.each !== undefined) Finish.checkMap(draft, node)
}

export const fire = (draft: Draft, command: Of<"FireTimer">): Refusal | undefined => {
  switch (command.kind) {
    case "retry":
      if (retryDue(draft, command.path, command.n)) {
        Drafts.emit(draft, { type: "StepsReady", v: 1, at: draft.at, paths: [command.path] })
      }
      return undefined
    case "wait":
    case "timeout":
      waitDue(draft, command)
      return undefined
    case "deadline":
      if (draft.state.deadlineAt !== undefined && draft.state.deadlineAt <= draft.at) {
        if (draft.state.closing?.cause === "failure") giveUpRest(draft)
        Settle.close(draft, {
          cause: "deadline",
          code: "DEADLINE_EXCEEDED",
          message: "the run did not end before its deadline (limits.deadline)"
        })
      }
      return undefined
    case "grace":
      graceDue(draft)
      return undefined
    case "patch":
      Patch.expire(draft, command.path)
      return undefined
    case "rate":
      return undefined
  }
}

export const adopt = (draft: Draft, command: Of<"AdoptRun">): Refusal | undefined => {
  if (command.epoch <= draft.state.epoch) {
    return { code: "EPOCH_STALE", message: `the run has been adopted under epoch ${draft.state.epoch} already` }
  }
  const open = Outstanding.offered(draft.state)
  const suspect = Suspect.first(draft.state)
  const begun = suspect === undefined ? open : [suspect]
  const lost = command.orderly === true ? [] : begun.map((offer) => offer.path)
  Drafts.emit(draft, {
    type: "RunAdopted",
    v: 1,
    at: draft.at,
    session: command.session,
    epoch: command.epoch,
    lost
  })
  for (const { attempt, path } of open) {
    const step = offered(draft, path, attempt)
    if (step === undefined || Answer.park(draft, step, path, attempt)) continue
    if ((draft.state.lost.get(`${path}#${attempt}`) ?? 0) >= Suspect.lossesMax) {
      Answer.poison(draft, step, path, attempt)
    }
  }
  if (lost.length > 0) Answer.renew(draft, open)
  return undefined
}

export const send = (draft: Draft, command: Of<"SendEvent">): Refusal | undefined => {
  const { state } = draft
  if (state.received.has(command.id)) return undefined
  if (state.inbox.length >= inboxMax || state.received.size >= receivedMax) {
    return { code: "EVENTS_MAX", message: "the run holds as many events as it may; let a wait take some first" }
  }
  Drafts.emit(draft, {
    type: "EventReceived",
    v: 1,
    at: draft.at,
    id: command.id,
    name: command.name,
    data: command.data,
    ...by(command)
  })
  const waiting = state.plan.nodes.find((node) => {
    const at = draft.state.nodes.get(node.index)
    return at.status === "waiting" && at.wait?.kind === "event" && at.wait.name === command.name &&
      (at.wait.dueAt === undefined || at.wait.dueAt > draft.at)
  })
  if (waiting !== undefined) {
    const at = draft.state.nodes.get(waiting.index)
    const oldest = draft.state.inbox.find((received) => received.name === command.name)
    Settle.succeed(draft, waiting, at.attempt, oldest?.data ?? command.data, { startedAt: at.startedAt })
  }
  return undefined
}

export const pause = (draft: Draft, command: Of<"PauseRun"> | Of<"ResumeRun">): Refusal | undefined => {
  const { parent, pausedAbove, pausedHere } = draft.state
  const wanted = command.type === "PauseRun"
  const above = command.parent === true
  if (above ? pausedAbove === wanted : pausedHere === wanted) {
    if (above || wanted || !pausedAbove) return undefined
    return { code: "PARENT_PAUSED", message: `the run that started it is paused; resume ${parent?.run ?? "that one"}` }
  }
  const type = wanted ? "RunPaused" : "RunResumed"
  Drafts.emit(draft, { type, v: 1, at: draft.at, ...by(command), ...(above ? { parent: true } : {}) })
  return undefined
}

/**
 * A run that closes by a failure keeps its outcome, but what has not been offered to a worker is given up: a wait behind an
 * `always` edge would otherwise hold it open for as long as it likes.
 */
const giveUpRest = (draft: Draft): void => {
  const rest = draft.state.plan.nodes.filter((node) => {
    const at = draft.state.nodes.get(node.index)
    return !isSettled(at.status) && at.status !== "queued" && at.status !== "open" && !waitsForChild(at)
  })
  Child.stopAll(draft)
  if (rest.length === 0) return
  Drafts.emit(draft, { type: "StepsCancelled", v: 1, at: draft.at, paths: rest.map((node) => node.id) })
  for (const node of rest) for (const edge of node.outgoing) draft.todo.push(edge.to)
}

export const cancel = (draft: Draft, command: Of<"CancelRun">): Refusal | undefined => {
  if (draft.state.closing?.cause === "failure") giveUpRest(draft)
  if (draft.state.closing !== undefined) return undefined
  Settle.close(draft, {
    cause: "cancel",
    code: "CANCELLED",
    message: command.reason ?? "the run was cancelled",
    by: command.by
  })
  return undefined
}
