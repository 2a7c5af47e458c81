/** What happens when a node's join is satisfied, or can no longer be. */
import * as Result from "effect/Result"
import * as Approval from "./DecideApproval.ts"
import * as Child from "./DecideChild.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import * as DurationText from "./DurationText.ts"
import { guardedWait } from "./EvolveReuse.ts"
import type { PlanNode, WaitSpec } from "./Plan.ts"
import * as Repeat from "./Repeat.ts"
import { joinState } from "./RunState.ts"
import * as Settle from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import * as TimeText from "./TimeText.ts"
import type { Json, Value } from "./Value.ts"
import { inline } from "./Value.ts"

/** Node types that workers run; all others are decided here. */
const workTypes = new Set(["transform", "function", "http", "agent", "file"])

const invalid = (code: string, message: string): StepError => ({ code, kind: "validation", message, retryable: false })

/** Settles everything that has become impossible as one event, and lists what that makes possible or impossible in turn. */
const skip = (draft: Draft, seeds: ReadonlyArray<number>, reason: "dead_path" | "when"): void => {
  const { plan } = draft.state
  const doomed = new Set(seeds)
  const dead = new Map<number, number>()
  for (const index of doomed) {
    for (const edge of plan.nodes[index]?.outgoing ?? []) {
      const target = Drafts.planNode(draft, edge.to)
      const at = draft.state.nodes.get(edge.to)
      const more = (dead.get(edge.to) ?? 0) + 1
      dead.set(edge.to, more)
      const lost = joinState(target, { ...at, deadIn: at.deadIn + more }) === "lost"
      if (lost && at.status === "pending") doomed.add(edge.to)
    }
  }
  const nodes = [...doomed].map((index) => Drafts.planNode(draft, index).id)
  Drafts.emit(draft, { type: "StepsSkipped", v: 1, at: draft.at, nodes, reason })
  for (const target of dead.keys()) if (!doomed.has(target)) draft.todo.push(target)
}

const choose = (draft: Draft, node: PlanNode): void => {
  const warnings: Array<{ code: string; message: string }> = []
  for (const rule of node.choice ?? []) {
    const answer = rule.when === undefined ? Result.succeed(true) : Drafts.holds(draft, rule.when, { node })
    if (Result.isFailure(answer)) {
      warnings.push({ code: "RULE_ERRED", message: `${node.id}.${rule.outcome}: ${answer.failure}` })
    } else if (answer.success) {
      return Settle.succeed(draft, node, 1, inline({ outcome: rule.outcome }), { outcome: rule.outcome, warnings })
    }
  }
  Settle.fail(draft, node, 0, invalid("CHOICE_EMPTY", `no rule is true and there is no \`otherwise\``), {})
}

/** The last millisecond a date can tell: what waits longer waits for ever. */
const dueMax = 8_640_000_000_000_000

/** Milliseconds since 1970, or text with a zone: anything else would depend on the machine. */
const timeOf = (value: Json): number | undefined =>
  typeof value === "number" ? value : typeof value === "string" ? TimeText.parse(value) : undefined

const dueAt = (draft: Draft, node: PlanNode, spec: WaitSpec): Result.Result<number, StepError> => {
  const template = spec.forDuration ?? spec.until
  if (template === undefined) {
    return Result.fail(invalid("WAIT_INVALID", `${node.id} says neither for, until nor event`))
  }
  const value = Drafts.evaluate(draft, template, { node })
  if (Result.isFailure(value)) return Result.fail(Settle.expressionError(value.failure.message))
  if (spec.forDuration !== undefined) {
    const ms = typeof value.success === "number" ? value.success : DurationText.parse(String(value.success))
    return ms === undefined || !(ms >= 0)
      ? Result.fail(invalid("WAIT_INVALID", `${JSON.stringify(value.success)} is no duration such as 10s`))
      : Result.succeed(Math.min(dueMax, Math.round(draft.at + ms)))
  }
  const time = timeOf(value.success)
  return time !== undefined
    ? Result.succeed(Math.min(dueMax, Math.max(0, Math.round(time))))
    : Result.fail(invalid("WAIT_INVALID", `${JSON.stringify(value.success)} is no time (RFC 3339)`))
}

const wait = (draft: Draft, node: PlanNode, spec: WaitSpec): void => {
  const at = draft.at
  if (spec.event !== undefined) {
    const found = draft.state.inbox.find((received) => received.name === spec.event)
    if (found !== undefined) return Settle.succeed(draft, node, 1, found.data, { startedAt: at })
    const due = spec.timeoutMs === undefined ? {} : { dueAt: at + spec.timeoutMs }
    return Drafts.emit(draft, {
      type: "StepWaiting",
      v: 1,
      at,
      path: node.id,
      attempt: 1,
      wait: { kind: "event", name: spec.event, ...due }
    })
  }
  const due = dueAt(draft, node, spec)
  if (Result.isFailure(due)) return Settle.fail(draft, node, 0, due.failure, {})
  Drafts.emit(draft, {
    type: "StepWaiting",
    v: 1,
    at,
    path: node.id,
    attempt: 1,
    wait: { kind: "timer", dueAt: due.success }
  })
}

/** The list a map goes over: kept as it is stored when it is one lone reference to a stored list (SEMANTICS 8.6f). */
const listOf = (draft: Draft, node: PlanNode): Result.Result<{ items: Value; count: number }, StepError> => {
  const over = node.map?.over
  if (over === undefined) return Result.fail(invalid("MAP_INVALID", "the map has no list"))
  const value = Drafts.evaluate(draft, over, { node })
  if (Result.isFailure(value)) return Result.fail(Settle.expressionError(value.failure.message))
  const list: Json = value.success
  return Array.isArray(list)
    ? Result.succeed({ items: inline(list), count: list.length })
    : Result.fail(invalid("MAP_INVALID", `\`map\` needs a list, not ${JSON.stringify(list)?.slice(0, 80)}`))
}

const emptyMap: Json = { items: [], results: [], failures: [], succeeded: 0, failed: 0 }

const expand = (draft: Draft, node: PlanNode): void => {
  const list = listOf(draft, node)
  if (Result.isFailure(list)) return Settle.fail(draft, node, 0, list.failure, {})
  const { count, items } = list.success
  const limit = draft.state.plan.limits.steps
  if (draft.state.steps + count > limit) {
    const message = `${node.id} would make ${draft.state.steps + count} steps; limits.steps is ${limit}`
    return Settle.fail(draft, node, 0, { code: "STEPS_LIMIT", kind: "policy", message, retryable: false }, {})
  }
  if (count === 0) return Settle.succeed(draft, node, 1, inline(emptyMap), { startedAt: draft.at })
  Drafts.emit(draft, { type: "MapExpanded", v: 1, at: draft.at, path: node.id, count, items })
}

const activate = (draft: Draft, node: PlanNode): void => {
  if (node.when !== undefined) {
    const answer = Drafts.holds(draft, node.when, { node })
    if (Result.isFailure(answer)) return Settle.fail(draft, node, 0, Settle.expressionError(answer.failure), {})
    if (!answer.success) return skip(draft, [node.index], "when")
  }
  if (draft.state.guarded.size > 0 && draft.state.guarded.has(node.id)) {
    return Drafts.emit(draft, {
      type: "StepWaiting",
      v: 1,
      at: draft.at,
      path: node.id,
      attempt: 0,
      wait: guardedWait
    })
  }
  if (node.choice !== undefined) return choose(draft, node)
  if (node.wait !== undefined) return wait(draft, node, node.wait)
  if (node.map !== undefined) return expand(draft, node)
  if (node.approval !== undefined) return Approval.open(draft, node)
  if (node.repeat !== undefined) return Repeat.open(draft, node, 0)
  if (node.type === "flow") return Child.activate(draft, node)
  if (workTypes.has(node.type)) {
    draft.fresh.add(node.index)
    return
  }
  const message = `this program does not serve nodes of type ${node.type}`
  Settle.fail(draft, node, 0, { code: "NODE_TYPE_UNSERVED", kind: "configuration", message, retryable: false }, {})
}

/** Fails what the conditions of its edges have failed; one failure may lead to the next. */
export const failErred = (draft: Draft): void => {
  for (let erred = draft.erred.shift(); erred !== undefined; erred = draft.erred.shift()) {
    const [index, message] = erred
    if (draft.state.nodes.get(index).status === "pending" && !draft.fresh.has(index)) {
      Settle.fail(draft, Drafts.planNode(draft, index), 0, Settle.expressionError(message), {})
    }
  }
}

/** Looks at every node whose join may have changed, until nothing follows any more. */
export const drain = (draft: Draft): void => {
  while (draft.todo.length > 0 || draft.erred.length > 0) {
    // All failures come before the joins, which would skip what is to fail.
    failErred(draft)
    const lost: Array<number> = []
    for (const index of new Set(draft.todo.splice(0))) {
      const at = draft.state.nodes.get(index)
      if (at.status !== "pending" || draft.fresh.has(index)) continue
      const node = Drafts.planNode(draft, index)
      const join = joinState(node, at)
      if (join === "lost") lost.push(index)
      else if (join === "met") activate(draft, node)
    }
    // A step of this round that settled at once may have made targets fail: they come before what is skipped.
    if (draft.erred.length > 0) {
      draft.todo.push(...lost)
      continue
    }
    // Another node of this round may have closed the run, which has settled them.
    const skipped = lost.filter((index) => draft.state.nodes.get(index).status === "pending")
    if (skipped.length > 0) skip(draft, skipped, "dead_path")
  }
}
