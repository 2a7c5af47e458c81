/**
 * The rule for patches (K6, SEMANTICS 8.9): one for people and agents, asked when a patch is proposed, when it is approved,
 * and when one is taken back. It changes nothing; what it refuses leaves plan and run as they are.
 */
import * as Result from "effect/Result"
import type { Refusal } from "./Command.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type * as Flow from "./Flow.ts"
import * as PatchChange from "./PatchChange.ts"
import * as PatchedPlan from "./PatchedPlan.ts"
import * as PatchGrowth from "./PatchGrowth.ts"
import * as PatchPolicy from "./PatchPolicy.ts"
import * as PatchProblem from "./PatchProblem.ts"
import type { PatchAuthor } from "./PatchRecord.ts"
import * as PatchSpelling from "./PatchSpelling.ts"
import type { Plan, PlanEdge, PlanNode } from "./Plan.ts"
import type { Problem } from "./Problem.ts"
import type { NodeState, RunState, Warning } from "./RunState.ts"
import { isSettled, joinState } from "./RunState.ts"
import { publicStatus } from "./Scope.ts"
import * as Settle from "./Settle.ts"
import * as StepPath from "./StepPath.ts"
import type { Json } from "./Value.ts"

export interface Proposal {
  readonly base: number
  readonly operations: Json
  /** An agent's patch; without one it is a person's. */
  readonly author: PatchAuthor | undefined
}

export interface Accepted {
  readonly next: PatchedPlan.Next
  /** In the canonical spelling. */
  readonly operations: ReadonlyArray<Json>
  readonly change: PatchChange.PatchChange
  /** Of an agent's patch. */
  readonly growth: PatchGrowth.Growth | undefined
  /** Live outgoing edges of settled nodes whose edges have changed. */
  readonly live: ReadonlyArray<readonly [id: string, live: ReadonlyArray<number>]>
  readonly warnings: ReadonlyArray<Warning>
}

const refuse = PatchProblem.refuse

export const check = (draft: Draft, proposal: Proposal): Result.Result<Accepted, Refusal> => {
  const { state } = draft
  const before = state.plan
  if (state.closing !== undefined) return Result.fail(refuse("RUN_CLOSING", `the run ends: ${state.closing.message}`))
  if (proposal.base !== before.revision) {
    const message =
      `the plan is at revision ${before.revision}, the patch was made for ${proposal.base}; look at it again`
    return Result.fail(refuse("PATCH_STALE", message))
  }
  const spelled = PatchSpelling.canonical(proposal.operations, before, PatchedPlan.bounds)
  if (spelled.problems.length > 0) {
    return Result.fail(refuse("PATCH_INVALID", PatchProblem.summary(spelled.problems), spelled.problems))
  }
  const next = PatchedPlan.next(before, spelled.operations)
  if (Result.isFailure(next)) return Result.fail(next.failure)
  const { change, plan } = next.success
  const operations = spelled.operations as ReadonlyArray<Json>
  if (PatchChange.isEmpty(change) && inOrder(before.document, plan.document)) {
    return Result.fail(refuse("PATCH_EMPTY", "the patch changes nothing"))
  }
  const edges = decideEdges(draft, plan)
  const refused = first(
    [
      ["PATCH_STARTED", started(state, change)],
      ["PATCH_ORPHANS", orphans(state, plan)],
      ["PATCH_STEPS_MAX", tooMany(state, plan)],
      ["PATCH_BUDGET", unwatched(state, plan, change)],
      ["PATCH_POLICY", beyond(state, plan, change, proposal.author, operations)],
      ["PATCH_INVALID", unpinned(plan, change)],
      ["PATCH_DEAD", dead(state, plan, edges)]
    ],
    plan.document,
    operations
  )
  if (refused !== undefined) return Result.fail(refused)
  const growth = proposal.author === undefined ? undefined : PatchGrowth.of(before, plan, change)
  const live = [...edges.live].map(([index, ordinals]) => [plan.nodes[index]?.id ?? "", ordinals] as const)
  const warnings = [...spelled.warnings, ...compilerWarnings(plan, operations)]
  return Result.succeed({ next: next.success, operations, change, growth, live, warnings })
}

/** Whether nodes and edges stand where they stood. */
const inOrder = (before: Flow.Flow, after: Flow.Flow): boolean =>
  after.nodes.every((node, index) => node.id === before.nodes[index]?.id) &&
  after.edges.every((edge, index) => edge === before.edges[index])

/** All problems at once; the first kind of them names the refusal. */
const first = (
  found: ReadonlyArray<readonly [PatchProblem.Code, ReadonlyArray<Problem>]>,
  document: Flow.Flow,
  operations: ReadonlyArray<Json>
): Refusal | undefined => {
  const some = found.find(([, problems]) => problems.length > 0)
  if (some === undefined) return undefined
  const problems = PatchProblem.inPatch(found.flatMap(([, list]) => list), document, operations)
  return refuse(some[0], PatchProblem.summary(problems), problems)
}

/** Agents may be registered ones, which only those know who check a flow. */
const compilerWarnings = (plan: Plan, operations: ReadonlyArray<Json>): ReadonlyArray<Warning> =>
  PatchProblem.inPatch(plan.problems, plan.document, operations)
    .filter(({ code, pointer }) => code !== "UNKNOWN_AGENT" && /^\/\d/.test(pointer))
    .map(({ code, message, pointer }) => ({ code, message: `${pointer}: ${message}` }))

/** Only what is pending may change, and only edges into what is pending. */
const started = (state: RunState, change: PatchChange.PatchChange): ReadonlyArray<Problem> => {
  const closed = (id: string): string | undefined => {
    const node = state.plan.byId.get(id)
    const status = node === undefined ? "pending" : state.nodes.get(node.index).status
    return status === "pending" ? undefined : publicStatus(status)
  }
  const problems: Array<Problem> = []
  const say = (pointer: string, what: string, status: string | undefined): void => {
    if (status === undefined) return
    const message = `${what} is ${status}; only what is pending may change.`
    problems.push(PatchProblem.problem("PATCH_STARTED", pointer, message))
  }
  for (const { id } of change.removedNodes) say(`/nodes/${id}`, `'${id}'`, closed(id))
  for (const { after: { id } } of change.changedNodes) say(`/nodes/${id}`, `'${id}'`, closed(id))
  for (const { from, to } of [...change.addedEdges, ...change.removedEdges]) {
    say("/edges", `The edge from '${from}' enters '${to}', which`, closed(to))
  }
  return problems
}

/** What a step calls is pinned when it comes into the plan: nobody looks a name up later (SEMANTICS 8.7e). */
const unpinned = (plan: Plan, change: PatchChange.PatchChange): ReadonlyArray<Problem> =>
  [...change.addedNodes, ...change.changedNodes.map(({ after }) => after)].flatMap(({ id }) => {
    const node = plan.byId.get(id)
    const work = node?.type === "flow" ? node : node?.each?.body.type === "flow" ? node.each.body : undefined
    if (node === undefined || work === undefined || work.call !== undefined) return []
    const pointer = `/nodes/${node.index}${work === node ? "" : "/each"}/flow`
    const message = `'${id}' would call a flow that the run has not pinned.`
    return [PatchProblem.problem("PATCH_INVALID", pointer, message, { expected: "a flow that the run calls already" })]
  })

const orphans = (state: RunState, plan: Plan): ReadonlyArray<Problem> =>
  plan.nodes.filter(({ incoming }) => incoming.length === 0).flatMap((node) => {
    const before = state.plan.byId.get(node.id)
    if (before !== undefined && before.incoming.length === 0) return []
    const message = before === undefined
      ? `'${node.id}' has no incoming edge: nothing says when it runs.`
      : `'${node.id}' would lose its last incoming edge.`
    const expected = `an edge such as {"op":"add","path":"/edges/-","value":{"from":"…","to":"${node.id}"}}`
    return [PatchProblem.problem("PATCH_ORPHANS", `/nodes/${node.index}`, message, { expected })]
  })

const tooMany = (state: RunState, plan: Plan): ReadonlyArray<Problem> => {
  const steps = state.steps + plan.nodes.length - state.plan.nodes.length
  if (steps <= plan.limits.steps) return []
  const message = `The run would have ${steps} steps; limits.steps is ${plan.limits.steps}.`
  return [PatchProblem.problem("PATCH_STEPS_MAX", "/limits/steps", message)]
}

/** What a node may cost is watched by the prices a run was started with; one without a budget has none. */
const unwatched = (state: RunState, plan: Plan, change: PatchChange.PatchChange): ReadonlyArray<Problem> => {
  if (state.ledger?.terms !== undefined) return []
  const ids = [...change.addedNodes, ...change.changedNodes.map(({ after }) => after)].map(({ id }) => id)
  return ids.flatMap((id) => {
    const node = plan.byId.get(id)
    const each = node?.each === undefined ? "" : "/each"
    if ((node?.each?.body ?? node)?.budget === undefined) return []
    const message = `'${id}' has a budget, and nothing of this run does: nobody would watch it.`
    const expected = "no budget; or a fork with the patch: baton runs fork RUN --patch FILE"
    return [PatchProblem.problem("PATCH_BUDGET", `/nodes/${node?.index ?? "-"}${each}/budget`, message, { expected })]
  })
}

const beyond = (
  state: RunState,
  plan: Plan,
  change: PatchChange.PatchChange,
  author: PatchAuthor | undefined,
  operations: ReadonlyArray<Json>
): ReadonlyArray<Problem> => {
  if (author === undefined) return []
  const node = StepPath.parse(author.path)?.node ?? author.path
  const policy = PatchPolicy.forNode(state.plan, node)
  if (policy === undefined) {
    return [PatchProblem.problem("PATCH_OFF", "", `The flow does not let the agent of '${node}' patch its runs.`)]
  }
  return [
    ...PatchPolicy.checkOperations(operations),
    ...PatchPolicy.check({ policy, before: state.plan, after: plan, change, patchedIn: patchedIn(state) })
  ]
}

const patchedIn = (state: RunState): ReadonlySet<string> =>
  new Set(
    (state.patches ?? []).flatMap(({ change, reverts, status }) =>
      status === "applied" && reverts === undefined ? change?.addedNodes.map(({ id }) => id) ?? [] : []
    )
  )

interface Decided {
  /** By place in the new plan: the live ordinals of settled nodes whose outgoing edges have changed. */
  readonly live: ReadonlyMap<number, ReadonlyArray<number>>
  /** Why an edge that has just been decided is dead, by its target. */
  readonly erred: ReadonlyMap<number, string>
}

const identity = (plan: Plan, { from, on, otherwise, to, when }: PlanEdge): string =>
  `${plan.nodes[from]?.id} ${plan.nodes[to]?.id} ${on} ${otherwise} ${when?.source ?? ""}`

/** Edges from nodes that have settled are decided at once (SEMANTICS 8.9c), by the rule of 8.4. */
const decideEdges = (draft: Draft, plan: Plan): Decided => {
  const { state } = draft
  const live = new Map<number, ReadonlyArray<number>>()
  const erred = new Map<number, string>()
  for (const node of changed(state.plan, plan)) {
    const before = state.plan.byId.get(node.id)
    if (before === undefined || same(before.outgoing, node.outgoing)) continue
    const at = state.nodes.get(before.index)
    if (!isSettled(at.status)) continue
    const known = new Map(before.outgoing.map((edge) => [
      identity(state.plan, edge),
      at.live?.includes(edge.ordinal) === true
    ]))
    const ordinals = node.outgoing.filter((edge) =>
      known.get(identity(plan, edge)) ?? isLive(draft, before, plan, edge, erred)
    ).map((edge) => edge.ordinal)
    if (ordinals.join() !== (at.live ?? []).join()) live.set(node.index, ordinals)
  }
  return { live, erred }
}

/** Nodes that are not what they were: most of a plan is the same objects in the same places. */
const changed = (before: Plan, after: Plan): ReadonlyArray<PlanNode> =>
  after.nodes.filter((node, index) => node !== before.nodes[index])

const same = (one: ReadonlyArray<PlanEdge>, other: ReadonlyArray<PlanEdge>): boolean =>
  one.length === other.length && one.every((edge, index) => edge === other[index])

/** What people said of an approval that has settled: it may have named its way by one of its own options. */
export const verdictOf = (source: PlanNode, at: Pick<NodeState, "output">): "approved" | "rejected" | undefined => {
  if (source.approval === undefined || at.output === undefined || !("fields" in at.output)) return undefined
  const approved = at.output.fields["approved"]
  return approved !== undefined && "v" in approved && approved.v === true ? "approved" : "rejected"
}

const isLive = (
  draft: Draft,
  source: PlanNode,
  plan: Plan,
  edge: PlanEdge,
  erred: Map<number, string>
): boolean => {
  const at = draft.state.nodes.get(source.index)
  // A node that branches took its way when it settled; what was skipped or cancelled leads nowhere.
  if (source.branch || (at.status !== "succeeded" && at.status !== "failed")) return false
  const match: Settle.Match = at.status === "succeeded"
    ? "success"
    : source.onFailure === "continue"
    ? "continue"
    : "failure"
  if (!Settle.matches(edge, match, at.outcome, verdictOf(source, at))) return false
  const target = plan.nodes[edge.to]
  if (edge.when === undefined || target === undefined) return true
  const answer = Drafts.holds(draft, edge.when, { node: source })
  if (Result.isSuccess(answer)) return answer.success
  erred.set(edge.to, answer.failure)
  return false
}

/** New nodes, and pending ones whose edges have changed, that could never run. */
const dead = (state: RunState, plan: Plan, { erred, live }: Decided): ReadonlyArray<Problem> => {
  const problems: Array<Problem> = []
  for (const node of changed(state.plan, plan)) {
    const before = state.plan.byId.get(node.id)
    const kept = before?.definition === node.definition && same(before.incoming, node.incoming)
    if (kept) continue
    if (before !== undefined && state.nodes.get(before.index).status !== "pending") continue
    let liveIn = 0
    let deadIn = 0
    const over: Array<string> = []
    for (const edge of node.incoming) {
      const source = state.plan.byId.get(plan.nodes[edge.from]?.id ?? "")
      const at = source === undefined ? undefined : state.nodes.get(source.index)
      if (source === undefined || at === undefined || !isSettled(at.status)) continue
      if (isOpen(state, source, plan, edge, live)) liveIn++
      else {
        deadIn++
        over.push(`'${source.id}' ${publicStatus(at.status)}`)
      }
    }
    if (joinState(node, { liveIn, deadIn }) !== "lost") continue
    const why = erred.get(node.index) ?? over.join(", ")
    const message = `'${node.id}' could never run: its edge from what has ended is dead (${why}).`
    problems.push(PatchProblem.problem("PATCH_DEAD", `/nodes/${node.index}`, message))
  }
  return problems
}

/** Whether the edge of a settled source is live under the new numbering. */
const isOpen = (
  state: RunState,
  source: PlanNode,
  plan: Plan,
  edge: PlanEdge,
  live: Decided["live"]
): boolean => {
  const ordinals = live.get(edge.from)
  if (ordinals !== undefined) return ordinals.includes(edge.ordinal)
  const at = state.nodes.get(source.index)
  return plan.nodes[edge.from] !== undefined && at.live?.includes(edge.ordinal) === true
}
