/**
 * Why a decision does not count, in the order in which people want to know it: it was decided, it is over, it is too late,
 * it is not what they saw, it is not theirs, it is not one that can be made here.
 */
import * as Approval from "./Approval.ts"
import type { Command, Refusal } from "./Command.ts"
import { locate } from "./EvolveStep.ts"
import * as MergePatch from "./MergePatch.ts"
import type { RunState } from "./RunState.ts"
import * as TimeText from "./TimeText.ts"
import type { ApprovalWait } from "./Wait.ts"

type DecideApproval = Extract<Command, { readonly type: "DecideApproval" }>

const refuse = (code: string, message: string): Refusal => ({ code, message })

const words: { readonly [decision: string]: string } = {
  approve: "approved",
  reject: "rejected",
  continue: "let it go on",
  retry: "sent it back",
  abort: "aborted it",
  answer: "answered"
}

/** Who decided what and when, for whoever comes later. */
export const story = (decided: Approval.Decided): string => {
  const what = words[decided.decision] ?? `chose ${decided.decision}`
  const when = TimeText.format(decided.at)
  const comment = decided.comment === undefined ? "" : `: ${decided.comment.slice(0, 200)}`
  return decided.cause === "timeout"
    ? `nobody decided in time; by the flow's rule it counts as ${decided.decision} since ${when}`
    : `${decided.by ?? "somebody"} ${what} at ${when}${comment}`
}

const alreadyDecided = (path: string, decided: Approval.Decided): Refusal =>
  refuse("ALREADY_DECIDED", `${path}: ${story(decided)}`)

/** The decision that the command comes too late for: of the approval it names, or the last one of the step. */
const earlier = (state: RunState, { id, path }: DecideApproval): Approval.Decided | undefined => {
  if (id !== undefined) return state.decisions.get(id)
  return [...state.decisions.values()].findLast((decided) => decided.path === path)
}

/** What the step waits for now, when that is an approval. */
export const waitOf = (
  state: RunState,
  path: string
): { readonly wait: ApprovalWait; readonly attempt: number } | undefined => {
  const address = locate(state, path)
  if (address === undefined) return undefined
  const { index, node } = address
  if (index === undefined) {
    const { attempt, status, wait } = state.nodes.get(node.index)
    return status === "waiting" && wait?.kind === "approval" ? { wait, attempt } : undefined
  }
  const table = state.maps.get(node.index)
  const wait = table?.status(index) === "waiting" ? table.note(index)?.wait : undefined
  return table !== undefined && wait?.kind === "approval" ? { wait, attempt: table.attempt(index) } : undefined
}

/** Nothing is asked there now. */
export const notOpen = (state: RunState, command: DecideApproval): Refusal => {
  const { path } = command
  const address = locate(state, path)
  const decided = earlier(state, command)
  if (decided !== undefined) return alreadyDecided(path, decided)
  if (address === undefined) return refuse("STEP_NOT_FOUND", `the run has no step ${path}`)
  const { index, node } = address
  const status = index === undefined ? state.nodes.get(node.index).status : state.maps.get(node.index)?.status(index)
  const over = state.finished ?? state.closing
  if (status === "cancelled" || status === "skipped") {
    const why = over === undefined ? "" : `; the run ended: ${over.code}`
    return refuse("APPROVAL_VOID", `${path} was ${status} before anybody decided${why}`)
  }
  if (state.finished !== undefined) return refuse("RUN_FINISHED", `the run has ended: ${state.finished.code}`)
  return refuse("STEP_NOT_WAITING", `${path} does not wait for a decision; it is ${status ?? "not there"}`)
}

const notTheirs = (state: RunState, wait: ApprovalWait, command: DecideApproval): Refusal | undefined => {
  const by = command.by ?? ""
  // Nobody in particular is no other person than those who have approved, or than who has asked.
  if (by.trim() === "" && (wait.quorum > 1 || !wait.requesterMayApprove || command.by !== undefined)) {
    return refuse("NOT_AN_APPROVER", "who decides this has to have a name")
  }
  if (by.length > Approval.nameLengthMax) {
    return refuse("NOT_AN_APPROVER", `a name is at most ${Approval.nameLengthMax} characters long`)
  }
  if (!Approval.mayDecide(wait.approvers, by, command.groups ?? [])) {
    const who = wait.approvers?.join(", ") ?? ""
    return refuse("NOT_AN_APPROVER", `${by === "" ? "nobody in particular" : by} may not decide this; ${who} may`)
  }
  if (!wait.requesterMayApprove && by === (state.by ?? "")) {
    return refuse("REQUESTER_MAY_NOT_APPROVE", `${by} started the run, so somebody else has to decide`)
  }
  const before = wait.votes?.find((vote) => vote.by === by)
  return before === undefined || verdictOf(wait, command.decision) === "against"
    ? undefined
    : refuse("ALREADY_VOTED", `${by} approved at ${TimeText.format(before.at)}; other people have to as well`)
}

/** What a decision word does. `undefined`: it is none that can be made here. */
export const verdictOf = (wait: ApprovalWait, decision: string): "for" | "against" | "again" | undefined => {
  const option = wait.options?.find(({ name }) => name === decision)
  if (option !== undefined) return option.rejects === true ? "against" : "for"
  if (decision === "reject" || decision === "abort") return "against"
  if (decision === "approve" || decision === "continue") return "for"
  if (decision === "answer") return wait.ask === "question" ? "for" : undefined
  return decision === "retry" && wait.ask !== "approval" && wait.once !== true ? "again" : undefined
}

const wordsOf = {
  approval: ["approve", "reject"],
  checkpoint: ["continue", "retry", "abort"],
  question: ["answer", "reject", "retry"]
} as const

/** What may be decided: the words of its kind, and the names of its options. */
export const decisionsOf = (wait: ApprovalWait): ReadonlyArray<string> => [
  ...wordsOf[wait.ask].filter((word) => verdictOf(wait, word) !== undefined),
  ...(wait.options ?? []).map(({ name }) => name)
]

const notPossible = (wait: ApprovalWait, command: DecideApproval): Refusal | undefined => {
  const verdict = verdictOf(wait, command.decision)
  if (verdict === undefined) {
    return refuse(
      "DECISION_INVALID",
      `${command.decision.slice(0, 80)} is no decision here; one of ${decisionsOf(wait).join(", ")}`
    )
  }
  if ((command.comment?.length ?? 0) > Approval.commentLengthMax) {
    return refuse("DECISION_INVALID", `a comment is at most ${Approval.commentLengthMax} characters long`)
  }
  if (command.modifications === undefined) return undefined
  const modifiable = wait.ask === "approval" ? verdict === "for" : verdict === "again"
  return modifiable ? undefined : refuse(
    "DECISION_INVALID",
    wait.ask === "approval"
      ? "modifications go with an approval, not with a rejection"
      : "modifications change the input of the next attempt: they go with retry"
  )
}

/** `undefined`: the decision counts. What it says beside the word is looked at later. */
export const of = (
  state: RunState,
  wait: ApprovalWait,
  command: DecideApproval
): Refusal | undefined => {
  if (command.id !== undefined && command.id !== wait.id) {
    const decided = state.decisions.get(command.id)
    return decided === undefined
      ? refuse("APPROVAL_NOT_FOUND", `${command.path} asks for ${wait.id} now, not for ${command.id.slice(0, 80)}`)
      : alreadyDecided(command.path, decided)
  }
  if (wait.dueAt !== undefined && command.at >= wait.dueAt) {
    const when = TimeText.format(wait.dueAt)
    return refuse("EXPIRED", `the time to decide ended at ${when}; by the flow's rule it counts as ${wait.onTimeout}`)
  }
  if (command.hash !== undefined && command.hash !== wait.hash) {
    return refuse("APPROVAL_CHANGED", `${command.path} shows something else now; look at it again`)
  }
  return notTheirs(state, wait, command) ?? notPossible(wait, command)
}

/** What is wrong with a patch of what people were shown; nothing: it is within its bounds, or not there. */
export const modificationsFault = (patch: unknown): Refusal | undefined => {
  if (patch === undefined) return undefined
  const fault = MergePatch.check(patch)
  if (fault !== undefined) return refuse("MODIFICATIONS_INVALID", `${fault.pointer || "/"}: ${fault.message}`)
  return typeof patch === "object" && patch !== null && !Array.isArray(patch)
    ? undefined
    : refuse("MODIFICATIONS_INVALID", "modifications are an object: a JSON Merge Patch of the input")
}
