/** Deciding about approvals: opening them, taking decisions and votes, running out of time (SEMANTICS 8.8). */
import * as Result from "effect/Result"
import * as Approval from "./Approval.ts"
import * as ApprovalRefusal from "./ApprovalRefusal.ts"
import * as ApprovalRequest from "./ApprovalRequest.ts"
import type { Command, Refusal } from "./Command.ts"
import * as Operator from "./DecideOperator.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { locate } from "./EvolveStep.ts"
import * as Finish from "./Finish.ts"
import * as JsonSchema from "./JsonSchema.ts"
import * as MergePatch from "./MergePatch.ts"
import type { PlanNode } from "./Plan.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import type { Usage } from "./Usage.ts"
import type { Json, Value } from "./Value.ts"
import { inline, none } from "./Value.ts"
import type { ApprovalWait } from "./Wait.ts"
import { shownPart } from "./Wait.ts"

type DecideApproval = Extract<Command, { readonly type: "DecideApproval" }>

/** Opens the approval of a node whose join is satisfied. */
export const open = (draft: Draft, node: PlanNode): void => {
  const wait = ApprovalRequest.approval(draft, node)
  if (Result.isFailure(wait)) return Settle.fail(draft, node, 0, wait.failure, {})
  Drafts.emit(draft, { type: "StepWaiting", v: 1, at: draft.at, path: node.id, attempt: 1, wait: wait.success })
}

interface Place {
  readonly path: string
  readonly attempt: number
  readonly wait: ApprovalWait
}

/** What was decided, whoever or whatever decided it. */
interface Decision {
  readonly decision: string
  readonly verdict: "for" | "against" | "again"
  readonly cause: "decision" | "timeout"
  readonly by?: string
  readonly comment?: string
  readonly data?: Value
  readonly modifications?: Value
}

/** The JSON that a value of the command holds. */
const given = (draft: Draft, value: Value | undefined): Json | undefined =>
  value === undefined ? undefined : Drafts.read(draft, value)

const formFault = (draft: Draft, wait: ApprovalWait, data: Value | undefined): Refusal | undefined => {
  const form = shownPart(wait, "form")
  if (form === undefined) return undefined
  const faults = JsonSchema.validate(Drafts.read(draft, form), given(draft, data) ?? {})
  if (faults.length === 0) return undefined
  const list = faults.map(({ message, pointer }) => `${pointer === "" ? "/" : pointer}: ${message}`).join("; ")
  return { code: "FORM_INVALID", message: `the data does not fit the form: ${list}` }
}

export const decide = (draft: Draft, command: DecideApproval): Refusal | undefined => {
  const found = ApprovalRefusal.waitOf(draft.state, command.path)
  if (found === undefined) return ApprovalRefusal.notOpen(draft.state, command)
  const { attempt, wait } = found
  const refused = ApprovalRefusal.of(draft.state, wait, command)
  if (refused !== undefined) return refused
  const verdict = ApprovalRefusal.verdictOf(wait, command.decision) ?? "against"
  const impossible = verdict === "again"
    ? repetitionFault(draft, command)
    : ApprovalRefusal.modificationsFault(given(draft, command.modifications))
  if (impossible !== undefined) return impossible
  const unfit = verdict === "for" ? formFault(draft, wait, command.data) : undefined
  if (unfit !== undefined) return unfit
  const { by, comment, data, decision, modifications } = command
  const made: Decision = {
    decision: normal(wait, decision),
    verdict,
    cause: "decision",
    ...(by === undefined ? {} : { by }),
    ...(comment === undefined ? {} : { comment }),
    ...(data === undefined ? {} : { data }),
    ...(modifications === undefined ? {} : { modifications })
  }
  const place = { path: command.path, attempt, wait }
  if (verdict === "for" && (wait.votes?.length ?? 0) + 1 < wait.quorum) vote(draft, place, made)
  else settle(draft, place, made)
  return undefined
}

/** Why the step cannot have another attempt, or not with these modifications. */
const repetitionFault = (draft: Draft, command: DecideApproval): Refusal | undefined => {
  const address = locate(draft.state, command.path)
  const work = address?.index === undefined ? address?.node : address.node.each?.body
  if (work === undefined || !Approval.repeatable.has(work.type)) {
    return { code: "DECISION_INVALID", message: `${command.path} is not tried again as a whole; continue or abort` }
  }
  const { modifications } = command
  return Operator.reopeningProblem(draft, work, modifications === undefined ? {} : { modifications })
}

/** The word of this kind of approval; the words of the others mean the same. */
const normal = ({ ask }: ApprovalWait, decision: string): string => {
  if (decision === "approve" || decision === "continue" || decision === "answer") {
    return ask === "approval" ? "approve" : ask === "checkpoint" ? "continue" : "answer"
  }
  if (decision === "reject" || decision === "abort") return ask === "checkpoint" ? "abort" : "reject"
  return decision
}

const vote = (draft: Draft, { attempt, path, wait }: Place, { by, comment, data, decision }: Decision): void =>
  Drafts.emit(draft, {
    type: "ApprovalVoted",
    v: 1,
    at: draft.at,
    path,
    attempt,
    id: wait.id,
    by: by ?? "",
    decision,
    ...(comment === undefined ? {} : { comment }),
    ...(data === undefined ? {} : { data })
  })

/** The time is over: the flow says what that means. A timer that comes too early, or for something else, is stale. */
export const timeOut = (draft: Draft, path: string, n: number): void => {
  const found = ApprovalRefusal.waitOf(draft.state, path)
  if (found === undefined || found.attempt !== n) return
  const { attempt, wait } = found
  if (wait.dueAt === undefined || wait.dueAt > draft.at) return
  const verdict = wait.onTimeout === "approve" ? "for" : "against"
  settle(draft, { path, attempt, wait }, { decision: normal(wait, wait.onTimeout), verdict, cause: "timeout" })
}

const settle = (draft: Draft, place: Place, made: Decision): void => {
  const { attempt, path, wait } = place
  const address = locate(draft.state, path)
  if (address === undefined) return
  const answer = wait.ask === "question" && made.verdict === "for" ? answerOf(draft, wait, made) : undefined
  Drafts.emit(draft, {
    type: "ApprovalDecided",
    v: 1,
    at: draft.at,
    path,
    attempt,
    id: wait.id,
    ask: wait.ask,
    decision: made.decision,
    cause: made.cause,
    ...(made.by === undefined ? {} : { by: made.by }),
    ...(made.comment === undefined ? {} : { comment: made.comment }),
    ...(answer !== undefined ? { data: answer } : made.data === undefined ? {} : { data: made.data }),
    ...(made.modifications === undefined ? {} : { modifications: made.modifications })
  })
  if (wait.ask === "approval") settleApproval(draft, address.node, wait, made)
  else if (made.verdict === "again") reopen(draft, path, made)
  else if (wait.ask === "checkpoint") settleCheckpoint(draft, address.node, attempt, wait, made)
  else settleQuestion(draft, place, made)
}

/** What an agent gets for an answer: the data, else the option chosen, else what was said; null when time ran out. */
const answerOf = (draft: Draft, wait: ApprovalWait, made: Decision): Value => {
  if (made.cause === "timeout") return none
  if (made.data !== undefined && shownPart(wait, "form") !== undefined) return made.data
  if (made.decision !== "answer") return inline({ chosen: made.decision, data: given(draft, made.data) ?? null })
  return made.data ?? inline(made.comment ?? null)
}

const reopen = (draft: Draft, path: string, { by, comment, modifications }: Omit<Decision, "verdict">): void =>
  Operator.reopen(draft, path, {
    ...(by === undefined ? {} : { by }),
    ...(comment === undefined ? {} : { note: comment }),
    ...(modifications === undefined ? {} : { modifications })
  })

const rejection = (wait: ApprovalWait, { by, cause, comment }: Decision): StepError => ({
  code: wait.ask === "question" ? "QUESTION_REFUSED" : wait.ask === "checkpoint" ? "ABORTED" : "REJECTED",
  kind: "policy",
  message: cause === "timeout"
    ? "nobody decided in time"
    : `${by ?? "somebody"} said no${comment === undefined ? "" : `: ${comment.slice(0, 500)}`}`,
  retryable: false
})

/** Form data of all approvals together: of one name, the later counts. */
const gathered = (draft: Draft, wait: ApprovalWait, made: Decision): Value => {
  const all = [...wait.votes ?? [], made].flatMap(({ data }) => data === undefined ? [] : [data])
  const [only] = all
  if (only === undefined) return inline({})
  if (all.length === 1) return only
  const parts = all.map((data) => Drafts.read(draft, data))
  const last = parts.at(-1) ?? null
  const isObject = (json: Json): boolean => typeof json === "object" && json !== null && !Array.isArray(json)
  return inline(parts.every(isObject) ? Object.assign({}, ...parts) : last)
}

/** `{decision, approved, by, comment, data}`, and the `input` as it was approved. */
const outputOf = (draft: Draft, wait: ApprovalWait, made: Decision): Value => {
  const input = shownPart(wait, "input")
  const patch = given(draft, made.modifications)
  const changed = patch === undefined
    ? input
    : inline(MergePatch.apply(input === undefined ? {} : Drafts.read(draft, input), patch))
  const approved = made.verdict === "for"
  return {
    fields: {
      decision: inline(made.decision),
      approved: inline(approved),
      by: inline(made.by ?? null),
      comment: inline(made.comment ?? null),
      data: gathered(draft, wait, made),
      ...(changed === undefined ? {} : { input: changed }),
      ...(approved && wait.quorum > 1
        ? { approvals: inline([...(wait.votes ?? []).map(({ by }) => by), ...made.by === undefined ? [] : [made.by]]) }
        : {})
    }
  }
}

/** A rejection that leads nowhere is a failure that nothing handles (SEMANTICS 8.5a). */
const settleApproval = (draft: Draft, node: PlanNode, wait: ApprovalWait, made: Decision): void => {
  const { startedAt } = draft.state.nodes.get(node.index)
  const output = outputOf(draft, wait, made)
  const verdict = made.verdict === "for" ? "approved" : "rejected"
  const chosen = wait.options?.some(({ name }) => name === made.decision) === true ? made.decision : verdict
  const report = { startedAt, outcome: chosen, verdict } as const
  if (made.verdict === "for" || Settle.leadsOn(draft, node, output, report)) {
    Settle.succeed(draft, node, 1, output, report)
  } else Settle.fail(draft, node, 1, rejection(wait, made), { startedAt, output, final: true })
}

const settleCheckpoint = (
  draft: Draft,
  node: PlanNode,
  attempt: number,
  wait: ApprovalWait,
  made: Decision
): void => {
  const output = shownPart(wait, "output") ?? none
  const report = { ...wait.provisional }
  if (made.verdict === "for") return Settle.succeed(draft, node, attempt, output, { ...report, released: true })
  Settle.fail(draft, node, attempt, rejection(wait, made), { ...report, final: true })
}

/** The next attempt goes on with the answer; in the conversation of an agent it is the result of the call that asked. */
const goOn = (draft: Draft, { attempt, path, wait }: Place, made: Decision): void => {
  const answer = answerOf(draft, wait, made)
  if (wait.call !== undefined) {
    const by = made.by === undefined ? {} : { by: inline(made.by) }
    const late = made.cause === "timeout" ? { timedOut: inline(true) } : {}
    Drafts.emit(draft, {
      type: "CallEnded",
      v: 1,
      at: draft.at,
      path,
      attempt,
      ...wait.call,
      result: { fields: { answer, ...by, ...late } }
    })
  }
  reopen(draft, path, { decision: made.decision, cause: made.cause, ...(made.by === undefined ? {} : { by: made.by }) })
}

const settleQuestion = (draft: Draft, place: Place, made: Decision): void => {
  const { attempt, path, wait } = place
  const address = locate(draft.state, path)
  if (address === undefined) return
  if (made.verdict === "for") return goOn(draft, place, made)
  const { index, node } = address
  const error = rejection(wait, made)
  if (index === undefined) return Settle.fail(draft, node, attempt, error, {})
  Settle.failItem(draft, node, index, attempt, error, {})
  Finish.checkMap(draft, node)
}

const used = (usage: Usage | undefined): { readonly usage?: Usage } => usage === undefined ? {} : { usage }

/** The attempt has ended with a question. False when nobody can be asked it: then it has failed, with the reason. */
export const ask = (
  draft: Draft,
  path: string,
  attempt: number,
  asked: Approval.Question,
  { usage }: Settle.Report = {}
): StepError | undefined => {
  if ((draft.state.answers.get(path)?.length ?? 0) >= Approval.questionsMax) {
    const message = `${path} has put ${Approval.questionsMax} questions to people; one step may not ask more`
    return { code: "QUESTIONS_MAX", kind: "policy", message, retryable: false }
  }
  const wait = ApprovalRequest.question(draft, path, attempt, asked)
  if (Result.isFailure(wait)) return { ...wait.failure, code: "QUESTION_INVALID" }
  Drafts.emit(draft, { type: "StepWaiting", v: 1, at: draft.at, path, attempt, wait: wait.success, ...used(usage) })
  return undefined
}
