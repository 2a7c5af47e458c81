/**
 * Second pass of the compiler: ids, edges, order, and who comes before whom. Every loop is linear in nodes and edges; there
 * is no recursion, since a chain may be 20,000 nodes long.
 */
import { type Draft, type DraftEdge, type DraftNode, edgePointer, nodesMax, quote } from "./CompileShape.ts"
import type { Report } from "./Problem.ts"

/** An edge whose ends exist; `from` and `to` are positions in the list of nodes. */
export interface GraphEdge extends DraftEdge {
  readonly from: number
  readonly to: number
  /** Position among the outgoing edges of its source. */
  readonly ordinal: number
}

export interface Graph {
  readonly nodes: ReadonlyArray<DraftNode>
  readonly indexOf: ReadonlyMap<string, number>
  readonly outgoing: ReadonlyArray<ReadonlyArray<GraphEdge>>
  readonly incoming: ReadonlyArray<ReadonlyArray<GraphEdge>>
  /** Sources before targets; nodes of a cycle and what hangs on it are missing. */
  readonly order: ReadonlyArray<number>
}

export const build = (draft: Draft, report: Report): Graph => {
  const { nodes } = draft
  const indexOf = new Map<string, number>()
  for (const [index, node] of nodes.entries()) {
    if (node.id === "") continue
    if (indexOf.has(node.id)) {
      report.add("DUPLICATE_ID", `${node.pointer}/id`, `Another node has the id ${quote(node.id)} already.`)
    } else indexOf.set(node.id, index)
  }
  const given = draft.head["nodes"]
  if (Array.isArray(given) && given.length === 0) {
    report.add("EMPTY_FLOW", "/nodes", "The flow has no node.", { expected: "at least one node" })
  }
  const outgoing = new Array<Array<GraphEdge> | undefined>(nodes.length).fill(undefined)
  const incoming = [...outgoing]
  const once = new Once()
  for (const drawn of draft.edges) {
    const { edge, index } = drawn
    const from = drawn.from ?? end(drawn, "from", indexOf, report)
    const to = drawn.to ?? end(drawn, "to", indexOf, report)
    if (from === undefined || to === undefined) continue
    if (from === to) {
      report.add("SELF_DEPENDENCY", edgePointer(drawn), `${quote(edge.to)} cannot need itself.`)
      continue
    }
    const placed = { index, edge, from, to, ordinal: outgoing[from]?.length ?? 0 }
    if (!once.add(placed)) {
      const message = `The edge from ${quote(edge.from)} to ${quote(edge.to)} is there twice.`
      report.add("DUPLICATE_EDGE", edgePointer(drawn), message)
      continue
    }
    put(outgoing, from, placed)
    put(incoming, to, placed)
  }
  const graph = { nodes, indexOf, outgoing: outgoing.map(orNone), incoming: incoming.map(orNone) }
  return { ...graph, order: sort(graph, report) }
}

const noEdges: ReadonlyArray<GraphEdge> = []
const orNone = (edges: ReadonlyArray<GraphEdge> | undefined): ReadonlyArray<GraphEdge> => edges ?? noEdges

/** Most nodes have one edge on each side: a list of one takes no room for more. */
const put = (lists: Array<Array<GraphEdge> | undefined>, at: number, edge: GraphEdge): void => {
  const list = lists[at]
  if (list === undefined) lists[at] = [edge]
  else list.push(edge)
}

/** Edges seen so far. Only where two nodes are joined by several edges do their conditions tell them apart. */
class Once {
  readonly #first = new Map<number, GraphEdge>()
  readonly #conditions = new Set<string>()

  /** Whether there was no such edge. */
  add(edge: GraphEdge): boolean {
    const pair = edge.from * nodesMax + edge.to
    const first = this.#first.get(pair)
    if (first === undefined) {
      this.#first.set(pair, edge)
      return true
    }
    const key = keyOf(edge)
    if (this.#conditions.add(keyOf(first)).has(key)) return false
    this.#conditions.add(key)
    return true
  }
}

const keyOf = ({ edge, from, to }: GraphEdge): string =>
  `${from} ${to} ${edge.on ?? "success"} ${edge.when ?? ""} ${edge.otherwise ?? false}`

const end = (
  drawn: DraftEdge,
  side: "from" | "to",
  indexOf: ReadonlyMap<string, number>,
  report: Report
): number | undefined => {
  const id = drawn.edge[side]
  const index = indexOf.get(id)
  if (index === undefined) {
    const suggestion = report.nearest(id, indexOf.keys())
    report.add("UNKNOWN_NODE", `${edgePointer(drawn)}/${side}`, `There is no node ${quote(id)}.`, { suggestion })
  }
  return index
}

/** Kahn's order; what is left over stands in a cycle or behind one. */
const sort = (graph: Omit<Graph, "order">, report: Report): ReadonlyArray<number> => {
  const open = graph.incoming.map((edges) => edges.length)
  const order: Array<number> = []
  for (const [index, count] of open.entries()) if (count === 0) order.push(index)
  for (let at = 0; at < order.length; at++) {
    for (const { to } of graph.outgoing[order[at] ?? 0] ?? []) {
      const left = (open[to] ?? 0) - 1
      open[to] = left
      if (left === 0) order.push(to)
    }
  }
  if (order.length < graph.nodes.length) reportCycles(graph, new Set(order), report)
  return order
}

/** Each cycle once, with its path; what only hangs behind a cycle is unreachable. */
const reportCycles = (graph: Omit<Graph, "order">, sorted: ReadonlySet<number>, report: Report): void => {
  const visited = new Set<number>()
  const circling = new Set<number>()
  const name = (index: number): string => graph.nodes[index]?.id ?? ""
  for (const start of graph.nodes.keys()) {
    const trail: Array<number> = []
    const place = new Map<number, number>()
    let at: number | undefined = start
    while (at !== undefined && !sorted.has(at) && !visited.has(at)) {
      visited.add(at)
      place.set(at, trail.length)
      trail.push(at)
      at = graph.incoming[at]?.find((edge) => !sorted.has(edge.from))?.from
    }
    const first = at === undefined ? undefined : place.get(at)
    if (first === undefined) continue
    const cycle = trail.slice(first).toReversed()
    for (const index of cycle) circling.add(index)
    const path = [...cycle.slice(-1), ...cycle].map(name)
    const shown = path.length > 12 ? [...path.slice(0, 11), "…", ...path.slice(-1)] : path
    const edge = graph.incoming[cycle[0] ?? 0]?.find(({ from }) => from === cycle.at(-1))
    const message = `Nodes wait for each other: ${shown.join(" → ")}. Remove one of these edges.`
    report.add("CYCLE", edge === undefined ? "/edges" : edgePointer(edge), message)
  }
  for (const [index, node] of graph.nodes.entries()) {
    if (sorted.has(index) || circling.has(index) || node.id === "") continue
    report.add("UNREACHABLE", node.pointer, `${quote(node.id)} can never start: it waits behind a circle.`)
  }
}

/**
 * Answers whether one node comes before another. Direct needs are found without work; anything else makes one bit set per
 * node, in order: nodes × edges / 32 steps once, and none when no expression looks further back.
 */
export class Ancestry {
  readonly graph: Graph
  readonly words: number
  sets: Uint32Array | undefined
  constructor(graph: Graph) {
    this.graph = graph
    this.words = (graph.nodes.length + 31) >>> 5
  }

  isDirect(ancestor: number, node: number): boolean {
    return this.graph.incoming[node]?.some(({ from }) => from === ancestor) ?? false
  }

  has(ancestor: number, node: number): boolean {
    if (this.isDirect(ancestor, node)) return true
    if (this.graph.order.length < this.graph.nodes.length) return true // there is a cycle: that is reported instead
    this.sets ??= this.compute()
    return (((this.sets[node * this.words + (ancestor >>> 5)] ?? 0) >>> (ancestor & 31)) & 1) === 1
  }

  compute(): Uint32Array {
    const { words } = this
    const sets = new Uint32Array(this.graph.nodes.length * words)
    for (const index of this.graph.order) {
      const mine = index * words
      for (const { from } of this.graph.incoming[index] ?? []) {
        const theirs = from * words
        for (let word = 0; word < words; word++) {
          sets[mine + word] = (sets[mine + word] ?? 0) | (sets[theirs + word] ?? 0)
        }
        const word = mine + (from >>> 5)
        sets[word] = (sets[word] ?? 0) | (1 << (from & 31))
      }
    }
    return sets
  }
}
