/** What the end of a step means: its edges, its retries, who handles its failure, and whether the run must close. */
import * as Result from "effect/Result"
import type { Amounts } from "./Amounts.ts"
import * as ApprovalRequest from "./ApprovalRequest.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type { Event } from "./Event.ts"
import type { PlanEdge, PlanNode, Work } from "./Plan.ts"
import type { ReceiptNote } from "./Receipt.ts"
import * as Retry from "./Retry.ts"
import type { Closing, Warning } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import type { Preview } from "./Scope.ts"
import type { StepError } from "./StepError.ts"
import * as StepPath from "./StepPath.ts"
import type { Usage } from "./Usage.ts"
import type { Value } from "./Value.ts"
import { inline, none } from "./Value.ts"

/** What a worker tells beside the outcome. */
export interface Report {
  readonly startedAt?: number | undefined
  readonly usage?: Usage | undefined
  /** All that a child run has spent. */
  readonly spent?: Amounts | undefined
  readonly warnings?: ReadonlyArray<Warning> | undefined
  readonly agent?: string | undefined
  readonly receipt?: ReceiptNote | undefined
  /** The operator who settled it, and their note. */
  readonly by?: string
  readonly note?: string
}

/** How a step succeeds, besides its output. */
export interface Success extends Report {
  readonly outcome?: string
  /** Of an approval: a rejection makes no `success` edge live, so that it stops what it guards (SEMANTICS 8.4d). */
  readonly verdict?: "approved" | "rejected"
  /** The step's checkpoint has let it pass. */
  readonly released?: true
}

/** Grace that running attempts have to stop after a cancel or a breached deadline, in milliseconds (8.5b). */
export const graceMs = 30_000

interface Facts {
  startedAt?: number
  usage?: Usage
  spent?: Amounts
  by?: string
  note?: string
}

/** Puts what is known into an event; what is not known takes no room there. */
const tell = (facts: Facts, report: Report): void => {
  if (report.spent !== undefined) facts.spent = report.spent
  if (report.by !== undefined) facts.by = report.by
  if (report.note !== undefined) facts.note = report.note
  if (report.startedAt !== undefined) facts.startedAt = report.startedAt
  if (report.usage !== undefined) facts.usage = report.usage
}

const facts = (report: Report): Facts => {
  const known: Facts = {}
  tell(known, report)
  return known
}

/** What an irreversible call ends with when nobody may decide about it any more (SEMANTICS 8.11c). */
export const outcomeUnknown = (path: string, tool?: string): StepError => ({
  code: "OUTCOME_UNKNOWN",
  kind: "cancelled",
  message: `${path} was stopped while ${
    tool === undefined ? "an irreversible call" : `the call of ${tool}`
  } was under way; nobody knows whether it happened`,
  retryable: false
})

interface Decided {
  readonly live: ReadonlyArray<number>
  readonly warnings: ReadonlyArray<Warning>
  /** Targets whose ordinary `when` erred, with the reason. */
  readonly erred: ReadonlyArray<readonly [target: number, message: string]>
}

export type Match = "success" | "failure" | "continue" | "unhandled"

export const matches = (
  edge: PlanEdge,
  match: Match,
  outcome: string | undefined,
  verdict: Success["verdict"]
): boolean => {
  if (edge.on === "always") return true
  if (edge.on === "success") return (match === "success" && verdict !== "rejected") || match === "continue"
  if (edge.on === "failure") return match === "failure" || match === "unhandled"
  return match === "success" && (edge.on === outcome || edge.on === verdict)
}

/** Decides the outgoing edges of a step that settles, once (SEMANTICS 8.4). */
export const decideEdges = (
  draft: Draft,
  node: PlanNode,
  match: Match,
  preview: Preview,
  verdict?: Success["verdict"]
): Decided => {
  const live: Array<number> = []
  const warnings: Array<Warning> = []
  const erred: Array<readonly [number, string]> = []
  let taken = false
  for (const edge of node.outgoing) {
    if (!matches(edge, match, preview.outcome, verdict)) continue
    if (node.branch && taken) continue
    if (edge.when !== undefined && !edge.otherwise) {
      const answer = Drafts.holds(draft, edge.when, { node: Drafts.planNode(draft, edge.to), preview })
      if (Result.isFailure(answer)) {
        if (node.branch) warnings.push({ code: "RULE_ERRED", message: `${node.id}: ${answer.failure}` })
        else erred.push([edge.to, answer.failure])
        continue
      }
      if (!answer.success) continue
    }
    live.push(edge.ordinal)
    taken = true
  }
  return { live, warnings, erred }
}

/** The targets are looked at again; those whose condition erred will fail. */
const follow = (draft: Draft, node: PlanNode, erred: Decided["erred"]): void => {
  for (const edge of node.outgoing) draft.todo.push(edge.to)
  draft.erred.push(...erred)
}

export const expressionError = (message: string): StepError => ({
  code: "EXPRESSION_FAILED",
  kind: "expression",
  message,
  retryable: false
})

const alive = (live: ReadonlyArray<number>): { live?: ReadonlyArray<number> } => live.length === 0 ? {} : { live }

const silent: { readonly warnings?: ReadonlyArray<Warning> } = {}

const warned = (
  ...lists: ReadonlyArray<ReadonlyArray<Warning> | undefined>
): { readonly warnings?: ReadonlyArray<Warning> } =>
  lists.some((list) => list !== undefined && list.length > 0)
    ? { warnings: lists.flatMap((list) => list ?? []) }
    : silent

type StepSucceeded = Extract<Event, { readonly type: "StepSucceeded" }>
type Writable<A> = { -readonly [K in keyof A]: A[K] }

const previewOf = (node: PlanNode, output: Value, { outcome }: Success): Preview => ({
  index: node.index,
  status: "succeeded",
  output,
  outcome
})

/** Whether an edge would be live if the step ended like this. */
export const leadsOn = (draft: Draft, node: PlanNode, output: Value, report: Success): boolean =>
  decideEdges(draft, node, "success", previewOf(node, output, report), report.verdict).live.length > 0

/** The step has answered; people look at the answer before it counts (SEMANTICS 8.8). */
const waitForCheckpoint = (draft: Draft, node: PlanNode, attempt: number, output: Value, report: Success): void => {
  const { agent, outcome, warnings } = report
  const wait = ApprovalRequest.checkpoint(draft, node, attempt, output, {
    ...facts(report),
    ...(outcome === undefined ? {} : { outcome }),
    ...(agent === undefined ? {} : { agent }),
    ...warned(warnings)
  })
  if (Result.isFailure(wait)) return fail(draft, node, attempt, wait.failure, { ...report, output, final: true })
  Drafts.emit(draft, { type: "StepWaiting", v: 1, at: draft.at, path: node.id, attempt, wait: wait.success })
}

export const succeed = (
  draft: Draft,
  node: PlanNode,
  attempt: number,
  output: Value,
  report: Success
): void => {
  if (node.checkpoint !== undefined && report.released !== true && draft.state.closing === undefined) {
    return waitForCheckpoint(draft, node, attempt, output, report)
  }
  const preview = previewOf(node, output, report)
  const edges = decideEdges(draft, node, "success", preview, report.verdict)
  // Written to field by field: the most frequent event of all has few of them.
  const event: Writable<StepSucceeded> = { type: "StepSucceeded", v: 1, at: draft.at, path: node.id, attempt, output }
  if (report.outcome !== undefined) event.outcome = report.outcome
  if (report.agent !== undefined) event.agent = report.agent
  if (report.receipt !== undefined) event.receipt = report.receipt
  tell(event, report)
  if (edges.live.length > 0) event.live = edges.live
  const { warnings } = warned(report.warnings, edges.warnings)
  if (warnings !== undefined) event.warnings = warnings
  Drafts.emit(draft, event)
  follow(draft, node, edges.erred)
}

const waitForOperator = (
  draft: Draft,
  path: string,
  attempt: number,
  reason: "failed" | "unknown_outcome",
  error: StepError,
  report: Report
): void =>
  Drafts.emit(draft, {
    type: "StepWaiting",
    v: 1,
    at: draft.at,
    path,
    attempt,
    wait: { kind: "operator", reason, error },
    ...facts(report)
  })

const fellBack = (path: string, error: StepError): Warning => ({
  code: "STEP_FALLBACK",
  message: `${path}: ${error.message}`
})

/** An agent whose tool was called, and that cannot say what came of it, knows as little whatever else has failed. */
const isUnknown = (draft: Draft, work: Work, path: string, error: StepError): boolean =>
  (draft.state.conversations?.get(path)?.open ?? 0) > 0 ||
  (work.effect === "irreversible" && Retry.isOutcomeUnknown(error))

/** Attempts that ended with a question, and not with a failure. */
const answersTo = ({ state }: Draft, path: string): number =>
  state.answers.size === 0 ? 0 : state.answers.get(path)?.length ?? 0

/** True when the failure was taken by a retry or by waiting for an operator, so that nothing settles. */
const postponed = (
  draft: Draft,
  work: Work,
  path: string,
  attempt: number,
  error: StepError,
  report: Report
): boolean => {
  if (attempt === 0) return false
  if (isUnknown(draft, work, path, error)) {
    waitForOperator(draft, path, attempt, "unknown_outcome", error, report)
    return true
  }
  const tries = attempt - answersTo(draft, path)
  if (Retry.mayRetry(work, tries, error)) {
    Drafts.emit(draft, {
      type: "StepRetryScheduled",
      v: 1,
      at: draft.at,
      path,
      attempt,
      error,
      dueAt: draft.at + Retry.delayMs(work.retry, draft.state.run, path, tries, error),
      ...facts(report)
    })
    return true
  }
  if (work.onFailure === "ask") {
    waitForOperator(draft, path, attempt, "failed", error, report)
    return true
  }
  return false
}

/** An attempt failed for good, or something kept a step from running at all (`attempt` 0). */
export const fail = (
  draft: Draft,
  node: PlanNode,
  attempt: number,
  error: StepError,
  report: Report & { readonly output?: Value; readonly final?: boolean }
): void => {
  if (report.final !== true) {
    if (draft.state.closing === undefined) {
      if (postponed(draft, node, node.id, attempt, error, report)) return
    } else if (isUnknown(draft, node, node.id, error) && attempt > 0) {
      return fail(draft, node, attempt, outcomeUnknown(node.id), { ...report, final: true })
    }
  }
  const { onFailure } = node
  const fallback = typeof onFailure === "object" ? inline(onFailure.fallback) : undefined
  const match: Match = onFailure === "continue" ? "continue" : fallback !== undefined ? "success" : "failure"
  const preview: Preview = {
    index: node.index,
    status: fallback === undefined ? "failed" : "succeeded",
    output: fallback ?? report.output ?? (onFailure === "continue" ? none : undefined)
  }
  const edges = decideEdges(draft, node, match, preview)
  const handledByEdge = match === "failure" &&
    node.outgoing.some((edge) => edge.on === "failure" && edges.live.includes(edge.ordinal))
  const handled = onFailure === "continue"
    ? "continue"
    : fallback !== undefined
    ? "fallback"
    : handledByEdge
    ? "edge"
    : "none"
  const degraded: ReadonlyArray<Warning> = handled === "continue"
    ? [{ code: "STEP_CONTINUED", message: `${node.id}: ${error.message}` }]
    : handled === "fallback"
    ? [fellBack(node.id, error)]
    : []
  Drafts.emit(draft, {
    type: "StepFailed",
    v: 1,
    at: draft.at,
    path: node.id,
    attempt,
    error,
    handled,
    ...(preview.output === undefined ? {} : { output: preview.output }),
    ...facts(report),
    ...alive(edges.live),
    ...warned(report.warnings, edges.warnings, degraded)
  })
  if (handled === "none") close(draft, { cause: "failure", code: error.code, message: error.message, path: node.id })
  follow(draft, node, edges.erred)
}

/** An item of a map, or a turn of a repeat, failed: the container decides what that means. */
export const failItem = (
  draft: Draft,
  node: PlanNode,
  index: number,
  attempt: number,
  error: StepError,
  report: Report & { readonly final?: boolean }
): void => {
  const { each } = node
  if (each === undefined) return
  const path = StepPath.item(node.id, index)
  if (report.final !== true) {
    // Nothing of a stopped map starts again, so nothing of it may wait to.
    const over = draft.state.closing !== undefined || draft.state.maps.get(node.index)?.stopped === true
    if (!over && postponed(draft, each.body, path, attempt, error, report)) return
    if (over && isUnknown(draft, each.body, path, error)) {
      return failItem(draft, node, index, attempt, outcomeUnknown(path), { ...report, final: true })
    }
  }
  const { onFailure } = each.body
  const fallback = typeof onFailure === "object" ? inline(onFailure.fallback) : undefined
  Drafts.emit(draft, {
    type: "StepFailed",
    v: 1,
    at: draft.at,
    path,
    attempt,
    error,
    handled: fallback === undefined ? "item" : "fallback",
    ...(fallback === undefined ? {} : { output: fallback }),
    ...facts(report),
    ...warned(report.warnings, fallback === undefined ? [] : [fellBack(path, error)])
  })
}

/** The run closes, one way; the first cause names the outcome. */
export const close = (
  draft: Draft,
  reason: Pick<Closing, "cause" | "code" | "message"> & { readonly path?: string; readonly by?: string | undefined }
): void => {
  if (draft.state.closing !== undefined || draft.state.finished !== undefined) return
  Drafts.emit(draft, {
    type: "RunClosing",
    v: 1,
    at: draft.at,
    cause: reason.cause,
    code: reason.code,
    message: reason.message,
    ...(reason.path === undefined ? {} : { path: reason.path }),
    ...(reason.by === undefined ? {} : { by: reason.by })
  })
  draft.fresh.clear()
  for (const node of draft.state.plan.nodes) {
    if (!isSettled(draft.state.nodes.get(node.index).status)) draft.todo.push(node.index)
  }
}
