/**
 * The compiler for a plan that changes while it runs: what is the same object in both documents is not read again.
 *
 * The answer is that of `Compile.compile` for the same document, warnings of unchanged parts left out. Only nodes and edges
 * may differ between the two documents. A node is compiled again when it is new, and when it, or an expression of it, has lost
 * what came before it.
 */
import * as Result from "effect/Result"
import { align, type Alignment } from "./Alignment.ts"
import { checkData } from "./Compile.ts"
import * as CompileCalls from "./CompileCalls.ts"
import * as CompileFields from "./CompileFields.ts"
import * as CompileFlow from "./CompileFlow.ts"
import * as CompileGraph from "./CompileGraph.ts"
import * as CompileNode from "./CompileNode.ts"
import * as CompileRules from "./CompileRules.ts"
import * as CompileShape from "./CompileShape.ts"
import type { References } from "./Expression.ts"
import type * as Flow from "./Flow.ts"
import type { Plan, PlanEdge, PlanNode } from "./Plan.ts"
import { checkpointReferences, references } from "./PlanReferences.ts"
import { type Problem, Report, sameOrigin } from "./Problem.ts"
import type { Json } from "./Value.ts"

/** Where the parts of the document before are now, found by the objects of its lists. */
interface Kept {
  readonly nodes: Alignment
  readonly edges: Alignment
}

/** What stands at a place; nothing at -1. */
const at = <A>(list: ReadonlyArray<A>, place: number | undefined): A | undefined =>
  place === undefined || place < 0 ? undefined : list[place]

interface Reading {
  readonly draft: CompileShape.Draft
  readonly kept: Kept
}

const read = (previous: Plan, document: Flow.Flow, report: Report): Reading => {
  const head = document as unknown as CompileShape.Fields
  const nodes = CompileShape.list(head, "nodes", CompileShape.nodesMax, report)
  const edges = CompileShape.list(head, "edges", CompileShape.edgesMax, report)
  const kept = { nodes: align(previous.document.nodes, nodes), edges: align(previous.document.edges, edges) }
  const draft = {
    head,
    nodes: nodes.map((value, index) => {
      const node = at(previous.nodes, kept.nodes.before[index])
      return node === undefined ? CompileShape.readNode(value, index, report) : draftNode(node, value, index)
    }),
    edges: edges.flatMap((value, index) => {
      const edge = at(previous.edges, kept.edges.before[index])
      return edge === undefined ? CompileShape.readEdge(value, index, report) : draftEdge(edge, value, index, kept)
    })
  }
  return { draft, kept }
}

const draftNode = (node: PlanNode, value: Json, index: number): CompileShape.DraftNode => {
  const pointer = `/nodes/${index}`
  const fields = value as CompileShape.Fields
  const each = CompileShape.own(fields, "each")
  const inner = node.map?.body ?? node.repeat?.body
  const body = each === undefined || inner === undefined || !CompileShape.isFields(each)
    ? undefined
    : { pointer: `${pointer}/each`, type: inner.type, fields: each, whole: true }
  return { index, pointer, id: node.id, type: node.type, fields, whole: true, body }
}

/** A node that has been written anew is found by its id. */
const placeNow = (place: number, { nodes }: Kept): number | undefined => {
  const now = nodes.after[place]
  return now === -1 ? undefined : now
}

const draftEdge = ({ from, to }: PlanEdge, value: Json, index: number, kept: Kept): CompileShape.DraftEdge => ({
  index,
  edge: value as unknown as Flow.Edge,
  from: placeNow(from, kept),
  to: placeNow(to, kept)
})

interface Difference {
  /** Nodes whose rules about edges are asked again. */
  readonly touched: ReadonlySet<number>
  /** Nodes that have lost an incoming edge. */
  readonly lost: ReadonlySet<number>
  /** Nodes that have lost something that came before them. */
  readonly bereft: ReadonlySet<number>
  readonly takesAway: boolean
}

const differ = (previous: Plan, graph: CompileGraph.Graph, kept: Kept): Difference => {
  const touched = new Set<number>()
  const left = new Uint8Array(previous.edges.length)
  for (const edges of graph.outgoing) {
    for (const { from, index, ordinal, to } of edges) {
      const place = kept.edges.before[index] ?? -1
      const before = at(previous.edges, place)
      if (before === undefined) touched.add(from).add(to)
      else {
        left[place] = 1
        // The order of a node's edges has a meaning where it branches.
        if (before.ordinal !== ordinal) touched.add(from)
      }
    }
  }
  const lost = new Set<number>()
  let takesAway = false
  for (const [index, edge] of previous.document.edges.entries()) {
    if (left[index] === 1) continue
    takesAway = true
    const [from, to] = [graph.indexOf.get(edge.from), graph.indexOf.get(edge.to)]
    if (from !== undefined) touched.add(from)
    if (to !== undefined) lost.add(to)
  }
  for (const [index, node] of previous.nodes.entries()) {
    if (kept.nodes.after[index] === -1 && !graph.indexOf.has(node.id)) takesAway = true
  }
  for (const index of lost) touched.add(index)
  return { touched, lost, bereft: behind(graph, lost), takesAway }
}

/** The seeds and everything after them. */
const behind = (graph: CompileGraph.Graph, seeds: ReadonlySet<number>): ReadonlySet<number> => {
  const found = new Set(seeds)
  for (const index of found) for (const { to } of graph.outgoing[index] ?? []) found.add(to)
  return found
}

interface Change {
  readonly previous: Plan
  readonly kept: Kept
  readonly difference: Difference
  readonly scope: CompileFields.Scope
}

/** Whether all that is named still comes before the node. */
const stillReads = (node: number, references: References, { ancestry, graph }: CompileFields.Scope): boolean => {
  for (const id of references.nodes) {
    const index = graph.indexOf.get(id)
    if (index === undefined || (index !== node && !ancestry.has(index, node))) return false
  }
  return true
}

const edgeOf = (drawn: CompileGraph.GraphEdge, { difference, kept, previous, scope }: Change): PlanEdge => {
  const { from, index, ordinal, to } = drawn
  const before = at(previous.edges, kept.edges.before[index])
  if (before === undefined) return CompileNode.edge(drawn, scope)
  const sound = before.when === undefined || !difference.bereft.has(from) ||
    stillReads(from, before.when.references, scope)
  if (!sound) return CompileNode.edge(drawn, scope)
  if (before.from === from && before.to === to && before.ordinal === ordinal) return before
  return { ...before, from, to, ordinal }
}

/** Whether the node's expressions, once read, mean the same. What a node needs directly it may name by `needs`. */
const isSound = (node: PlanNode, index: number, { difference: { bereft, lost }, scope }: Change): boolean => {
  if (!bereft.has(index)) return true
  const reads = lost.has(index) ? undefined : [...references(node), ...checkpointReferences(node)]
  return reads?.every((read) => stillReads(index, read, scope)) === true
}

const same = (one: ReadonlyArray<PlanEdge>, other: ReadonlyArray<PlanEdge> | undefined): boolean =>
  one.length === other?.length && one.every((edge, index) => edge === other[index])

/** The plan of the next revision, or what is wrong with its document. */
export const recompile = (
  previous: Plan,
  document: Flow.Flow
): Result.Result<Plan, ReadonlyArray<Problem>> => {
  const report = new Report(sameOrigin)
  const { draft, kept } = read(previous, document, report)
  const graph = CompileGraph.build(draft, report)
  const difference = differ(previous, graph, kept)
  const scope = CompileFields.scope(draft.head, graph, new CompileGraph.Ancestry(graph), report)
  const { limits } = previous
  CompileFlow.checkCounts(draft, limits, report)
  if (difference.takesAway) CompileFlow.checkPolicy(draft.head, graph, report)
  CompileFlow.checkExclusive(graph, report)
  const change = { previous, kept, difference, scope }
  const edges = CompileNode.linked(graph, draft.edges.length, (edge) => edgeOf(edge, change))
  const context = CompileNode.context(draft.head, graph, limits, scope, undefined)
  const nodes: Array<PlanNode> = []
  for (const [index, node] of graph.nodes.entries()) {
    const before = at(previous.nodes, kept.nodes.before[index])
    if (before === undefined || difference.touched.has(index)) CompileRules.check(node, index, graph, report)
    if (before !== undefined && isSound(before, index, change)) {
      const stays = before.index === index && same(before.incoming, edges.incoming[index]) &&
        same(before.outgoing, edges.outgoing[index])
      nodes.push(stays ? before : CompileNode.moved(before, index, edges))
      continue
    }
    CompileFlow.checkWait(node, limits.deadlineMs, report)
    const made = CompileNode.node(node, index, edges, context)
    if (made !== undefined) nodes.push(made)
  }
  const fresh = draft.nodes.filter((_, index) => kept.nodes.before[index] === -1)
  CompileCalls.check({ ...draft, nodes: fresh }, report, (inline) => checkData(inline).problems)
  const output = difference.takesAway ? outputOf(draft.head, scope) : previous.output
  if (report.failed) return Result.fail(report.problems)
  return Result.succeed({
    ...previous,
    document,
    revision: previous.revision + 1,
    nodes,
    byId: new Map(nodes.map((node) => [node.id, node])),
    edges: edges.listed,
    output,
    sinks: nodes.filter((node) => node.outgoing.length === 0).map((node) => node.index),
    callers: CompileNode.callers(nodes),
    problems: report.problems
  })
}

const outputOf = (head: CompileShape.Fields, scope: CompileFields.Scope): Plan["output"] => {
  const output = CompileShape.own(head, "output")
  const place = { node: undefined, self: false, names: [], secrets: false }
  return output === undefined ? undefined : CompileFields.template(output, "/output", place, scope)
}
