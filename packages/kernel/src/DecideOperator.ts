/** Operators' doors: retry, skip and abort act on steps that wait for an operator, and on nothing else (SEMANTICS 8.11e). */
import type { Command, Refusal } from "./Command.ts"
import { delayMsMax, noteMax } from "./CommandOperator.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { locate } from "./EvolveStep.ts"
import * as Finish from "./Finish.ts"
import * as JsonSchema from "./JsonSchema.ts"
import * as Modifications from "./Modifications.ts"
import type { PlanNode, Work } from "./Plan.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import type { Json, JsonObject, Value } from "./Value.ts"
import { none, refs, resolve as resolveValue } from "./Value.ts"
import type { OperatorWait } from "./Wait.ts"

type ResolveStep = Extract<Command, { readonly type: "ResolveStep" }>

interface Waiting {
  readonly path: string
  readonly node: PlanNode
  readonly index: number | undefined
  readonly work: Work
  readonly attempt: number
  readonly wait: OperatorWait
}

const refuse = (code: string, message: string): Refusal => ({ code, message })

const waitingStep = (draft: Draft, path: string): Waiting | Refusal => {
  const address = locate(draft.state, path)
  if (address === undefined) return refuse("STEP_NOT_FOUND", `the run has no step ${path.slice(0, 200)}`)
  const { index, node } = address
  const at = draft.state.nodes.get(node.index)
  const table = draft.state.maps.get(node.index)
  const wait = index === undefined ? at.wait : table?.note(index)?.wait
  const status = index === undefined ? at.status : table?.status(index)
  if (status !== "waiting" || wait?.kind !== "operator") {
    return refuse("STEP_NOT_WAITING", `${path} does not wait for an operator`)
  }
  const attempt = index === undefined ? at.attempt : table?.attempt(index) ?? 1
  return { path, node, index, work: index === undefined ? node : node.each?.body ?? node, attempt, wait }
}

/** A value's JSON; the decision is asked again with what is not at hand. */
export const read = (draft: Draft, value: Value): Json => {
  const json = resolveValue(value, draft.blobs)
  if (json === undefined) throw new Drafts.Lacking({ refs: refs(value).filter((ref) => !draft.blobs.has(ref)) })
  return json
}

const signed = (command: { readonly by?: string; readonly note?: string }): { by?: string; note?: string } => ({
  ...(command.by === undefined ? {} : { by: command.by }),
  ...(command.note === undefined ? {} : { note: command.note })
})

export interface Reopening {
  readonly by?: string
  readonly note?: string
  readonly delayMs?: number
  readonly modifications?: Value
}

/** Why a step may not be reopened in this way; `undefined` when it may. */
export const reopeningProblem = (draft: Draft, work: Work, reopening: Reopening): Refusal | undefined => {
  const { delayMs, modifications } = reopening
  if (delayMs !== undefined && !(Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= delayMsMax)) {
    return refuse("DELAY_INVALID", `a retry may be put off by 0 to ${delayMsMax / 1000} s`)
  }
  const problem = modifications === undefined ? undefined : Modifications.problem(work, read(draft, modifications))
  return problem === undefined ? undefined : refuse("MODIFICATIONS_INVALID", problem)
}

/** The step's next attempt; whoever asks has looked at {@link reopeningProblem}. */
export const reopen = (draft: Draft, path: string, reopening: Reopening): void => {
  const { delayMs = 0, modifications } = reopening
  const generation = (draft.state.changes.get(path)?.generation ?? 0) + 1
  Drafts.emit(draft, {
    type: "StepReopened",
    v: 1,
    at: draft.at,
    path,
    ...signed(reopening),
    ...(delayMs === 0 ? {} : { dueAt: draft.at + delayMs }),
    ...(modifications === undefined ? {} : { modifications, generation })
  })
}

const retry = (draft: Draft, step: Waiting, command: ResolveStep): Refusal | undefined => {
  const isContainer = step.index === undefined && step.node.each !== undefined
  if (isContainer && (command.delayMs ?? 0) > 0) {
    return refuse("DELAY_INVALID", `${step.path} is a container: its retry cannot be put off`)
  }
  const problem = reopeningProblem(draft, step.work, command)
  if (problem !== undefined) return problem
  reopen(draft, step.path, command)
  // What had only waited for leave to run looks at its join again.
  if (step.index === undefined && draft.state.nodes.get(step.node.index).status === "pending") {
    draft.todo.push(step.node.index)
  }
  return undefined
}

/** The output that stands in for the step's own has to be what the steps behind it may rely on. */
const skipProblem = (draft: Draft, { path, work }: Waiting, output: Value): Refusal | undefined => {
  const { allowSkip, output: schema } = work.definition
  if (allowSkip === false) {
    return refuse("SKIP_NOT_ALLOWED", `the flow does not allow to skip ${path} (allowSkip); retry it or abort it`)
  }
  if (schema === undefined) return undefined
  const [first] = JsonSchema.validate(schema as JsonObject, read(draft, output))
  return first === undefined
    ? undefined
    : refuse(
      "OUTPUT_INVALID",
      `the output for ${path} does not fit its schema: output${first.pointer}: ${first.message}`
    )
}

const skip = (draft: Draft, step: Waiting, command: ResolveStep): Refusal | undefined => {
  const { attempt, index, node, path } = step
  const output = command.output ?? none
  const problem = skipProblem(draft, step, output)
  if (problem !== undefined) return problem
  const warnings = [{ code: "STEP_OVERRIDDEN", message: `${path}: an operator gave its output` }]
  if (index === undefined) Settle.succeed(draft, node, attempt, output, { warnings, ...signed(command) })
  else {
    Drafts.emit(draft, {
      type: "StepSucceeded",
      v: 1,
      at: draft.at,
      path,
      attempt,
      output,
      warnings,
      ...signed(command)
    })
  }
  return undefined
}

/** The failure that an operator has made final; the error that led there is its detail. */
const aborted = ({ path, wait }: Waiting, note: string | undefined): StepError => ({
  code: "MANUAL_ABORT",
  kind: "cancelled",
  message: note ?? `an operator aborted ${path}: ${wait.error.message}`,
  retryable: false,
  detail: { code: wait.error.code, message: wait.error.message.slice(0, 500) }
})

const abort = (draft: Draft, step: Waiting, command: ResolveStep): void => {
  const { attempt, index, node } = step
  const report = { final: true, ...signed(command) }
  const error = aborted(step, command.note)
  if (index === undefined) Settle.fail(draft, node, attempt, error, report)
  else Settle.failItem(draft, node, index, attempt, error, report)
}

export const resolve = (draft: Draft, command: ResolveStep): Refusal | undefined => {
  const step = waitingStep(draft, command.path)
  if ("code" in step) return step
  if (command.note !== undefined && command.note.length > noteMax) {
    return refuse("NOTE_TOO_LONG", `a note has at most ${noteMax} characters`)
  }
  const refusal = command.action === "retry"
    ? retry(draft, step, command)
    : command.action === "skip"
    ? skip(draft, step, command)
    : abort(draft, step, command)
  if (refusal !== undefined) return refusal
  if (step.index !== undefined) Finish.checkMap(draft, step.node)
  return undefined
}
