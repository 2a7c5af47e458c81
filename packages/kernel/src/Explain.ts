/**
 * Why a run is not finished: for the run and each open step a reason from a closed list, with its data and its door, that
 * is, what would end the wait (K12). It holds with no facts at all; facts about queues, workers and owners sharpen it.
 */
import { budgetReason } from "./ExplainLedger.ts"
import type { PlaceFacts } from "./ExplainPlace.ts"
import { placeReason } from "./ExplainPlace.ts"
import type { Reason, ReasonName } from "./ExplainWait.ts"
import { seconds, waitReason } from "./ExplainWait.ts"
import { isQueued } from "./Place.ts"
import type { PlanNode } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import { graceMs } from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import * as StepPath from "./StepPath.ts"
import * as Suspect from "./Suspect.ts"
import type { JsonObject } from "./Value.ts"

/** What the engine knows beside the journal. */
export interface Facts {
  /** Attempts a worker has begun, by `path#attempt`, with their start in milliseconds since 1970. */
  readonly begun?: ReadonlyMap<string, number>
  /** Whether a living process owns the run; `undefined`: not known. */
  readonly owned?: boolean
  /** Node types that the owner's workers serve; `undefined`: not known. */
  readonly served?: ReadonlySet<string>
  /** Of a run that waits for its place. */
  readonly place?: PlaceFacts
}

/** Steps listed one by one; more are counted. */
export const stepsMax = 200

interface Offered {
  readonly state: RunState
  readonly path: string
  /** The queue: the node type, or `gather`. */
  readonly type: string
  readonly attempt: number
}

const offered = ({ attempt, path, state, type }: Offered, now: number, facts: Facts): Reason => {
  const startedAt = facts.begun?.get(`${path}#${attempt}`)
  const stalled: JsonObject = state.stalledSince === undefined ? {} : { stalledSince: state.stalledSince }
  if (startedAt !== undefined) {
    return {
      reason: "running",
      path,
      message: `${path} has been running for ${seconds(now - startedAt)} (attempt ${attempt})`,
      door: "it answers, or its timeout ends it; `baton runs cancel` stops it",
      data: { attempt, startedAt, ...stalled }
    }
  }
  if (facts.served?.has(type) === false) {
    return {
      reason: "no_worker",
      path,
      message: `${path} is offered as attempt ${attempt}, and no worker here serves ${type} steps`,
      door: "baton runs resume RUN",
      data: { attempt, type, ...stalled }
    }
  }
  const alone = Suspect.first(state)
  if (alone !== undefined && alone.path !== path) {
    return {
      reason: "queued",
      path,
      message:
        `${path} begins when ${alone.path} has ended, which runs alone: processes died twice while it was offered`,
      door: `${alone.path} ends`,
      data: { attempt, after: alone.path, ...stalled }
    }
  }
  return {
    reason: "queued",
    path,
    message: `${path} is offered to the workers as attempt ${attempt}`,
    door: "a worker takes it; the sweeper offers it again if the offer was lost",
    data: { attempt, ...stalled }
  }
}

/** Without an error an operator has put the attempt off. */
const backoff = (path: string, attempt: number, due: number, now: number, error: StepError | undefined): Reason => ({
  reason: "retry_backoff",
  path,
  message: `${path} is tried again in ${seconds(due - now)} (${
    error === undefined ? "an operator put it off" : `attempt ${attempt} failed: ${error.message}`
  })`,
  door: "the time comes",
  data: { attempt, dueAt: due }
})

const upstream = (state: RunState, node: PlanNode): Reason => {
  const open = node.incoming
    .map((edge) => state.plan.nodes[edge.from])
    .filter((source) => source !== undefined && !isSettled(state.nodes.get(source.index).status))
    .map((source) => source?.id ?? "")
  return {
    reason: "upstream",
    path: node.id,
    message: `${node.id} waits for ${open.length === 0 ? "its join" : open.join(", ")}`,
    door: "they end",
    data: { needs: open }
  }
}

const items = (state: RunState, node: PlanNode, now: number, facts: Facts, limit: number): ReadonlyArray<Reason> => {
  const table = state.maps.get(node.index)
  if (table === undefined) return []
  const found: Array<Reason> = []
  for (let index = 0; index < table.next && found.length < limit; index++) {
    const path = StepPath.item(node.id, index)
    const note = table.note(index)
    const status = table.status(index)
    if (status === "queued") {
      const type = node.each?.body.type ?? node.type
      found.push(offered({ state, path, type, attempt: table.attempt(index) }, now, facts))
    } else if (status === "retrying") {
      found.push(backoff(path, table.attempt(index), note?.retryAt ?? now, now, note?.error))
    } else if (status === "waiting" && note?.wait !== undefined) found.push(waitReason(path, note.wait, now))
  }
  const left = table.count - table.next + table.again.size
  const { wait } = state.nodes.get(node.index)
  if (table.unfunded && wait?.kind === "budget") found.push(budgetReason(state, node.id, wait))
  else if (left > 0 && !table.stopped) {
    found.push({
      reason: node.each?.rate === undefined ? "capacity" : "rate",
      path: node.id,
      message: `${left} of ${table.count} items of ${node.id} wait for a free slot`,
      door: "running items end",
      data: { waiting: left, running: table.active, parallel: node.each?.parallel ?? 0 }
    })
  }
  return found
}

const step = (state: RunState, node: PlanNode, now: number, facts: Facts, limit: number): ReadonlyArray<Reason> => {
  const at = state.nodes.get(node.index)
  switch (at.status) {
    case "pending":
      return [upstream(state, node)]
    case "ready":
      if (state.paused) {
        const message = `${node.id} is ready and starts when the run is resumed`
        return [{ reason: "paused", path: node.id, message, door: "baton runs resume RUN", data: {} }]
      }
      return [{
        reason: "capacity",
        path: node.id,
        message: `${node.id} is ready; ${state.offered} of ${state.plan.limits.parallel} slots of the run are taken`,
        door: "a running step ends, or limits.parallel is raised",
        data: { running: state.offered, parallel: state.plan.limits.parallel }
      }]
    case "queued":
      return [offered(
        {
          state,
          path: node.id,
          type: node.map === undefined ? node.type : "gather",
          attempt: at.attempt
        },
        now,
        facts
      )]
    case "open":
      return items(state, node, now, facts, limit)
    case "waiting":
      if (at.wait?.kind === "budget") return [budgetReason(state, node.id, at.wait)]
      return at.wait === undefined ? [] : [waitReason(node.id, at.wait, now)]
    case "retrying":
      return [backoff(node.id, at.attempt, at.retryAt ?? now, now, at.error)]
    default:
      return []
  }
}

/** Reasons about the run as a whole, worst first. */
const whole = (state: RunState, now: number, facts: Facts): ReadonlyArray<Reason> => {
  const found: Array<Reason> = []
  const add = (reason: ReasonName, message: string, door: string, data: JsonObject = {}) =>
    found.push({ reason, path: undefined, message, door, data })
  if (state.sealed !== undefined) add("sealed", `the run can only be read: ${state.sealed}`, "use the newer program")
  if (facts.owned === false) {
    add("no_owner", "no living process runs it", "baton runs resume RUN")
  }
  if (state.paused) add("paused", "the run is paused: nothing new starts", "baton runs resume RUN")
  if (isQueued(state)) found.push(placeReason(state, facts.place))
  const { review } = state
  if (review !== undefined) {
    const until = review.dueAt === undefined ? "" : `, for ${seconds(review.dueAt - now)} more`
    const door = `baton patches approve ${review.id}   (or reject)`
    add("patch_review", `patch ${review.n} of the plan waits for its review${until}`, door, { patch: review.id })
  }
  if (state.closing !== undefined) {
    const left = state.closing.cause === "failure" ? undefined : state.closing.at + graceMs - now
    add(
      "closing",
      `the run ends (${state.closing.code}): ${state.offered} running step${
        state.offered === 1 ? "" : "s"
      } may still answer`,
      left === undefined ? "they end" : `they stop, in ${seconds(left)} at the latest`,
      { cause: state.closing.cause, running: state.offered }
    )
  }
  return found
}

/** Empty exactly when the run is finished. */
export const explain = (state: RunState, now: number, facts: Facts = {}): ReadonlyArray<Reason> => {
  if (state.finished !== undefined) return []
  const found = [...whole(state, now, facts)]
  // Nothing of it can start: its steps have no reasons of their own.
  if (isQueued(state)) return found
  for (const node of state.plan.nodes) {
    if (found.length >= stepsMax) break
    if (isSettled(state.nodes.get(node.index).status)) continue
    found.push(...step(state, node, now, facts, stepsMax - found.length))
  }
  if (found.length > 0) return found
  return [{
    reason: "not_started",
    path: undefined,
    message: "the run has been accepted and has not started",
    door: "baton runs resume RUN",
    data: {}
  }]
}
