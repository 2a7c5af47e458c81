/** A patch of a run's state as the document that people and programs get. */
import * as CanonicalText from "@baton/kernel/CanonicalText"
import type * as Flow from "@baton/kernel/Flow"
import type { PatchChange } from "@baton/kernel/PatchChange"
import * as PatchChanges from "@baton/kernel/PatchChange"
import * as PatchGrowth from "@baton/kernel/PatchGrowth"
import type { PatchRecord } from "@baton/kernel/PatchRecord"
import type { Plan } from "@baton/kernel/Plan"
import type { Json } from "@baton/kernel/Value"
import type { PatchDocument, PatchSummary } from "./PatchesClient.ts"
import { timeText } from "./Wire.ts"

const edgeText = ({ from, on, to, when }: Flow.Edge): string => {
  const condition = [on ?? "", when === undefined ? "" : `when ${when}`].filter((part) => part !== "").join(" ")
  return `${from} → ${to}${condition === "" ? "" : ` (${condition})`}`
}

const idOf = ({ id }: Flow.Node): string => id

export const summary = (change: PatchChange): PatchSummary => ({
  added: change.addedNodes.map(idOf),
  removed: change.removedNodes.map(idOf),
  changed: change.changedNodes.map(({ after }) => after.id),
  edgesAdded: change.addedEdges.map(edgeText),
  edgesRemoved: change.removedEdges.map(edgeText)
})

/** Address of a plan's canonical document. */
export const planHash = (plan: Plan): string => CanonicalText.address(plan.document)

/** `before` and `after` are the plans around the patch; equal when it cannot be applied to the plan as it is. */
export const document = (run: string, record: PatchRecord, before: Plan, after: Plan): PatchDocument => {
  const change = PatchChanges.between(before.document, after.document)
  return {
    schema: "baton.patch/1",
    id: record.id,
    run,
    n: record.n,
    status: record.status,
    base: record.base,
    revision: record.revision ?? null,
    hash: record.hash ?? null,
    by: record.by ?? null,
    step: record.author?.path ?? null,
    reason: record.reason ?? null,
    reverts: record.reverts ?? null,
    proposedAt: timeText(record.at),
    dueAt: record.dueAt === undefined ? null : timeText(record.dueAt),
    decidedBy: record.decidedBy ?? null,
    comment: record.comment ?? null,
    summary: summary(change),
    growth: PatchGrowth.of(before, after, change) as unknown as Json,
    operations: record.operations
  }
}
