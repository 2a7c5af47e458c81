/** When a map and a run are over (K4: folded from the steps, never from a counter alone), and how they end. */
import * as Result from "effect/Result"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { isUnknown } from "./Evolve.ts"
import { unknownItems } from "./EvolveItems.ts"
import type { ItemTable } from "./ItemTable.ts"
import type { MapSpec, PlanNode } from "./Plan.ts"
import * as Repeat from "./Repeat.ts"
import type { Warning } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import * as StepPath from "./StepPath.ts"
import type { Value } from "./Value.ts"
import { inline, none } from "./Value.ts"

/** How many items of a map may fail. */
export const allowedFailures = (map: MapSpec, count: number): number =>
  "count" in map.tolerate ? map.tolerate.count : Math.floor(map.tolerate.share * count)

/** Why a map fails as a whole; `undefined` while its failures are tolerated. */
export const mapFailure = (node: PlanNode, table: ItemTable): StepError | undefined => {
  if (node.map === undefined || table.failed === 0) return undefined
  const allowed = allowedFailures(node.map, table.count)
  const all = table.failed === table.count
  if (!all && table.failed <= allowed) return undefined
  const message = all
    ? `all ${table.count} items failed`
    : `${table.failed} of ${table.count} items failed; ${allowed} are tolerated`
  const last = table.note(firstFailed(table))?.error
  return {
    code: "MAP_FAILED",
    kind: "validation",
    message: last === undefined ? message : `${message}; the first: ${last.message}`,
    retryable: false
  }
}

const firstFailed = (table: ItemTable): number => {
  for (let index = 0; index < table.count; index++) if (table.status(index) === "failed") return index
  return 0
}

const failUnknownItems = (draft: Draft, node: PlanNode): void => {
  const table = draft.state.maps.get(node.index)
  for (const index of table === undefined ? [] : unknownItems(table)) {
    const path = StepPath.item(node.id, index)
    Settle.failItem(draft, node, index, table?.attempt(index) ?? 1, Settle.outcomeUnknown(path), { final: true })
  }
}

/** After the run has begun to close: what waits because of an unknown outcome fails (SEMANTICS 8.11c). */
export const failUnknown = (draft: Draft): void => {
  for (const node of draft.state.plan.nodes) {
    const at = draft.state.nodes.get(node.index)
    if (isUnknown(at)) Settle.fail(draft, node, at.attempt, Settle.outcomeUnknown(node.id), { final: true })
    else if (at.status === "open") {
      failUnknownItems(draft, node)
      checkMap(draft, node)
    }
  }
}

/** After an item has settled: stop the map, gather it, or (when the run closes) end it; the same for turns of a repeat. */
export const checkMap = (draft: Draft, node: PlanNode): void => {
  const table = draft.state.maps.get(node.index)
  if (table === undefined || draft.state.nodes.get(node.index).status !== "open") return
  if (node.repeat !== undefined) return Repeat.check(draft, node, node.repeat)
  if (node.map === undefined) return
  const allowed = allowedFailures(node.map, table.count)
  if (!table.stopped && table.failed > allowed && table.settled + table.active < table.count) {
    Drafts.emit(draft, { type: "MapStopped", v: 1, at: draft.at, path: node.id, failed: table.failed, allowed })
    failUnknownItems(draft, node)
  }
  const now = draft.state.maps.get(node.index)
  if (now === undefined || now.settled < now.count) return
  if (draft.state.closing !== undefined) {
    Drafts.emit(draft, { type: "StepsCancelled", v: 1, at: draft.at, paths: [node.id] })
    for (const edge of node.outgoing) draft.todo.push(edge.to)
  } else draft.fresh.add(node.index)
}

/** The gather of a map has answered: the list is whole, and the map settles. */
export const settleMap = (
  draft: Draft,
  node: PlanNode,
  attempt: number,
  output: Value,
  report: Settle.Report
): void => {
  const table = draft.state.maps.get(node.index)
  if (table === undefined) return
  const { usage, warnings = [] } = report
  const startedAt = draft.state.nodes.get(node.index).startedAt
  const error = mapFailure(node, table)
  if (error !== undefined) {
    return Settle.fail(draft, node, attempt, error, { usage, warnings, startedAt, output, final: true })
  }
  const tolerated: ReadonlyArray<Warning> = table.failed === 0
    ? []
    : [{ code: "MAP_FAILURES_TOLERATED", message: `${node.id}: ${table.failed} of ${table.count} items failed` }]
  Settle.succeed(draft, node, attempt, output, {
    usage,
    startedAt,
    warnings: [...warnings, ...tolerated]
  })
}

interface Answer {
  readonly output: Value | undefined
  readonly warnings: ReadonlyArray<Warning>
}

const runOutput = (draft: Draft): Answer => {
  const { plan } = draft.state
  if (plan.output !== undefined) {
    const value = Drafts.evaluate(draft, plan.output, {})
    return Result.isSuccess(value)
      ? { output: inline(value.success), warnings: [] }
      : { output: undefined, warnings: [{ code: "OUTPUT_UNRESOLVED", message: `output: ${value.failure.message}` }] }
  }
  const fields = plan.sinks.map((index): [string, Value] => {
    const node = Drafts.planNode(draft, index)
    return [node.id, draft.state.nodes.get(index).output ?? none]
  })
  return { output: { fields: Object.fromEntries(fields) }, warnings: [] }
}

const endWell = (draft: Draft): void => {
  const { output, warnings } = runOutput(draft)
  const count = draft.state.warnings.length + warnings.length
  const first = draft.state.warnings[0] ?? warnings[0]
  Drafts.emit(draft, {
    type: "RunFinished",
    v: 1,
    at: draft.at,
    status: count > 0 ? "warned" : "succeeded",
    code: count > 0 ? "WARNED" : "SUCCEEDED",
    message: first === undefined
      ? "all steps are settled"
      : `${count} warning${count === 1 ? "" : "s"}: ${first.message}`,
    ...(output === undefined ? {} : { output }),
    ...(warnings.length === 0 ? {} : { warnings })
  })
}

const open = new Set(["ready", "queued", "waiting", "retrying", "open"])

/** A closing run ends when nothing is in flight and nothing that may still run is left; the rest settles cancelled. */
const endClosed = (draft: Draft): void => {
  const { closing, plan } = draft.state
  // What became ready in this decision is about to be offered: the target of an always edge, after a failure.
  if (closing === undefined || draft.state.offered > 0 || draft.fresh.size > 0) return
  const rest: Array<string> = []
  for (const node of plan.nodes) {
    const { status } = draft.state.nodes.get(node.index)
    if (open.has(status)) return
    if (!isSettled(status)) rest.push(node.id)
  }
  if (rest.length > 0) Drafts.emit(draft, { type: "StepsCancelled", v: 1, at: draft.at, paths: rest })
  Drafts.emit(draft, {
    type: "RunFinished",
    v: 1,
    at: draft.at,
    status: closing.cause === "cancel" ? "cancelled" : "failed",
    code: closing.code,
    message: closing.path === undefined ? closing.message : `${closing.path}: ${closing.message}`
  })
}

/** Ends the run in the same commit as the step that was its last. */
export const finish = (draft: Draft): void => {
  if (draft.state.finished !== undefined) return
  if (draft.state.closing !== undefined) endClosed(draft)
  else if (draft.state.unsettled === 0 && draft.state.review === undefined) endWell(draft)
}
