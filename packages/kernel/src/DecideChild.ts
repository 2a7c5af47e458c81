/**
 * Steps that call flows (SEMANTICS 8.7e). A child takes no worker slot: its step waits. What the child must do follows from
 * the step's state (`Outstanding.children`); what it has done comes back as `EndChild`.
 */
import * as Result from "effect/Result"
import type { Amounts } from "./Amounts.ts"
import * as Child from "./Child.ts"
import type { Command, Refusal } from "./Command.ts"
import * as Spending from "./DecideLedger.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { hasItem, locate } from "./EvolveStep.ts"
import type { Template } from "./Expression.ts"
import * as Finish from "./Finish.ts"
import type { ItemTable } from "./ItemTable.ts"
import * as JsonSchema from "./JsonSchema.ts"
import * as Modifications from "./Modifications.ts"
import { rateDueAt } from "./Offer.ts"
import * as Outstanding from "./Outstanding.ts"
import type { PlanNode, Work } from "./Plan.ts"
import type { Sight } from "./Scope.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import * as StepPath from "./StepPath.ts"
import type { Json, JsonObject, Value } from "./Value.ts"
import { inline, none, refs, resolve } from "./Value.ts"
import type { ChildWait } from "./Wait.ts"

type Of<T extends Command["type"]> = Extract<Command, { readonly type: T }>

interface Caller {
  readonly node: PlanNode
  /** The item of a map, or the turn of a repeat; absent: the node itself. */
  readonly index: number | undefined
  readonly path: string
  readonly attempt: number
  readonly work: Work
}

const refused = (code: string, kind: StepError["kind"], message: string): StepError => ({
  code,
  kind,
  message,
  retryable: false,
  sent: false
})

const fail = (draft: Draft, caller: Caller, attempt: number, error: StepError, report: Settle.Report = {}): void => {
  const { index, node } = caller
  if (index === undefined) return Settle.fail(draft, node, attempt, error, report)
  Settle.failItem(draft, node, index, attempt, error, report)
  Finish.checkMap(draft, node)
}

/** The value's JSON; what is not at hand is asked for. */
const read = (draft: Draft, value: Value): Json => {
  const json = resolve(value, draft.blobs)
  if (json !== undefined) return json
  throw new Drafts.Lacking({ refs: refs(value).filter((ref) => !draft.blobs.has(ref)) })
}

/** One item of a list, of which no more than the chunk that holds it is read. */
const itemOf = (draft: Draft, items: Value, index: number): Json => {
  if (!("chunks" in items)) return elementOf(read(draft, items), index)
  let at = index
  for (const chunk of items.chunks) {
    if (at < chunk.n) return elementOf(read(draft, chunk), at)
    at -= chunk.n
  }
  return null
}

const elementOf = (list: Json, index: number): Json =>
  Array.isArray(list) ? (list as ReadonlyArray<Json>)[index] ?? null : null

/** What the input mapping, and later `select`, sees: the steps settled when the step was first tried (SEMANTICS 8.6d). */
const sightOf = (draft: Draft, { index, node }: Caller, template: Template): Sight => {
  const { offeredSeq } = draft.state.nodes.get(node.index)
  const { roots } = template.references
  const until = offeredSeq === 0 ? {} : { until: offeredSeq }
  const table = draft.state.maps.get(node.index)
  if (index === undefined || table === undefined) return { node, ...until }
  const extra: { [name: string]: Json } = { index }
  if (roots.has("item")) extra["item"] = itemOf(draft, table.items, index)
  if (roots.has("last")) extra["last"] = read(draft, table.output(index - 1) ?? none)
  return { node, until: table.offeredSeq, extra }
}

const inputOf = (draft: Draft, caller: Caller): Result.Result<Value, StepError> => {
  const template = caller.work.fields["input"]
  const value = template === undefined
    ? Result.succeed<Json>({})
    : Drafts.evaluate(draft, template, sightOf(draft, caller, template))
  if (Result.isFailure(value)) return Result.fail(Settle.expressionError(`input: ${value.failure.message}`))
  const modifications = draft.state.changes.get(caller.path)?.modifications
  return Result.succeed(inline(
    modifications === undefined
      ? value.success
      : Modifications.modify("flow", read(draft, modifications), "input", value.success)
  ))
}

const start = (draft: Draft, caller: Caller): void => {
  const { attempt, path, work } = caller
  const { call } = work
  if (call === undefined) {
    const message = `the flow that ${path} calls was not pinned when the run was accepted`
    return fail(draft, caller, 0, refused("FLOW_UNPINNED", "configuration", message))
  }
  const { createdAt, parent, run } = draft.state
  if ((parent?.depth ?? 0) >= Child.depthMax) {
    const message = `${path} would start a run ${Child.depthMax + 1} runs deep; ${Child.depthMax} are allowed`
    return fail(draft, caller, 0, refused("CHILD_DEPTH", "policy", message))
  }
  const input = inputOf(draft, caller)
  if (Result.isFailure(input)) return fail(draft, caller, 0, input.failure)
  Drafts.emit(draft, {
    type: "StepWaiting",
    v: 1,
    at: draft.at,
    path,
    attempt,
    wait: {
      kind: "child",
      run: Child.runOf(run, createdAt, path, attempt),
      flow: call,
      input: input.success,
      ...(work.timeoutMs === undefined ? {} : { dueAt: draft.at + work.timeoutMs })
    },
    ...Spending.allotment(draft, work.budget)
  })
}

const callerOf = (node: PlanNode, attempt: number): Caller => ({
  node,
  index: undefined,
  path: node.id,
  attempt,
  work: node
})

/** The join of a `flow` node is met. A paused run starts no child: the step is ready until the pause is over. */
export const activate = (draft: Draft, node: PlanNode): void => {
  if (!draft.state.paused) return start(draft, callerOf(node, 1))
  Drafts.emit(draft, { type: "StepsReady", v: 1, at: draft.at, paths: [node.id] })
}

const fillItems = (draft: Draft, node: PlanNode, each: NonNullable<PlanNode["each"]>): void => {
  for (;;) {
    const table = draft.state.maps.get(node.index)
    if (table === undefined || draft.state.nodes.get(node.index).status !== "open") return
    if (!hasItem(table, each.parallel) || rateDueAt(each, table, draft.at) !== undefined) return
    const index = table.again.at(0) ?? table.next
    start(draft, {
      node,
      index,
      path: StepPath.item(node.id, index),
      attempt: table.attempt(index) + 1,
      work: each.body
    })
  }
}

/** Starts every child that may start: steps whose back-off or pause is over, and items as far as their map has room. */
export const fill = (draft: Draft): void => {
  const { callers } = draft.state.plan
  if (callers.length === 0 || draft.state.paused) return
  for (const index of callers) {
    const node = Drafts.planNode(draft, index)
    const at = draft.state.nodes.get(index)
    if (node.type === "flow" && at.status === "ready") start(draft, callerOf(node, at.attempt + 1))
    else if (node.each !== undefined && at.status === "open") fillItems(draft, node, node.each)
  }
}

interface Waiting extends Caller {
  readonly wait: ChildWait
  readonly startedAt: number | undefined
}

/** The step at a path, when it waits for a child. */
const waiting = (draft: Draft, path: string): Waiting | undefined => {
  const address = locate(draft.state, path)
  if (address === undefined) return undefined
  const { index, node } = address
  if (index === undefined) {
    const { attempt, startedAt, status, wait } = draft.state.nodes.get(node.index)
    if (status !== "waiting" || wait?.kind !== "child") return undefined
    return { ...callerOf(node, attempt), wait, startedAt }
  }
  const table: ItemTable | undefined = draft.state.maps.get(node.index)
  const wait = table?.status(index) === "waiting" ? table.note(index)?.wait : undefined
  if (table === undefined || node.each === undefined || wait?.kind !== "child") return undefined
  return {
    node,
    index,
    path,
    attempt: table.attempt(index),
    work: node.each.body,
    wait,
    startedAt: table.note(index)?.waitingSince
  }
}

const failure = (path: string, command: Of<"EndChild">): StepError => {
  const { code, message, run, status } = command
  if (status === "refused") return refused(code, "validation", `${path}: ${message}`)
  const ended = `${path}: run ${run} ${status === "failed" ? "failed" : "was cancelled"}: ${message} (${code})`
  return status === "failed"
    ? { code: "CHILD_FAILED", kind: "child", message: ended, retryable: true, detail: { run, code } }
    : { code: "CHILD_CANCELLED", kind: "cancelled", message: ended, retryable: false, detail: { run, code } }
}

/** Problems of an output that an error names. */
const problemsMax = 10

/** The child's output as the step gives it: checked by the step's schema, cut down by its `select`. */
const outputOf = (draft: Draft, step: Waiting, given: Value): Result.Result<Value, StepError> => {
  const { definition, fields } = step.work
  if (definition.output === undefined && fields["select"] === undefined) return Result.succeed(given)
  const output = read(draft, given)
  const problems = definition.output === undefined ? [] : JsonSchema.validate(definition.output as JsonObject, output)
  if (problems.length > 0) {
    const named = problems.slice(0, problemsMax).map(({ message, pointer }) => `${pointer}: ${message}`)
    const message = `what run ${step.wait.run} gave does not fit the schema of ${step.path}: ${named.join("; ")}`
    return Result.fail({ code: "OUTPUT_INVALID", kind: "validation", message, retryable: false })
  }
  if (fields["select"] === undefined) return Result.succeed(given)
  const sight = sightOf(draft, step, fields["select"])
  const selected = Drafts.evaluate(draft, fields["select"], { ...sight, extra: { ...sight.extra, output } })
  return Result.isSuccess(selected)
    ? Result.succeed(inline(selected.success))
    : Result.fail(Settle.expressionError(`select: ${selected.failure.message}`))
}

const succeed = (draft: Draft, step: Waiting, command: Of<"EndChild">, report: Settle.Report): void => {
  const made = outputOf(draft, step, command.output ?? none)
  if (Result.isFailure(made)) return fail(draft, step, step.attempt, made.failure, report)
  const output = made.success
  const { attempt, index, node, path } = step
  if (index === undefined) return Settle.succeed(draft, node, attempt, output, report)
  const { spent, startedAt, usage, warnings = [] } = report
  Drafts.emit(draft, {
    type: "StepSucceeded",
    v: 1,
    at: draft.at,
    path,
    attempt,
    output,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(usage === undefined ? {} : { usage }),
    ...(spent === undefined ? {} : { spent }),
    ...(warnings.length === 0 ? {} : { warnings })
  })
  Finish.checkMap(draft, node)
}

const cancelled = (draft: Draft, { index, node, path }: Waiting, spent: Amounts | undefined): void => {
  const told = spent === undefined ? {} : { spent: { [path]: spent } }
  Drafts.emit(draft, { type: "StepsCancelled", v: 1, at: draft.at, paths: [path], ...told })
  if (index === undefined) { for (const edge of node.outgoing) draft.todo.push(edge.to) }
  else Finish.checkMap(draft, node)
}

/** A child has ended. Anything but the end of the run that the step waits for is stale. */
export const end = (draft: Draft, command: Of<"EndChild">): Refusal | undefined => {
  const step = waiting(draft, command.path)
  if (step === undefined || step.wait.run !== command.run || step.attempt !== command.attempt) return undefined
  const { startedAt, wait } = step
  const report = { startedAt, usage: command.usage, spent: command.spent }
  if (command.status === "cancelled" && draft.state.closing !== undefined) cancelled(draft, step, command.spent)
  else if (wait.stopping !== undefined) fail(draft, step, step.attempt, wait.stopping, report)
  else if (command.status === "succeeded") succeed(draft, step, command, report)
  else if (command.status === "warned") {
    const warnings = [{ code: "CHILD_WARNED", message: `${step.path}: run ${command.run}: ${command.message}` }]
    succeed(draft, step, command, { ...report, warnings })
  } else fail(draft, step, step.attempt, failure(step.path, command), report)
  return undefined
}

const tellToStop = (draft: Draft, path: string, attempt: number, error: StepError): void =>
  Drafts.emit(draft, { type: "ChildStopping", v: 1, at: draft.at, path, attempt, error })

/** The child took too long: it is told to stop. True when the timer was one of a child. */
export const timeout = (draft: Draft, command: Of<"FireTimer">): boolean => {
  const step = waiting(draft, command.path)
  if (step === undefined) return false
  const { attempt, path, wait } = step
  if (attempt !== command.n || wait.stopping !== undefined || (wait.dueAt ?? Infinity) > draft.at) return true
  const message = `${path}: run ${wait.run} did not end in time`
  tellToStop(draft, path, attempt, { code: "CHILD_TIMEOUT", kind: "timeout", message, retryable: true })
  return true
}

/** Children that a failure has left alone are told to stop after all: the run is cancelled, or its deadline has come. */
export const stopAll = (draft: Draft): void => {
  for (const { attempt, path, want } of Outstanding.children(draft.state)) {
    if (want !== "run") continue
    const message = `${path}: the run ends, and its child with it`
    tellToStop(draft, path, attempt, { code: "CHILD_CANCELLED", kind: "cancelled", message, retryable: false })
  }
}
