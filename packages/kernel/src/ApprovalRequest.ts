/**
 * What people are asked, made when the step gets there: expressions are evaluated with what has settled by then, bounds are
 * checked, and all of it is bound to one hash (SEMANTICS 8.8).
 */
import * as Result from "effect/Result"
import * as Approval from "./Approval.ts"
import * as CanonicalText from "./CanonicalText.ts"
import { titleOf } from "./Doors.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type { Template } from "./Expression.ts"
import * as JsonSchema from "./JsonSchema.ts"
import type { PlanNode } from "./Plan.ts"
import type { Sight } from "./Scope.ts"
import * as Sha256 from "./Sha256.ts"
import type { StepError } from "./StepError.ts"
import type { Json, Value } from "./Value.ts"
import { inline } from "./Value.ts"
import type { ApprovalWait } from "./Wait.ts"

const invalid = (message: string): StepError => ({
  code: "APPROVAL_INVALID",
  kind: "validation",
  message,
  retryable: false
})

const expressionError = (message: string): StepError => ({
  code: "EXPRESSION_FAILED",
  kind: "expression",
  message,
  retryable: false
})

/** A raised reason why nobody can be asked; it never leaves this module. */
class Unaskable extends Error {
  readonly error: StepError
  constructor(error: StepError) {
    super(error.message)
    this.error = error
  }
}

const refuse = (message: string): never => {
  throw new Unaskable(invalid(message))
}

interface Asked {
  readonly ask: Approval.Ask
  readonly path: string
  readonly attempt: number
  readonly question: Json
  readonly options: Json | undefined
  readonly form: Json | undefined
  readonly approvers: Json | undefined
  readonly input: Json | undefined
  readonly output: Value | undefined
  readonly quorum: number
  readonly requesterMayApprove: boolean
  readonly timeoutMs: number | undefined
  readonly onTimeout: "approve" | "reject"
}

const optionsOf = (options: Json | undefined): ReadonlyArray<Approval.Option> => {
  if (options === undefined || options === null) return []
  if (!Array.isArray(options)) return refuse("options is no list")
  if (options.length > Approval.optionsMax) return refuse(`there are more than ${Approval.optionsMax} options`)
  const found = options.map((option) =>
    Approval.optionOf(option) ??
      refuse(
        `${JSON.stringify(option)?.slice(0, 80)} is no option: a name, or an object with an id, not a decision's word`
      )
  )
  if (new Set(found.map(({ name }) => name)).size < found.length) return refuse("two options have the same name")
  return found
}

const approversOf = (approvers: Json | undefined): ReadonlyArray<string> | undefined => {
  if (approvers === undefined || approvers === null) return undefined
  const list: ReadonlyArray<Json> = typeof approvers === "string"
    ? [approvers]
    : Array.isArray(approvers)
    ? approvers
    : []
  if (list.length === 0) return refuse("approvers names nobody")
  if (list.length > Approval.approversMax) return refuse(`there are more than ${Approval.approversMax} approvers`)
  return [
    ...new Set(list.map((name) =>
      typeof name === "string" && name !== "" && name.length <= Approval.nameLengthMax
        ? name
        : refuse(`${JSON.stringify(name)?.slice(0, 80)} is no name of an approver`)
    ))
  ]
}

const questionOf = (question: Json): string => {
  const text = typeof question === "string" ? question : JSON.stringify(question)
  if (text.trim() === "") return refuse("the question is empty")
  if (text.length > Approval.questionLengthMax) {
    return refuse(`the question is longer than ${Approval.questionLengthMax} characters`)
  }
  return text
}

const formOf = (form: Json | undefined): Json | undefined => {
  if (form === undefined || form === null) return undefined
  const [fault] = JsonSchema.check(form)
  return fault === undefined ? form : refuse(`the form is no JSON Schema: ${fault.pointer} ${fault.message}`)
}

const requireQuorum = (quorum: number, approvers: ReadonlyArray<string> | undefined): void => {
  if (approvers === undefined || approvers.some(Approval.isGroup) || approvers.length >= quorum) return
  refuse(`${quorum} approvals are needed, but ${approvers.length} people may approve`)
}

/** The last millisecond a date can tell. */
const dueMax = 8_640_000_000_000_000

const make = (draft: Draft, asked: Asked): ApprovalWait => {
  const { ask, attempt, input, output, path, quorum } = asked
  const question = questionOf(asked.question)
  const options = optionsOf(asked.options)
  const form = formOf(asked.form)
  const approvers = approversOf(asked.approvers)
  requireQuorum(quorum, approvers)
  const parts = {
    question: inline(question),
    ...(options.length === 0 ? {} : { options: inline(asked.options ?? []) }),
    ...(form === undefined ? {} : { form: inline(form) }),
    ...(input === undefined ? {} : { input: inline(input) }),
    ...(output === undefined ? {} : { output })
  }
  const bound = { ask, path, attempt, question, options: asked.options, form, input, output }
  return {
    kind: "approval",
    ask,
    id: Sha256.timedId("apr", draft.at, JSON.stringify([draft.state.run, ask, path, attempt])),
    hash: Sha256.hex(CanonicalText.text(bound)),
    title: titleOf(question),
    shown: { fields: parts },
    ...(options.length === 0 ? {} : { options }),
    ...(approvers === undefined ? {} : { approvers }),
    quorum,
    requesterMayApprove: asked.requesterMayApprove,
    ...(asked.timeoutMs === undefined ? {} : { dueAt: Math.min(dueMax, draft.at + asked.timeoutMs) }),
    onTimeout: asked.onTimeout
  }
}

const attempted = (make: () => ApprovalWait): Result.Result<ApprovalWait, StepError> => {
  try {
    return Result.succeed(make())
  } catch (cause) {
    if (cause instanceof Unaskable) return Result.fail(cause.error)
    throw cause
  }
}

const evaluated = (draft: Draft, template: Template | undefined, sight: Sight): Json | undefined => {
  if (template === undefined) return undefined
  const value = Drafts.evaluate(draft, template, sight)
  if (Result.isFailure(value)) throw new Unaskable(expressionError(value.failure.message))
  return value.success
}

/** The wait of an `approval` node. */
export const approval = (draft: Draft, node: PlanNode): Result.Result<ApprovalWait, StepError> =>
  attempted(() => {
    const spec = node.approval
    if (spec === undefined) return refuse(`${node.id} is no approval`)
    return make(draft, {
      ...fixed(spec),
      ...fields(draft, spec, { node }),
      ask: "approval",
      path: node.id,
      attempt: 1,
      output: undefined
    })
  })

const fixed = ({ onTimeout, quorum, requesterMayApprove, timeoutMs }: Approval.ApprovalSpec) => ({
  onTimeout,
  quorum,
  requesterMayApprove,
  timeoutMs
})

const fields = (draft: Draft, spec: Approval.ApprovalSpec, sight: Sight) => ({
  question: evaluated(draft, spec.question, sight) ?? "",
  options: evaluated(draft, spec.options, sight),
  form: evaluated(draft, spec.form, sight),
  approvers: evaluated(draft, spec.approvers, sight),
  input: evaluated(draft, spec.input, sight)
})

/** The output's JSON, where an expression of the checkpoint reads it; anything large is asked for first. */
const outputOf = (draft: Draft, spec: Approval.ApprovalSpec, output: Value): Json => {
  const reads = [spec.question, spec.options, spec.form, spec.approvers].some((template) =>
    template?.references.roots.has("output") === true
  )
  return reads ? Drafts.read(draft, output) : null
}

/** The wait of a step that has answered and whose answer people look at before it counts. */
export const checkpoint = (
  draft: Draft,
  node: PlanNode,
  attempt: number,
  output: Value,
  provisional: NonNullable<ApprovalWait["provisional"]>
): Result.Result<ApprovalWait, StepError> =>
  attempted(() => {
    const spec = node.checkpoint
    if (spec === undefined) return refuse(`${node.id} has no checkpoint`)
    const until = draft.state.nodes.get(node.index).offeredSeq
    const sight = { node, extra: { output: outputOf(draft, spec, output) }, ...(until === 0 ? {} : { until }) }
    const shown = fields(draft, { ...spec, input: undefined }, sight)
    const wait = make(draft, {
      ...fixed(spec),
      ...shown,
      question: shown.question === "" ? `${node.id} has answered. Go on with this?` : shown.question,
      input: inputOf(draft, spec, sight),
      ask: "checkpoint",
      path: node.id,
      attempt,
      output
    })
    return { ...wait, provisional, ...(Approval.repeatable.has(node.type) ? {} : { once: true }) }
  })

/** The input that the step had is shown too; one that cannot be evaluated any more keeps nobody from deciding. */
const inputOf = (draft: Draft, spec: Approval.ApprovalSpec, sight: Sight): Json | undefined => {
  if (spec.input === undefined) return undefined
  const value = Drafts.evaluate(draft, spec.input, sight)
  return Result.isSuccess(value) ? value.success : undefined
}

/** The wait of a step whose attempt has ended with a question. */
export const question = (
  draft: Draft,
  path: string,
  attempt: number,
  asked: Approval.Question
): Result.Result<ApprovalWait, StepError> =>
  attempted(() => {
    const timeoutMs = asked.timeoutMs
    if (timeoutMs !== undefined && !(timeoutMs > 0)) return refuse("the timeout of a question is longer than 0")
    const wait = make(draft, {
      ask: "question",
      path,
      attempt,
      question: asked.question,
      options: asked.options as Json | undefined,
      form: asked.form,
      approvers: asked.approvers,
      input: undefined,
      output: undefined,
      quorum: 1,
      requesterMayApprove: true,
      timeoutMs,
      onTimeout: asked.onTimeout ?? "reject"
    })
    return asked.call === undefined ? wait : { ...wait, call: asked.call }
  })
