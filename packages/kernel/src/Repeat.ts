/** Turns of a repeat: one after the other, until its question is answered, its limit is reached, or one fails (8.7d). */
import * as Result from "effect/Result"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type { ItemTable } from "./ItemTable.ts"
import type { PlanNode, RepeatSpec } from "./Plan.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import type { Json, Value } from "./Value.ts"
import { inline, none, refs, resolve } from "./Value.ts"

type Stopped = "until" | "limit" | "error"

/** `iterations` counts the turns that were begun, a failed one included; `last` is what the last good one made. */
const outputOf = (last: Value, iterations: number, stopped: Stopped): Value => ({
  fields: { last, iterations: inline(iterations), stopped: inline(stopped) }
})

const fail = (draft: Draft, node: PlanNode, table: ItemTable | undefined, error: StepError): void => {
  const turn = (table?.count ?? 0) - 1
  const last = table === undefined || turn < 0
    ? undefined
    : table.output(table.status(turn) === "succeeded" ? turn : turn - 1)
  Settle.fail(draft, node, 1, error, {
    output: outputOf(last ?? none, table?.count ?? 0, "error"),
    startedAt: draft.state.nodes.get(node.index).startedAt ?? draft.at,
    final: true
  })
}

/** Opens turn `index`, which counts as a step of the run. */
export const open = (draft: Draft, node: PlanNode, index: number): void => {
  const { plan, steps } = draft.state
  if (steps + 1 > plan.limits.steps) {
    const message = `turn ${index + 1} of ${node.id} would be step ${steps + 1}; limits.steps is ${plan.limits.steps}`
    const error: StepError = { code: "STEPS_LIMIT", kind: "policy", message, retryable: false }
    return fail(draft, node, draft.state.maps.get(node.index), error)
  }
  Drafts.emit(draft, { type: "TurnOpened", v: 1, at: draft.at, path: node.id, index })
}

/** The value's JSON; what is not at hand is asked for. */
const read = (draft: Draft, value: Value): Json => {
  const json = resolve(value, draft.blobs)
  if (json !== undefined) return json
  throw new Drafts.Lacking({ refs: refs(value).filter((ref) => !draft.blobs.has(ref)) })
}

/** After a turn has settled: ask `until`, and open the next turn or end the repeat. */
export const check = (draft: Draft, node: PlanNode, repeat: RepeatSpec): void => {
  const table = draft.state.maps.get(node.index)
  if (table === undefined || table.settled < table.count) return
  if (draft.state.closing !== undefined) {
    Drafts.emit(draft, { type: "StepsCancelled", v: 1, at: draft.at, paths: [node.id] })
    for (const edge of node.outgoing) draft.todo.push(edge.to)
    return
  }
  const index = table.count - 1
  if (table.status(index) !== "succeeded") {
    const error = table.note(index)?.error ?? Settle.outcomeUnknown(node.id)
    return fail(draft, node, table, error)
  }
  const last = table.output(index) ?? none
  const { references } = repeat.until
  const answer = Drafts.holds(draft, repeat.until, {
    node,
    until: table.offeredSeq,
    extra: { index, ...(references.roots.has("last") ? { last: read(draft, last) } : {}) }
  })
  if (Result.isFailure(answer)) return fail(draft, node, table, Settle.expressionError(`until: ${answer.failure}`))
  if (!answer.success && table.count < repeat.max) return open(draft, node, table.count)
  const { startedAt } = draft.state.nodes.get(node.index)
  Settle.succeed(draft, node, 1, outputOf(last, table.count, answer.success ? "until" : "limit"), { startedAt })
}
