/**
 * The compiler for a plan that changes while it runs: what is the same object in both documents is not read again.
 *
 * The answer is that of `Compile.compile` for the same document, warnings of unchanged parts left out. Only nodes and edges
 * may differ between the two documents. A node is compiled again when it is new, or when something that came before it has
 * been taken away, so that an expression may now name what is no ancestor any more.
 */
import * as Result from "effect/Result"
import { checkData } from "./Compile.ts"
import * as CompileCalls from "./CompileCalls.ts"
import * as CompileFields from "./CompileFields.ts"
import * as CompileFlow from "./CompileFlow.ts"
import * as CompileGraph from "./CompileGraph.ts"
import * as CompileNode from "./CompileNode.ts"
import * as CompileRules from "./CompileRules.ts"
import * as CompileShape from "./CompileShape.ts"
import type { CompiledExpression } from "./Expression.ts"
import type * as Flow from "./Flow.ts"
import type { Plan, PlanEdge, PlanNode } from "./Plan.ts"
import { type Problem, Report, sameOrigin } from "./Problem.ts"
import type { Json } from "./Value.ts"

/** What the plan before knows, by the objects of its document. */
interface Known {
  readonly nodes: ReadonlyMap<unknown, PlanNode>
  readonly edges: ReadonlyMap<unknown, PlanEdge>
}

const knownOf = (previous: Plan): Known => {
  const nodes = new Map<unknown, PlanNode>()
  for (const [index, definition] of previous.document.nodes.entries()) {
    const node = previous.nodes[index]
    if (node !== undefined) nodes.set(definition, node)
  }
  const edges = new Map<unknown, PlanEdge>()
  const taken = new Uint32Array(previous.nodes.length)
  for (const edge of previous.document.edges) {
    const source = previous.byId.get(edge.from)
    const made = source?.outgoing[taken[source.index]!++]
    if (made !== undefined) edges.set(edge, made)
  }
  return { nodes, edges }
}

const draftOf = (document: Flow.Flow, known: Known, report: Report): CompileShape.Draft => {
  const head = document as unknown as CompileShape.Fields
  const nodes = CompileShape.list(head, "nodes", CompileShape.nodesMax, report).map((value, index) => {
    const node = known.nodes.get(value)
    return node === undefined ? CompileShape.readNode(value, index, report) : draftNode(node, value, index)
  })
  const edges = CompileShape.list(head, "edges", CompileShape.edgesMax, report).flatMap((value, index) =>
    known.edges.has(value)
      ? [{ pointer: `/edges/${index}`, edge: value as unknown as Flow.Edge }]
      : CompileShape.readEdge(value, index, report)
  )
  return { head, nodes, edges }
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

interface Difference {
  /** Nodes whose rules about edges are asked again. */
  readonly touched: ReadonlySet<number>
  /** Nodes that come after something that was taken away. */
  readonly bereft: ReadonlySet<number>
  /** Nodes whose ancestors have changed. */
  readonly shifted: ReadonlySet<number>
  readonly takesAway: boolean
}

const differ = (previous: Plan, graph: CompileGraph.Graph, known: Known): Difference => {
  const touched = new Set<number>()
  const gained = new Set<number>()
  const left = new Set<unknown>()
  for (const edges of graph.outgoing) {
    for (const { edge, from, ordinal, to } of edges) {
      const before = known.edges.get(edge)
      if (before !== undefined) {
        left.add(edge)
        // The order of a node's edges has a meaning where it branches.
        if (before.ordinal !== ordinal) touched.add(from)
      } else {
        touched.add(from).add(to)
        gained.add(to)
      }
    }
  }
  const lost = new Set<number>()
  let takesAway = graph.nodes.length < previous.nodes.length
  for (const edge of previous.document.edges) {
    if (left.has(edge)) continue
    takesAway = true
    const [from, to] = [graph.indexOf.get(edge.from), graph.indexOf.get(edge.to)]
    if (from !== undefined) touched.add(from)
    if (to !== undefined) lost.add(to)
  }
  for (const [index, node] of graph.nodes.entries()) {
    const before = previous.byId.get(node.id)
    if (before === undefined) gained.add(index)
    if (before?.index !== index) touched.add(index)
    if (before !== undefined && before.index !== index) gained.add(index)
  }
  for (const node of previous.nodes) if (!graph.indexOf.has(node.id)) takesAway = true
  for (const index of lost) touched.add(index)
  return { touched, bereft: behind(graph, lost), shifted: behind(graph, new Set([...gained, ...lost])), takesAway }
}

/** The seeds and everything after them. */
const behind = (graph: CompileGraph.Graph, seeds: ReadonlySet<number>): ReadonlySet<number> => {
  const found = new Set(seeds)
  for (const index of found) for (const { to } of graph.outgoing[index] ?? []) found.add(to)
  return found
}

const edgesOf = (
  context: CompileNode.Context,
  known: Known,
  difference: Difference
): CompileNode.PlanEdges => {
  const { folding, graph } = context
  const outgoing = graph.outgoing.map((edges) =>
    edges.map(({ edge, from, ordinal, pointer, to }): PlanEdge => {
      const before = known.edges.get(edge)
      const reusable = before !== undefined && !difference.bereft.has(from)
      if (reusable && before.from === from && before.to === to && before.ordinal === ordinal) return before
      const place = { node: from, self: true, names: [], secrets: false }
      const when: CompiledExpression | undefined = reusable
        ? before.when
        : edge.when === undefined
        ? undefined
        : CompileFields.expression(edge.when, `${pointer}/when`, place, folding.scope)
      return { ordinal, from, to, on: edge.on ?? "success", when, otherwise: edge.otherwise ?? false }
    })
  )
  const incoming = graph.incoming.map((edges) => edges.flatMap(({ from, ordinal }) => outgoing[from]?.[ordinal] ?? []))
  return { outgoing, incoming }
}

const same = (one: ReadonlyArray<PlanEdge>, other: ReadonlyArray<PlanEdge> | undefined): boolean =>
  one.length === other?.length && one.every((edge, index) => edge === other[index])

/** The plan of the next revision, or what is wrong with its document. */
export const recompile = (
  previous: Plan,
  document: Flow.Flow
): Result.Result<Plan, ReadonlyArray<Problem>> => {
  const report = new Report(sameOrigin)
  const known = knownOf(previous)
  const draft = draftOf(document, known, report)
  const graph = CompileGraph.build(draft, report)
  const difference = differ(previous, graph, known)
  const scope = CompileFields.scope(draft.head, graph, new CompileGraph.Ancestry(graph), report)
  const { limits } = previous
  CompileFlow.checkCounts(draft, limits, report)
  if (difference.takesAway) CompileFlow.checkPolicy(draft.head, graph, report)
  CompileFlow.checkExclusive(graph, report)
  const context = CompileNode.context(draft.head, graph, limits, scope, undefined)
  const edges = edgesOf(context, known, difference)
  const nodes: Array<PlanNode> = []
  for (const [index, node] of graph.nodes.entries()) {
    const before = known.nodes.get(document.nodes[index])
    if (before === undefined || difference.touched.has(index)) CompileRules.check(node, index, graph, report)
    if (before !== undefined && !difference.bereft.has(index)) {
      const stays = before.index === index && !difference.shifted.has(index) &&
        same(before.incoming, edges.incoming[index]) && same(before.outgoing, edges.outgoing[index])
      nodes.push(stays ? before : CompileNode.moved(before, index, edges, graph))
      continue
    }
    CompileFlow.checkWait(node, limits.deadlineMs, report)
    const made = CompileNode.node(node, index, edges, context)
    if (made !== undefined) nodes.push(made)
  }
  const fresh = draft.nodes.filter((_, index) => !known.nodes.has(document.nodes[index]))
  CompileCalls.check({ ...draft, nodes: fresh }, report, (inline) => checkData(inline).problems)
  const output = difference.takesAway ? outputOf(draft.head, scope) : previous.output
  if (report.failed) return Result.fail(report.problems)
  return Result.succeed({
    ...previous,
    document,
    revision: previous.revision + 1,
    nodes,
    byId: new Map(nodes.map((node) => [node.id, node])),
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
