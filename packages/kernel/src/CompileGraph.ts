/**
 * Second pass of the compiler: ids, edges, order, and who comes before whom. Every loop is linear in nodes and edges; there
 * is no recursion, since a chain may be 20,000 nodes long.
 */
import { type Draft, type DraftNode, quote } from "./CompileShape.ts"
import type * as Flow from "./Flow.ts"
import type { Report } from "./Problem.ts"

/** An edge whose ends exist; `from` and `to` are positions in the list of nodes. */
export interface GraphEdge {
  readonly pointer: string
  readonly edge: Flow.Edge
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
  const outgoing: Array<Array<GraphEdge>> = nodes.map(() => [])
  const incoming: Array<Array<GraphEdge>> = nodes.map(() => [])
  const seen = new Set<string>()
  for (const { edge, pointer } of draft.edges) {
    const from = end(edge.from, "from", pointer, indexOf, report)
    const to = end(edge.to, "to", pointer, indexOf, report)
    if (from === undefined || to === undefined) continue
    if (from === to) {
      report.add("SELF_DEPENDENCY", pointer, `${quote(edge.to)} cannot need itself.`)
      continue
    }
    const key = `${from} ${to} ${edge.on ?? "success"} ${edge.when ?? ""} ${edge.otherwise ?? false}`
    if (seen.has(key)) {
      report.add("DUPLICATE_EDGE", pointer, `The edge from ${quote(edge.from)} to ${quote(edge.to)} is there twice.`)
      continue
    }
    seen.add(key)
    const placed = { pointer, edge, from, to, ordinal: outgoing[from]?.length ?? 0 }
    outgoing[from]?.push(placed)
    incoming[to]?.push(placed)
  }
  const graph = { nodes, indexOf, outgoing, incoming }
  return { ...graph, order: sort(graph, report) }
}

const end = (
  id: string,
  side: "from" | "to",
  pointer: string,
  indexOf: ReadonlyMap<string, number>,
  report: Report
): number | undefined => {
  const index = indexOf.get(id)
  if (index === undefined) {
    const suggestion = report.nearest(id, indexOf.keys())
    report.add("UNKNOWN_NODE", `${pointer}/${side}`, `There is no node ${quote(id)}.`, { suggestion })
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
    report.add("CYCLE", edge?.pointer ?? "/edges", message)
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

/** Everything before a node, found by walking back from it. */
export const ancestorsOf = (graph: Pick<Graph, "incoming">, node: number): ReadonlySet<number> => {
  const found = new Set<number>()
  const stack = [node]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const { from } of graph.incoming[at] ?? []) {
      if (found.has(from)) continue
      found.add(from)
      stack.push(from)
    }
  }
  found.delete(node)
  return found
}
