/** What the expressions of a node read. */
import type { CompiledExpression, References, Template } from "./Expression.ts"
import type { PlanNode } from "./Plan.ts"

const referencesOf = (found: ReadonlyArray<CompiledExpression | Template | undefined>): ReadonlyArray<References> =>
  found.flatMap((one) => one === undefined ? [] : [one.references])

/** What the step and the way to it are made of. */
export const references = (node: PlanNode): ReadonlyArray<References> =>
  referencesOf([
    ...Object.values(node.fields),
    ...Object.values(node.each?.body.fields ?? {}),
    node.when,
    node.map?.over,
    node.repeat?.until,
    node.wait?.forDuration,
    node.wait?.until,
    ...(node.choice ?? []).map((rule) => rule.when)
  ])

/** What people are told who look at the step's answer before it counts. */
export const checkpointReferences = ({ checkpoint }: PlanNode): ReadonlyArray<References> =>
  checkpoint === undefined
    ? []
    : referencesOf([checkpoint.question, checkpoint.options, checkpoint.form, checkpoint.approvers, checkpoint.input])
