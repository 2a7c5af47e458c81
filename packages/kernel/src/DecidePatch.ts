/** Deciding about patches: proposed by people and agents, reviewed, taken back (SEMANTICS 8.9). */
import * as Result from "effect/Result"
import type { Command, Refusal } from "./Command.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import * as DurationText from "./DurationText.ts"
import type { PatchPolicy } from "./FlowPolicy.ts"
import { offered } from "./OfferedStep.ts"
import * as PatchChange from "./PatchChange.ts"
import * as PatchGrowth from "./PatchGrowth.ts"
import * as Policy from "./PatchPolicy.ts"
import * as PatchProblem from "./PatchProblem.ts"
import type { PatchAuthor, PatchRecord } from "./PatchRecord.ts"
import * as PatchRule from "./PatchRule.ts"
import type { RunState } from "./RunState.ts"
import * as StepPath from "./StepPath.ts"

type Of<T extends Command["type"]> = Extract<Command, { readonly type: T }>

/** UTF-16 units of a stated reason or comment; more is cut. */
export const reasonLengthMax = 2_000

const refuse = PatchProblem.refuse

const cut = (text: string | undefined): string | undefined => text?.slice(0, reasonLengthMax).toWellFormed()

const find = (state: RunState, id: string): PatchRecord | undefined => state.patches?.find((patch) => patch.id === id)

/** An agent may patch only while its attempt runs, and where the policy lets it. */
const authorFault = (draft: Draft, author: PatchAuthor): Refusal | undefined => {
  const node = StepPath.parse(author.path)?.node ?? author.path
  if (Policy.forNode(draft.state.plan, node) === undefined) {
    return refuse("PATCH_OFF", `the flow does not let the agent of '${node}' patch its runs (policy.patches.by)`)
  }
  return offered(draft, author.path, author.attempt) === undefined
    ? refuse("PATCH_AUTHOR", `attempt ${author.attempt} of ${author.path} is not running`)
    : undefined
}

/** Patches that the run may have, rejected ones counted, inverse ones not. */
const isFull = ({ patches, plan }: RunState): boolean =>
  (patches ?? []).filter(({ reverts }) => reverts === undefined).length >= plan.limits.patches

const needsReview = (policy: PatchPolicy | undefined, growth: PatchGrowth.Growth): boolean => {
  const review = policy?.review ?? "required"
  return review === "required" || (review === "whenItGrows" && PatchGrowth.grows(growth))
}

export const propose = (draft: Draft, command: Of<"ProposePatch">): Refusal | undefined => {
  const { state } = draft
  // The same call again: it counts once, whatever became of it.
  if (find(state, command.id) !== undefined) return undefined
  const { author } = command
  const fault = author === undefined ? undefined : authorFault(draft, author)
  if (fault !== undefined) return fault
  if (state.review !== undefined) {
    return refuse("PATCH_PENDING", `patch ${state.review.id} waits for its review; no other is taken before that`)
  }
  if (isFull(state)) {
    return refuse(
      "PATCHES_MAX",
      `the run has had ${state.plan.limits.patches} patches, as many as limits.patches allows`
    )
  }
  const rule = PatchRule.check(draft, { base: command.base, operations: command.operations, author })
  if (Result.isFailure(rule)) return rule.failure
  const about = {
    id: command.id,
    ...(command.reason === undefined ? {} : { reason: cut(command.reason) ?? "" }),
    ...(command.by === undefined ? {} : { by: command.by }),
    ...(author === undefined ? {} : { author })
  }
  const policy = author === undefined ? undefined : Policy.forNode(state.plan, StepPath.parse(author.path)?.node ?? "")
  const { growth, operations } = rule.success
  if (growth === undefined || !needsReview(policy, growth)) {
    apply(draft, rule.success, about)
    return undefined
  }
  const timeoutMs = policy?.timeout === undefined ? undefined : DurationText.parse(policy.timeout)
  Drafts.emit(draft, {
    type: "PatchProposed",
    v: 1,
    at: draft.at,
    base: command.base,
    operations,
    growth,
    ...about,
    ...(timeoutMs === undefined ? {} : { dueAt: draft.at + timeoutMs })
  })
  return undefined
}

interface About {
  readonly id: string
  readonly reason?: string
  readonly by?: string
  readonly author?: PatchAuthor
  readonly approvedBy?: string
  readonly comment?: string
  readonly reverts?: string
}

/** The plan changes, and every join that the change touches is looked at again. */
const apply = (draft: Draft, { change, live, next, operations, warnings }: PatchRule.Accepted, about: About): void => {
  Drafts.emit(draft, {
    type: "PlanPatched",
    v: 1,
    at: draft.at,
    base: draft.state.plan.revision,
    revision: next.plan.revision,
    hash: next.hash,
    operations,
    ...(live.length === 0 ? {} : { live }),
    ...about,
    ...(warnings.length === 0 ? {} : { warnings })
  })
  const nodes = [...change.addedNodes, ...change.changedNodes.map(({ after }) => after)].map(({ id }) => id)
  const targets = [...change.addedEdges, ...change.removedEdges].map(({ to }) => to)
  for (const id of [...nodes, ...targets]) {
    const node = draft.state.plan.byId.get(id)
    if (node !== undefined) draft.todo.push(node.index)
  }
}

const decidedAlready = (state: RunState, id: string): Refusal => {
  const known = find(state, id)
  if (known === undefined) return refuse("PATCH_NOT_FOUND", `the run has no patch ${id}`)
  const who = known.decidedBy === undefined ? "" : ` by ${known.decidedBy}`
  return refuse("PATCH_DECIDED", `patch ${id} is ${known.status}${who}; it does not wait for a review`)
}

/** Whether the person is among the approvers; with no list everybody is. */
const mayDecide = (policy: PatchPolicy | undefined, by: string, groups: ReadonlyArray<string>): boolean =>
  policy?.approvers === undefined || policy.approvers.some((approver) => {
    const group = /^(?:group|team):(.+)$/.exec(approver)?.[1]
    return group === undefined ? approver === by || approver === `user:${by}` : groups.includes(group)
  })

export const decide = (draft: Draft, command: Of<"DecidePatch">): Refusal | undefined => {
  const { state } = draft
  const { review } = state
  if (review?.id !== command.patch) return decidedAlready(state, command.patch)
  if (review.dueAt !== undefined && review.dueAt <= draft.at) {
    return refuse("PATCH_EXPIRED", `the time to decide about patch ${review.id} is over`)
  }
  if (!mayDecide(state.plan.document.policy?.patches, command.by ?? "", command.groups ?? [])) {
    const approvers = state.plan.document.policy?.patches?.approvers?.join(", ") ?? ""
    return refuse("PATCH_DENIED", `patch ${review.id} is decided by ${approvers}`)
  }
  if (command.action === "approve") approve(draft, review, command.by, cut(command.comment))
  else reject(draft, review, "rejected", command.by, cut(command.comment))
  return undefined
}

const reject = (
  draft: Draft,
  review: PatchRecord,
  cause: "rejected" | "expired" | "void",
  by?: string,
  comment?: string
): void =>
  Drafts.emit(draft, {
    type: "PatchRejected",
    v: 1,
    at: draft.at,
    id: review.id,
    cause,
    ...(by === undefined ? {} : { by }),
    ...(comment === undefined ? {} : { comment })
  })

/** The rule is asked again: steps may have started since. What does not hold any more is void, and the run goes on. */
const approve = (draft: Draft, review: PatchRecord, by?: string, comment?: string): void => {
  const { author, base, operations } = review
  const rule = PatchRule.check(draft, { base, operations, author })
  if (Result.isFailure(rule)) return reject(draft, review, "void", by, `${rule.failure.code}: ${rule.failure.message}`)
  apply(draft, rule.success, {
    id: review.id,
    ...(by === undefined ? {} : { approvedBy: by }),
    ...(comment === undefined ? {} : { comment })
  })
}

/** Nobody has decided in time. */
export const expire = (draft: Draft, id: string): void => {
  const { review } = draft.state
  if (review?.id !== id || review.dueAt === undefined || review.dueAt > draft.at) return
  if (draft.state.plan.document.policy?.patches?.onTimeout === "approve") approve(draft, review)
  else reject(draft, review, "expired")
}

export const revert = (draft: Draft, command: Of<"RevertPatch">): Refusal | undefined => {
  const { state } = draft
  if (find(state, command.id) !== undefined) return undefined
  const patch = find(state, command.patch)
  if (patch === undefined) return refuse("PATCH_NOT_FOUND", `the run has no patch ${command.patch}`)
  if (patch.status !== "applied" || patch.change === undefined) {
    return refuse("PATCH_DECIDED", `patch ${patch.id} is ${patch.status}; there is nothing to take back`)
  }
  if (state.review !== undefined) return refuse("PATCH_PENDING", `patch ${state.review.id} waits for its review`)
  const operations = PatchChange.inverse(patch.change, state.plan.document)
  if (operations === undefined) {
    return refuse("PATCH_CONFLICT", `what patch ${patch.id} brought has been changed since; take that back first`)
  }
  const rule = PatchRule.check(draft, { base: state.plan.revision, operations, author: undefined })
  if (Result.isFailure(rule)) return rule.failure
  apply(draft, rule.success, {
    id: command.id,
    reverts: patch.id,
    ...(command.reason === undefined ? {} : { reason: cut(command.reason) ?? "" }),
    ...(command.by === undefined ? {} : { by: command.by })
  })
  return undefined
}
