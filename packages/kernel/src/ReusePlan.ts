/**
 * What a run made from another one keeps, and what it does again (SEMANTICS 8.11e).
 *
 * A step runs again when it had not settled (or failed with nothing to take the failure), when its definition, its incoming
 * edges or a part of the input that it reads has changed, or when it had seen a step that runs again. Everything else is
 * kept: its output by reference, its edges as they were decided. Linear in nodes, edges and map items.
 */
import type { Reuse } from "./EventReuse.ts"
import type { Plan, PlanNode } from "./Plan.ts"
import * as PlanChange from "./PlanChange.ts"
import type { NodeState, Warning } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import type { SourceRun } from "./SourceRun.ts"
import { edgeKey } from "./SourceRun.ts"
import * as StepPath from "./StepPath.ts"
import type { Json } from "./Value.ts"

export interface Wish {
  /** What the new run is to execute. */
  readonly plan: Plan
  readonly kind: "retry" | "fork"
  /** Input of the source and of the new run, where they differ. */
  readonly input?: { readonly before: Json; readonly after: Json }
  /** Steps that run again whatever they came to; items of maps too. */
  readonly again: ReadonlySet<string>
  /** Irreversible steps that the source had started run again without asking. */
  readonly allowIrreversible: boolean
}

export interface ReusePlan {
  readonly steps: Reuse["steps"]
  readonly maps: Reuse["maps"]
  readonly guarded: ReadonlyArray<string>
  /** All steps whose irreversible call has been started before. */
  readonly started: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<Warning>
  /** Nodes that run (again), in plan order; a map of which items are kept is one of them. */
  readonly running: ReadonlyArray<string>
}

interface Work extends Wish {
  readonly source: SourceRun
  /** Ids that run again. */
  readonly running: Set<string>
}

const before = ({ source }: Work, id: string): { readonly node: PlanNode; readonly at: NodeState } | undefined => {
  const node = source.state.plan.byId.get(id)
  return node === undefined ? undefined : { node, at: source.state.nodes.get(node.index) }
}

/** It has an end that a new run may take over. */
const isKeepable = (work: Work, id: string, at: NodeState): boolean => {
  if (!isSettled(at.status) || at.status === "cancelled") return false
  if (at.status !== "failed") return true
  return work.kind === "fork" && !work.source.unhandled.has(id)
}

/** Items of a map that succeeded may be kept although the map as a whole runs again. */
const failedItems = (work: Work, node: PlanNode): boolean =>
  work.kind === "retry" && (work.source.state.maps.get(node.index)?.failed ?? 0) > 0

const againNodes = (again: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...again].map((path) => StepPath.parse(path)?.node ?? path))

/** Steps that run again for a reason of their own: they have changed, or they never ended or are asked for. */
const seeds = (work: Work): { readonly changed: ReadonlySet<string>; readonly unfinished: ReadonlySet<string> } => {
  const changed = new Set<string>()
  const unfinished = new Set<string>()
  const change = PlanChange.compare(work.source.state.plan, work.plan, work.input)
  const asked = againNodes(work.again)
  for (const node of work.plan.nodes) {
    const was = before(work, node.id)
    if (was === undefined || change.has(node.id)) changed.add(node.id)
    else if (asked.has(node.id) || !isKeepable(work, node.id, was.at) || failedItems(work, was.node)) {
      unfinished.add(node.id)
    }
  }
  return { changed, unfinished }
}

/** Whether the step had begun with the other one before its eyes. */
const hadSeen = (work: Work, id: string, other: string): boolean => {
  const was = before(work, id)
  const upstream = before(work, other)
  if (was === undefined || !isSettled(was.at.status)) return true
  if (upstream === undefined || upstream.at.settledSeq === 0) return false
  return upstream.at.settledSeq <= (was.at.offeredSeq === 0 ? was.at.settledSeq : was.at.offeredSeq)
}

/** From the seeds along the edges, and to whoever reads what has changed. */
const spread = (work: Work, first: ReadonlyArray<string>): void => {
  const { readers, settlers } = PlanChange.readers(work.plan)
  const todo = [...first]
  for (const id of todo) work.running.add(id)
  const take = (id: string): void => {
    if (work.running.has(id)) return
    work.running.add(id)
    todo.push(id)
  }
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    const node = work.plan.byId.get(id)
    for (const edge of node?.outgoing ?? []) {
      const target = work.plan.nodes[edge.to]?.id ?? ""
      if (hadSeen(work, target, id)) take(target)
    }
    for (const reader of readers.get(id) ?? []) if (hadSeen(work, reader, id)) take(reader)
    // A condition on an edge was asked when the edge's source settled.
    for (const settler of settlers.get(id) ?? []) if (hadSeen(work, settler, id)) take(settler)
  }
}

const warningOf = (at: NodeState, id: string, failedOfMap: number): Warning | undefined => {
  const message = `${id}: ${at.error?.message ?? ""}`
  if (at.synthetic) return { code: "STEP_FALLBACK", message }
  if (at.status === "failed") return { code: "STEP_CONTINUED", message }
  return failedOfMap > 0 ? { code: "MAP_FAILURES_TOLERATED", message: `${id}: ${failedOfMap} items failed` } : undefined
}

const keptStep = (work: Work, node: PlanNode, at: NodeState): Reuse["steps"][number] => {
  const { source, plan } = work
  if (at.status === "skipped") return { path: node.id, attempt: at.attempt, status: "skipped" }
  const own = source.state.plan
  const ways = new Map((own.byId.get(node.id)?.outgoing ?? []).map((edge) => [edgeKey(own, edge), edge.ordinal]))
  const redecide = PlanChange.mustRedecide(source.state.plan, plan, node, work.input)
  const live: Array<number> = []
  const undecided: Array<number> = []
  for (const edge of node.outgoing) {
    const key = edgeKey(plan, edge)
    const before = ways.get(key)
    if (redecide === "all" || redecide.has(edge.ordinal) || before === undefined) undecided.push(edge.ordinal)
    else if (at.live?.includes(before) === true) live.push(edge.ordinal)
  }
  return {
    path: node.id,
    attempt: at.attempt,
    ...(at.status === "failed" ? { status: "failed" as const } : {}),
    ...(at.output === undefined ? {} : { output: at.output }),
    ...(at.outcome === undefined ? {} : { outcome: at.outcome }),
    ...(at.agent === undefined ? {} : { agent: at.agent }),
    ...(at.error === undefined || at.status !== "failed" && !at.synthetic ? {} : { error: at.error }),
    ...(at.synthetic ? { synthetic: true } : {}),
    ...(live.length === 0 ? {} : { live }),
    ...(undecided.length === 0 ? {} : { undecided })
  }
}

/** The items of a map that is itself unchanged, and whose list is: those that succeeded need not run again. */
const keptItems = (work: Work, node: PlanNode, changed: ReadonlySet<string>): Pick<ReusePlan, "maps" | "steps"> => {
  const was = before(work, node.id)
  const table = was === undefined ? undefined : work.source.state.maps.get(was.node.index)
  const none = { maps: [], steps: [] }
  if (node.map === undefined || table === undefined || changed.has(node.id) || work.again.has(node.id)) return none
  const steps: Array<Reuse["steps"][number]> = []
  for (let index = 0; index < table.count; index++) {
    const path = StepPath.item(node.id, index)
    if (table.status(index) !== "succeeded" || work.again.has(path)) continue
    const output = table.output(index)
    steps.push({ path, attempt: table.attempt(index), ...(output === undefined ? {} : { output }) })
  }
  return steps.length === 0 ? none : { maps: [{ path: node.id, count: table.count, items: table.items }], steps }
}

/** Irreversible steps that run again although the source had started them; an item where its map is kept, else its map. */
const guards = (work: Work, maps: ReadonlySet<string>, items: ReadonlySet<string>): ReadonlyArray<string> => {
  const found = new Set<string>()
  if (work.allowIrreversible) return []
  for (const path of work.source.started) {
    const id = work.plan.byId.has(path) ? path : StepPath.parse(path)?.node ?? path
    const node = work.plan.byId.get(id)
    const body = node?.each?.body ?? node
    if (body === undefined || !work.running.has(id)) continue
    // An agent is what its tools are, and a flow what its steps are: the definition need not say it.
    if (body.effect !== "irreversible" && body.type !== "agent" && body.type !== "flow") continue
    if (!maps.has(id)) found.add(id)
    else if (path !== id && !items.has(path)) found.add(path)
  }
  return [...found]
}

/** Maps are unchanged themselves when only their own items are to run again. */
const changedMaps = (
  work: Work,
  changed: ReadonlySet<string>,
  unfinished: ReadonlySet<string>
): ReadonlySet<string> => {
  const affected = new Set(changed)
  for (const node of work.plan.nodes) {
    if (node.map === undefined || !work.running.has(node.id)) continue
    const upstream = node.incoming.some((edge) => work.running.has(work.plan.nodes[edge.from]?.id ?? ""))
    const read = PlanChange.reads(node).some((id) => work.running.has(id))
    if (!unfinished.has(node.id) || upstream || read) affected.add(node.id)
  }
  return affected
}

export const make = (source: SourceRun, wish: Wish): ReusePlan => {
  const work: Work = { ...wish, source, running: new Set() }
  const { changed, unfinished } = seeds(work)
  spread(work, [...changed, ...unfinished])
  const changedOnes = changedMaps(work, changed, unfinished)
  const kept: Array<{ readonly seq: number; readonly step: Reuse["steps"][number] }> = []
  const maps: Array<Reuse["maps"][number]> = []
  const items: Array<Reuse["steps"][number]> = []
  const warnings: Array<Warning> = []
  for (const node of wish.plan.nodes) {
    const was = before(work, node.id)
    if (work.running.has(node.id) || was === undefined) {
      const found = keptItems(work, node, changedOnes)
      maps.push(...found.maps)
      items.push(...found.steps)
      continue
    }
    kept.push({ seq: was.at.settledSeq, step: keptStep(work, node, was.at) })
    const warning = warningOf(was.at, node.id, source.state.maps.get(was.node.index)?.failed ?? 0)
    if (warning !== undefined) warnings.push(warning)
  }
  kept.sort((a, b) => a.seq - b.seq)
  return {
    steps: [...kept.map(({ step }) => step), ...items],
    maps,
    guarded: guards(work, new Set(maps.map(({ path }) => path)), new Set(items.map(({ path }) => path))),
    started: [...source.started],
    warnings,
    running: wish.plan.nodes.flatMap(({ id }) => work.running.has(id) ? [id] : [])
  }
}
