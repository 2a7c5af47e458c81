/** Approvals and checkpoints: what the plan keeps of them, and what is wrong with them before anybody is asked. */
import * as Approval from "./Approval.ts"
import * as Fields from "./CompileFields.ts"
import { type DraftNode, escape, type Fields as Data, isFields, own, quote } from "./CompileShape.ts"
import * as CompileWork from "./CompileWork.ts"
import type { Work } from "./Plan.ts"
import type { Report } from "./Problem.ts"
import type { Json } from "./Value.ts"

const checkpointFields = [
  "question",
  "reason",
  "options",
  "form",
  "approvers",
  "quorum",
  "requesterMayApprove",
  "timeout",
  "onTimeout"
]

const numberOf = (fields: Data, pointer: string, report: Report): number =>
  CompileWork.ranged(own(fields, "quorum"), [1, Approval.quorumMax], 1, `${pointer}/quorum`, report)

const fixed = (fields: Data, pointer: string, report: Report) => ({
  quorum: numberOf(fields, pointer, report),
  requesterMayApprove: own(fields, "requesterMayApprove") !== false,
  onTimeout: own(fields, "onTimeout") === "approve" ? "approve" as const : "reject" as const
})

/** Names that are written out: what an expression gives is checked when the step gets there. */
const checkNames = (fields: Data, pointer: string, report: Report): void => {
  const options = own(fields, "options")
  for (const [index, option] of Array.isArray(options) ? options.entries() : []) {
    const isOpen = JSON.stringify(option)?.includes("${") === true
    if (isOpen || Approval.optionOf(option) !== undefined) continue
    const detail = { expected: `a name that is none of ${[...Approval.reserved].join(", ")}` }
    report.add("WRONG_TYPE", `${pointer}/options/${index}`, `${quote(option)} cannot be decided by.`, detail)
  }
  const approvers = own(fields, "approvers")
  const names = Array.isArray(approvers) ? approvers.map(String) : []
  if (Array.isArray(approvers) && names.length === 0) {
    report.add("OUT_OF_RANGE", `${pointer}/approvers`, "approvers names nobody.", { expected: "at least one name" })
  }
  const quorum = own(fields, "quorum")
  const countable = names.every((name) => !name.includes("${") && !Approval.isGroup(name))
  if (typeof quorum === "number" && names.length > 0 && countable && quorum > new Set(names).size) {
    const detail = { expected: `1 to ${new Set(names).size}` }
    report.add("OUT_OF_RANGE", `${pointer}/quorum`, `${quorum} approvals are more than there are approvers.`, detail)
  }
}

/** An `approval` node: a question, or a reason that stands for it. */
export const approval = ({ fields, pointer }: DraftNode, work: Work, report: Report): Approval.ApprovalSpec => {
  if (own(fields, "question") === undefined && own(fields, "reason") === undefined) {
    report.add("MISSING_FIELD", pointer, "The approval asks nothing.", { expected: "question" })
  }
  checkNames(fields, pointer, report)
  return {
    question: work.fields["question"] ?? work.fields["reason"],
    options: work.fields["options"],
    form: work.fields["form"],
    approvers: work.fields["approvers"],
    input: work.fields["input"],
    timeoutMs: work.timeoutMs,
    ...fixed(fields, pointer, report)
  }
}

const types: { readonly [field: string]: (value: Json) => boolean } = {
  quorum: (value) => Number.isInteger(value),
  requesterMayApprove: (value) => typeof value === "boolean",
  onTimeout: (value) => value === "approve" || value === "reject",
  timeout: (value) => typeof value === "string"
}

const checkFields = (value: Data, pointer: string, report: Report): void => {
  for (const key of Object.keys(value)) {
    const where = `${pointer}/${escape(key)}`
    if (!checkpointFields.includes(key)) {
      const detail = { expected: checkpointFields.join(", "), suggestion: report.nearest(key, checkpointFields) }
      report.add("UNKNOWN_FIELD", where, `A checkpoint has no ${quote(key)}.`, detail)
    } else if (types[key]?.(own(value, key) ?? null) === false) {
      report.add("WRONG_TYPE", where, `${quote(own(value, key) ?? null)} is no ${key}.`)
    }
  }
}

/** `checkpointAfter`: `true`, or what the people who decide are asked; it may read the step's own `output`. */
export const checkpoint = (
  { fields, pointer: node }: DraftNode,
  work: Work,
  place: Fields.Place,
  scope: Fields.Scope
): Approval.ApprovalSpec | undefined => {
  const value = own(fields, "checkpointAfter")
  if (value === undefined || value === false) return undefined
  const pointer = `${node}/checkpointAfter`
  const { report } = scope
  const given = isFields(value) ? value : {}
  checkFields(given, pointer, report)
  checkNames(given, pointer, report)
  const inside = { ...place, names: [...place.names, "output"] }
  const template = (field: string) => {
    const part = own(given, field)
    return part === undefined ? undefined : Fields.template(part, `${pointer}/${field}`, inside, scope)
  }
  return {
    question: template("question") ?? template("reason"),
    options: template("options"),
    form: template("form"),
    approvers: template("approvers"),
    input: work.fields["input"],
    timeoutMs: CompileWork.duration(given, "timeout", pointer, report, 1),
    ...fixed(given, pointer, report)
  }
}
