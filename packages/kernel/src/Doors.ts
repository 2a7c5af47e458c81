/**
 * The doors of a run: everything in it that waits for a person, each with what lists show of it. Folded from the state like
 * offers and timers (`Outstanding`); stores keep the rows of all runs, so that one question finds them all.
 */
import type { Event } from "./Event.ts"
import { locate } from "./EvolveStep.ts"
import { budgetReason } from "./ExplainLedger.ts"
import type { PatchRecord } from "./PatchRecord.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import * as Sha256 from "./Sha256.ts"
import * as StepPath from "./StepPath.ts"
import type { JsonObject } from "./Value.ts"
import type { ApprovalWait, OperatorWait, Wait } from "./Wait.ts"

/** The closed list of what people are waited for. */
export const doorKinds = [
  "approval",
  "checkpoint",
  "question",
  "operator",
  "unknown_outcome",
  "patch",
  "budget"
] as const
export type DoorKind = (typeof doorKinds)[number]

export interface Door {
  /** The step; empty: the run itself. */
  readonly path: string
  readonly kind: DoorKind
  /** Unique over all runs, and the same whenever it is derived again. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly since: number
  /** When it closes by itself, in milliseconds since 1970. */
  readonly dueAt: number | undefined
  /** One line of at most {@link titleLengthMax} UTF-16 units. */
  readonly title: string
  /** Small: what a list shows. What is large stays in the run. */
  readonly data: JsonObject
}

export const titleLengthMax = 300

export const titleOf = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return (line.length > titleLengthMax ? `${line.slice(0, titleLengthMax - 1)}…` : line).toWellFormed()
}

interface Waiting {
  readonly run: string
  readonly path: string
  readonly attempt: number
  readonly since: number
}

const operator = ({ attempt, path, run, since }: Waiting, { error, reason }: OperatorWait): Door => ({
  path,
  kind: reason === "unknown_outcome" ? reason : "operator",
  id: Sha256.timedId("opr", since, JSON.stringify([run, path, attempt, reason])),
  since,
  dueAt: undefined,
  title: titleOf(error.message),
  data: { attempt, code: error.code }
})

/** A patch that waits for people: the run's own door. */
const review = (patch: PatchRecord): Door => ({
  path: "",
  kind: "patch",
  id: patch.id,
  since: patch.at,
  dueAt: patch.dueAt,
  title: titleOf(patch.reason ?? `a patch of ${counted(patch.growth?.nodes ?? 0, "node")}`),
  data: {
    n: patch.n,
    base: patch.base,
    ...(patch.author === undefined ? {} : { author: patch.author.path }),
    ...(patch.growth === undefined ? {} : { nodes: patch.growth.nodes, agentNodes: patch.growth.agentNodes })
  }
})

const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? "" : "s"}`

const approval = ({ attempt, path, since }: Waiting, wait: ApprovalWait): Door => ({
  path,
  kind: wait.ask,
  id: wait.id,
  since,
  dueAt: wait.dueAt,
  title: wait.title,
  data: {
    attempt,
    hash: wait.hash,
    quorum: wait.quorum,
    votes: (wait.votes ?? []).map(({ by }) => by),
    onTimeout: wait.onTimeout,
    ...(wait.approvers === undefined ? {} : { approvers: wait.approvers }),
    ...(wait.options === undefined ? {} : { options: wait.options.map(({ name }) => name) })
  }
})

const doorOf = (at: Waiting, wait: Wait): Door | undefined =>
  wait.kind === "operator" ? operator(at, wait) : wait.kind === "approval" ? approval(at, wait) : undefined

/** One for all steps of the run that cannot reserve: whoever adds to the budget frees them together. */
const budget = (state: RunState): Door | undefined => {
  const { ledger } = state
  const [first] = ledger?.waiters ?? []
  const node = first === undefined ? undefined : state.plan.nodes[first]
  const wait = node === undefined ? undefined : state.nodes.get(node.index).wait
  if (ledger === undefined || node === undefined || wait?.kind !== "budget") return undefined
  const steps = ledger.waiters.size
  const { data, message } = budgetReason(state, node.id, wait)
  return {
    path: "",
    kind: "budget",
    id: Sha256.timedId("bud", ledger.waitingSince, JSON.stringify([state.run, ledger.waitingSince])),
    since: ledger.waitingSince,
    dueAt: undefined,
    title: titleOf(steps === 1 ? message : `${steps} steps wait for the budget; ${message}`),
    data: { steps, first: node.id, need: data["need"] ?? {}, free: data["free"] ?? {} }
  }
}

const runDoors = (state: RunState): ReadonlyArray<Door> => {
  const door = budget(state)
  const patch = state.review === undefined ? [] : [review(state.review)]
  return door === undefined ? patch : [...patch, door]
}

/** The doors at a path: of that step, or of the run itself when the path is empty. */
export const doorsAt = (state: RunState, path: string): ReadonlyArray<Door> => {
  if (state.finished !== undefined) return []
  if (path === "") return runDoors(state)
  const address = locate(state, path)
  if (address === undefined) return []
  const { index, node } = address
  if (index === undefined) {
    const { attempt, status, wait, waitingSince } = state.nodes.get(node.index)
    const door = status === "waiting" && wait !== undefined
      ? doorOf({ run: state.run, path, attempt, since: waitingSince ?? 0 }, wait)
      : undefined
    return door === undefined ? [] : [door]
  }
  const table = state.maps.get(node.index)
  const note = table?.status(index) === "waiting" ? table.note(index) : undefined
  if (table === undefined || note?.wait === undefined) return []
  const at = { run: state.run, path, attempt: table.attempt(index), since: note.waitingSince ?? 0 }
  const door = doorOf(at, note.wait)
  return door === undefined ? [] : [door]
}

/** Every open door of the run; linear in nodes and in the items of maps that have resting ones. */
export const doors = (state: RunState): ReadonlyArray<Door> => {
  if (state.finished !== undefined) return []
  const found = [...doorsAt(state, "")]
  for (const node of state.plan.nodes) {
    const { status } = state.nodes.get(node.index)
    if (isSettled(status)) continue
    if (status === "waiting") found.push(...doorsAt(state, node.id))
    const table = status === "open" ? state.maps.get(node.index) : undefined
    for (let index = 0; table !== undefined && table.resting > 0 && index < table.next; index++) {
      if (table.status(index) === "waiting") found.push(...doorsAt(state, StepPath.item(node.id, index)))
    }
  }
  return found
}

const none: ReadonlyArray<string> = []
/** The run itself. */
const run: ReadonlyArray<string> = [""]

/**
 * The paths whose doors an event may open, change or close; `all` where it ends many steps at once. A record of events that
 * open none costs nothing while the run has no door: see {@link mayOpen}.
 */
export const touched = (event: Event): ReadonlyArray<string> | "all" => {
  switch (event.type) {
    case "StepWaiting":
    case "StepReopened":
    case "StepSucceeded":
    case "StepFailed":
    case "StepRetryScheduled":
    case "ApprovalVoted":
      return [event.path]
    case "StepsUnfunded":
    case "StepsDispatched":
    case "BudgetRaised":
    case "PatchProposed":
    case "PlanPatched":
    case "PatchRejected":
      return run
    case "RunClosing":
    case "RunFinished":
    case "StepsCancelled":
    case "MapStopped":
      return "all"
    case "StepsReused":
      return event.guarded ?? none
    default:
      return none
  }
}

/** Whether the event may open a door, or change what one shows. */
export const mayOpen = (event: Event): boolean =>
  event.type === "StepWaiting" || event.type === "StepsUnfunded" || event.type === "PatchProposed" ||
  (event.type === "StepsReused" && event.guarded !== undefined)
