/**
 * The short form that people write, to the canonical form that Baton stores. Each short document has exactly one canonical
 * form; a canonical document comes back as it is, with `needs` on its nodes expanded into edges.
 *
 * What this pass cannot read it leaves in place, so that the compiler reports it once.
 */
import type * as Flow from "./Flow.ts"
import * as ShortNode from "./FlowShortNode.ts"
import { type Code, type Origin, type Problem, Report, sameOrigin } from "./Problem.ts"
import type { Json } from "./Value.ts"

export interface Canonical {
  /** The canonical document; well formed only as far as the source was. */
  readonly flow: Flow.Flow
  /** Where its parts stand in the source. */
  readonly origin: Origin
  readonly problems: ReadonlyArray<Problem>
}

type Fields = ShortNode.Fields

/** Top-level keys in the order of the canonical form. */
const order = ["name", "version", "description", "input", "secrets", "agents", "defaults", "limits", "policy"]

/** Turns either spelling into the canonical one. `position` gives lines of the source's pointers. */
export const toCanonical = (source: Json, position: Origin["position"] = () => undefined): Canonical => {
  if (!ShortNode.isFields(source)) {
    return { flow: source as unknown as Flow.Flow, origin: { ...sameOrigin, position }, problems: [] }
  }
  const trail = new Trail(position)
  const nodes = ShortNode.own(source, "nodes")
  const needed: Array<Json> = []
  const edges = ShortNode.own(source, "edges")
  const listed = Array.isArray(edges) ? edges.length : 0
  const context: ShortNode.Context = {
    trail,
    addEdge: (edge, pointer) => {
      trail.map(`/edges/${listed + needed.length}`, pointer, true)
      needed.push(edge)
    },
    inline: (flow) => {
      const inner = toCanonical(flow)
      trail.report.problems.push(...inner.problems)
      trail.report.errors += inner.problems.filter(({ severity }) => severity === "error").length
      return inner.flow as unknown as Json
    }
  }
  const canonicalNodes = readNodes(nodes, context)
  const allEdges = Array.isArray(edges) ? [...edges, ...needed] : edges === undefined ? needed : edges
  const head = readHead(source, context)
  const flow: { [key: string]: Json } = {}
  for (const key of [...order, ...Object.keys(head)]) {
    const value = ShortNode.own(head, key)
    if (value !== undefined && key !== "output") ShortNode.put(flow, key, value)
  }
  if (canonicalNodes !== undefined) flow["nodes"] = canonicalNodes
  flow["edges"] = allEdges
  if (Object.hasOwn(head, "output")) flow["output"] = head["output"] ?? null
  return { flow: flow as unknown as Flow.Flow, origin: trail, problems: trail.report.problems }
}

/** Everything but nodes and edges. */
const readHead = (source: Fields, context: ShortNode.Context): Fields => {
  const head: { [key: string]: Json } = {}
  for (const [key, value] of Object.entries(source)) {
    if (key === "nodes" || key === "edges") continue
    if (key === "inputSchema") ShortNode.rename(head, source, key, "input", "", context)
    else if (key === "defaults" && ShortNode.isFields(value)) head[key] = ShortNode.withRetry(value)
    else ShortNode.put(head, key, value)
  }
  return head
}

const readNodes = (nodes: Json | undefined, context: ShortNode.Context): Json | undefined => {
  if (nodes === undefined) return undefined
  if (Array.isArray(nodes)) {
    return nodes.map((node, index) => {
      if (!ShortNode.isFields(node)) return node
      return ShortNode.read(node, { short: `/nodes/${index}`, canonical: `/nodes/${index}` }, context)
    })
  }
  if (!ShortNode.isFields(nodes)) return nodes
  return Object.entries(nodes).map(([id, node], index) => {
    const place = { short: `/nodes/${ShortNode.escape(id)}`, canonical: `/nodes/${index}` }
    context.trail.map(place.canonical, place.short)
    context.trail.map(`${place.canonical}/id`, place.short)
    if (!ShortNode.isFields(node)) {
      context.trail.fault("WRONG_TYPE", place.short, "A node is an object.", "an object that names its type")
      return { id, type: "transform", value: null }
    }
    return ShortNode.read({ id, ...node }, place, context)
  })
}

/** Remembers where each part of the canonical document came from. */
class Trail implements Origin, ShortNode.Trail {
  readonly sources = new Map<string, { readonly source: string; readonly whole: boolean }>()
  readonly position: Origin["position"]
  readonly report: Report
  constructor(position: Origin["position"]) {
    this.position = position
    this.report = new Report({ pointer: (_) => _, position })
  }

  /** `whole`: the source is one text, so that every part of the canonical value stands there. */
  map(canonical: string, source: string, whole = false): void {
    if (canonical !== source) this.sources.set(canonical, { source, whole })
  }

  fault(code: Code, pointer: string, message: string, expected?: string, suggestion?: string): void {
    this.report.addAt(code, pointer, message, { expected, suggestion })
  }

  pointer(canonical: string): string {
    let at = canonical
    while (true) {
      const found = this.sources.get(at)
      if (found !== undefined) return found.whole ? found.source : found.source + canonical.slice(at.length)
      const slash = at.lastIndexOf("/")
      if (slash <= 0) return canonical
      at = at.slice(0, slash)
    }
  }
}
