/** A run's folded state as the document that people and programs get. */
import * as Amount from "@baton/kernel/Amounts"
import * as Child from "@baton/kernel/Child"
import { waitReason } from "@baton/kernel/ExplainWait"
import type { ItemNote, ItemStatus } from "@baton/kernel/ItemTable"
import * as Ledgers from "@baton/kernel/Ledger"
import type { PlanNode } from "@baton/kernel/Plan"
import type { NodeState, RunState } from "@baton/kernel/RunState"
import * as RunStates from "@baton/kernel/RunState"
import { publicStatus } from "@baton/kernel/Scope"
import type { StepError } from "@baton/kernel/StepError"
import * as StepPath from "@baton/kernel/StepPath"
import type { Json, Value } from "@baton/kernel/Value"
import type { Wait } from "@baton/kernel/Wait"
import type { RunDocument, StepDocument, StepStatus } from "./RunDocument.ts"
import { timeText } from "./Wire.ts"

/** Steps listed in the document itself; the rest is paged. */
export const stepsMax = 1000

export interface Sight {
  /** JSON of a stored value; what is not at hand is shown by its address. */
  readonly read: (value: Value) => Json
  /** Attempts a worker has begun, by `path#attempt`, with their start in milliseconds since 1970. */
  readonly begun: ReadonlyMap<string, number>
  /** Why an unfinished run is not finished. */
  readonly reason: string
  readonly now: number
}

/** How a value is shown that is not read: its address and size, or its length. */
export const address = (value: Value): Json => {
  if ("v" in value) return value.v
  if ("ref" in value) return { $ref: value.ref, bytes: value.bytes }
  if ("chunks" in value) return { $list: value.count }
  return Object.fromEntries(Object.entries(value.fields).map(([key, field]) => [key, address(field)]))
}

const timeOrNull = (at: number | undefined): string | null => at === undefined || at === 0 ? null : timeText(at)

const nodeStatus = (at: NodeState, begun: boolean): StepStatus =>
  at.status === "succeeded" && (at.reused || at.receipt?.kind === "hit")
    ? "reused"
    : at.status === "queued" && begun
    ? "running"
    : publicStatus(at.status) as StepStatus

const waitsFor = (state: RunState, path: string, wait: Wait | undefined, { now }: Sight): Partial<StepDocument> => {
  if (wait === undefined) return {}
  const { data, door, message, reason } = waitReason(path, wait, now)
  return { waitsFor: { reason, message, door: door.replaceAll("RUN", state.run), data } }
}

/** Nothing was started before the first attempt, and where the start itself was refused. */
const childRun = (state: RunState, path: string, attempt: number, error: StepError | undefined) =>
  attempt === 0 || error?.sent === false
    ? {}
    : { childRun: Child.runOf(state.run, state.createdAt, path, attempt) }

const nodeStep = (state: RunState, node: PlanNode, sight: Sight): StepDocument => {
  const at = state.nodes.get(node.index)
  const begunAt = sight.begun.get(`${node.id}#${at.attempt}`)
  return {
    path: node.id,
    node: node.id,
    type: node.type,
    status: nodeStatus(at, begunAt !== undefined && node.map === undefined),
    attempt: at.attempt,
    startedAt: timeOrNull(at.startedAt ?? begunAt),
    endedAt: timeOrNull(at.settledAt),
    output: at.output === undefined ? null : address(at.output),
    error: at.error ?? null,
    usage: at.usage ?? null,
    ...(node.type === "flow" ? childRun(state, node.id, at.attempt, at.error) : {}),
    ...(at.status === "waiting" ? waitsFor(state, node.id, at.wait, sight) : undefined),
    ...(at.receipt === undefined ? {} : { receipt: at.receipt })
  }
}

const itemStatus = (status: ItemStatus, note: ItemNote | undefined, begun: boolean): StepStatus => {
  if (status === "ready") return "queued"
  if (status === "queued" && begun) return "running"
  return status === "succeeded" && (note?.reused === true || note?.receipt?.kind === "hit") ? "reused" : status
}

const itemStep = (state: RunState, node: PlanNode, index: number, sight: Sight): StepDocument => {
  const table = state.maps.get(node.index)
  const path = StepPath.item(node.id, index)
  const attempt = table?.attempt(index) ?? 0
  const begunAt = sight.begun.get(`${path}#${attempt}`)
  const status = table?.status(index) ?? "pending"
  const output = table?.output(index)
  const note = table?.note(index)
  return {
    path,
    node: node.id,
    type: node.each?.body.type ?? node.type,
    status: itemStatus(status, note, begunAt !== undefined),
    attempt,
    startedAt: timeOrNull(table?.startedAt(index) || begunAt),
    endedAt: timeOrNull(table?.endedAt(index)),
    output: output === undefined ? null : address(output),
    error: note?.error ?? (note?.wait?.kind === "operator" ? note.wait.error : null),
    usage: note?.usage ?? null,
    ...(node.each?.body.type === "flow" ? childRun(state, path, attempt, note?.error) : {}),
    ...(status === "waiting" ? waitsFor(state, path, note?.wait, sight) : undefined),
    ...(note?.receipt === undefined ? {} : { receipt: note.receipt })
  }
}

/** Steps in plan order, a map's items behind it; `after` steps are left out, at most `limit` given. */
export const steps = (state: RunState, sight: Sight, after: number, limit: number): ReadonlyArray<StepDocument> => {
  const found: Array<StepDocument> = []
  let position = 0
  for (const node of state.plan.nodes) {
    if (position++ >= after && found.length < limit) found.push(nodeStep(state, node, sight))
    const count = state.maps.get(node.index)?.count ?? 0
    const from = Math.max(0, after - position)
    for (let index = from; index < count && found.length < limit; index++) {
      found.push(itemStep(state, node, index, sight))
    }
    position += count
    if (found.length >= limit) break
  }
  return found
}

interface Sums {
  succeeded: number
  failed: number
  busyMs: number
}

const sum = (state: RunState): Sums => {
  const sums: Sums = { succeeded: 0, failed: 0, busyMs: 0 }
  for (const node of state.plan.nodes) {
    const at = state.nodes.get(node.index)
    if (at.status === "succeeded") sums.succeeded++
    else if (at.status === "failed") sums.failed++
    const table = state.maps.get(node.index)
    if (table === undefined) {
      if (at.startedAt !== undefined && at.settledAt !== undefined) sums.busyMs += at.settledAt - at.startedAt
      continue
    }
    sums.succeeded += table.succeeded
    sums.failed += table.failed
    for (let index = 0; index < table.next; index++) {
      if (table.startedAt(index) > 0) sums.busyMs += Math.max(0, table.endedAt(index) - table.startedAt(index))
    }
  }
  return sums
}

const failure = (state: RunState): RunDocument["error"] => {
  if (state.finished === undefined || state.finished.status !== "failed") return null
  const path = state.closing?.path
  return {
    code: state.finished.code,
    message: state.closing?.message ?? state.finished.message,
    ...(path === undefined ? {} : { path })
  }
}

/** Of all attempts, not only of those that counted. */
const spending = (state: RunState) => {
  const { budget, guessed, reserved, settled, unpriced } = Ledgers.totals(state)
  return {
    tokensTotal: settled.tokens ?? 0,
    // What a model without a known price has used makes the sum unknown, never smaller.
    costUsd: unpriced ? null : Amount.usdOf(settled.nanoUsd ?? 0),
    estimated: !Amount.isZero(guessed),
    reserved: budget === undefined ? null : Amount.toBudget(reserved),
    budget: budget === undefined ? null : Amount.toBudget(budget)
  }
}

export const project = (state: RunState, sight: Sight): RunDocument => {
  const { finished } = state
  const listed = steps(state, sight, 0, stepsMax)
  const sums = sum(state)
  const totalTimeMs = Math.max(0, (finished?.at ?? sight.now) - state.createdAt)
  const times = listed.flatMap(({ endedAt, path, startedAt }): ReadonlyArray<[string, number]> =>
    startedAt === null || endedAt === null ? [] : [[path, Math.max(0, Date.parse(endedAt) - Date.parse(startedAt))]]
  )
  return {
    schema: "baton.run/1",
    id: state.run,
    flow: state.plan.name,
    version: state.plan.version,
    revision: state.plan.revision,
    status: RunStates.status(state),
    reason: finished?.message ?? sight.reason,
    code: finished?.code ?? RunStates.status(state).toUpperCase(),
    input: sight.read(state.input),
    output: finished?.output === undefined ? null : sight.read(finished.output),
    error: failure(state),
    warnings: state.warnings,
    tags: state.tags,
    ...(state.parent === undefined ? {} : { parent: state.parent }),
    startedAt: timeText(state.createdAt),
    endedAt: timeOrNull(finished?.at),
    seq: state.seq,
    ...(state.lineage === undefined ? {} : { lineage: state.lineage }),
    steps: listed,
    stepsTotal: state.steps,
    metrics: {
      totalTimeMs,
      stepTimesMs: Object.fromEntries(times),
      parallelEfficiency: totalTimeMs === 0 ? 0 : Math.round((sums.busyMs / totalTimeMs) * 1000) / 10,
      ...spending(state),
      stepsSucceeded: sums.succeeded,
      stepsFailed: sums.failed
    }
  }
}
