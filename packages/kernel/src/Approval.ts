/**
 * Approvals: what people are asked, and what they may decide (SEMANTICS 8.8). Three things ask in the same way: a node of
 * type `approval`, `checkpointAfter` on any node, and an agent that puts a question to a person.
 */
import * as Schema from "effect/Schema"
import type { Template } from "./Expression.ts"
import type { Json } from "./Value.ts"
import { Value } from "./Value.ts"

/** UTF-16 units of a question. */
export const questionLengthMax = 4_000
export const optionsMax = 50
/** UTF-16 units of an option's name, of a person's name and of a group's. */
export const nameLengthMax = 128
export const approversMax = 100

/** Node types whose attempts are made one after the other, by workers or as child runs: people may ask for another one. */
export const repeatable: ReadonlySet<string> = new Set(["transform", "function", "http", "agent", "file", "flow"])
export const quorumMax = 100
/** UTF-16 units of a comment. */
export const commentLengthMax = 10_000
/** Questions that one step may put to people. */
export const questionsMax = 20

export const Ask = Schema.Literals(["approval", "checkpoint", "question"])
export type Ask = typeof Ask.Type

/** A name to decide by. One that `rejects` counts as a rejection. */
export const Option = Schema.Struct({ name: Schema.String, rejects: Schema.optionalKey(Schema.Literal(true)) })
export type Option = typeof Option.Type

/** One of the approvals that a quorum needs. */
export const Vote = Schema.Struct({
  by: Schema.String,
  at: Schema.Int,
  decision: Schema.String,
  comment: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Value)
})
export type Vote = typeof Vote.Type

/** The tool call of an agent that the answer is the result of. */
export const AskedBy = Schema.Struct({ key: Schema.String, tool: Schema.String, ordinal: Schema.Int })
export type AskedBy = typeof AskedBy.Type

/** What an attempt that ends with a question hands in. `form` is a JSON Schema of the answer. */
export const Question = Schema.Struct({
  question: Schema.String,
  options: Schema.optionalKey(Schema.Array(Schema.Json)),
  form: Schema.optionalKey(Schema.Json),
  approvers: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Milliseconds. */
  timeoutMs: Schema.optionalKey(Schema.Int),
  onTimeout: Schema.optionalKey(Schema.Literals(["approve", "reject"])),
  call: Schema.optionalKey(AskedBy)
})
export type Question = typeof Question.Type

/** A step's answer to a question, as the next attempt gets it. */
export interface Answered {
  readonly id: string
  readonly question: Value
  /** Null when nobody answered in time and the flow goes on all the same. */
  readonly answer: Value
  readonly by: string | undefined
  /** The answer is in the conversation already, as the result of this call. */
  readonly call: string | undefined
}

/** Which decision ended an approval. */
export interface Decided {
  readonly id: string
  readonly path: string
  readonly attempt: number
  readonly decision: string
  readonly cause: "decision" | "timeout"
  readonly by: string | undefined
  readonly at: number
  readonly comment: string | undefined
}

/** An approval of the plan; its fields are evaluated when the step gets there. */
export interface ApprovalSpec {
  readonly question: Template | undefined
  readonly options: Template | undefined
  readonly form: Template | undefined
  readonly approvers: Template | undefined
  readonly input: Template | undefined
  readonly quorum: number
  readonly requesterMayApprove: boolean
  readonly timeoutMs: number | undefined
  readonly onTimeout: "approve" | "reject"
}

const optionName = (option: Json): string | undefined => {
  if (typeof option === "string") return option
  if (typeof option !== "object" || option === null || Array.isArray(option)) return undefined
  const fields = option as { readonly [key: string]: Json }
  const name = fields["id"] ?? fields["name"] ?? fields["value"]
  return typeof name === "string" ? name : undefined
}

/** Words that mean a decision or an edge already. */
export const reserved: ReadonlySet<string> = new Set([
  "approve",
  "approved",
  "reject",
  "rejected",
  "continue",
  "retry",
  "abort",
  "answer",
  "success",
  "failure",
  "always"
])

/** The name that a decision says, and that edges name; `undefined` when the option has none that can be used. */
export const optionOf = (option: Json): Option | undefined => {
  const name = optionName(option)
  if (name === undefined || name === "" || name.length > nameLengthMax || reserved.has(name)) return undefined
  const rejects = typeof option === "object" && option !== null && "decision" in option &&
    option["decision"] === "reject"
  return rejects ? { name, rejects: true } : { name }
}

const groupPattern = /^(?:group|team):(.+)$/

export const isGroup = (approver: string): boolean => groupPattern.test(approver)

/** Whether a person, with the groups they are in, is one of the approvers; with no list everybody is. */
export const mayDecide = (
  approvers: ReadonlyArray<string> | undefined,
  by: string,
  groups: ReadonlyArray<string>
): boolean =>
  approvers === undefined || approvers.some((approver) => {
    const group = groupPattern.exec(approver)?.[1]
    return group === undefined ? approver === by || approver === `user:${by}` : groups.includes(group)
  })
