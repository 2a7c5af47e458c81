/** What a patch has changed, told by nodes and edges, and the patch that takes it back. */
import type * as Flow from "./Flow.ts"
import * as JsonPatch from "./JsonPatch.ts"
import type { Json } from "./Value.ts"

export interface PatchChange {
  readonly addedNodes: ReadonlyArray<Flow.Node>
  readonly removedNodes: ReadonlyArray<Flow.Node>
  readonly changedNodes: ReadonlyArray<{ readonly before: Flow.Node; readonly after: Flow.Node }>
  readonly addedEdges: ReadonlyArray<Flow.Edge>
  readonly removedEdges: ReadonlyArray<Flow.Edge>
}

/** What makes an edge the same edge: a plan has none of them twice. */
export const edgeKey = ({ from, on, otherwise, to, when }: Flow.Edge): string =>
  `${from} ${to} ${on ?? "success"} ${otherwise ?? false} ${when ?? ""}`

/** Compares two valid documents. */
export const between = (before: Flow.Flow, after: Flow.Flow): PatchChange => {
  const objects = new Set<unknown>(before.nodes)
  const old = new Map(before.nodes.map((node) => [node.id, node]))
  const ids = new Set<string>()
  const addedNodes: Array<Flow.Node> = []
  const changedNodes: Array<{ readonly before: Flow.Node; readonly after: Flow.Node }> = []
  for (const node of after.nodes) {
    ids.add(node.id)
    if (objects.has(node)) continue
    const was = old.get(node.id)
    if (was === undefined) addedNodes.push(node)
    else if (!JsonPatch.equal(json(was), json(node))) changedNodes.push({ before: was, after: node })
  }
  const come = without(after.edges, before.edges)
  const gone = come.length === after.edges.length - before.edges.length ? [] : without(before.edges, after.edges)
  const [goneKeys, comeKeys] = [new Set(gone.map(edgeKey)), new Set(come.map(edgeKey))]
  return {
    addedNodes,
    removedNodes: before.nodes.filter((node) => !ids.has(node.id)),
    changedNodes,
    addedEdges: come.filter((edge) => !goneKeys.has(edgeKey(edge))),
    removedEdges: gone.filter((edge) => !comeKeys.has(edgeKey(edge)))
  }
}

const json = (value: object): Json => value as unknown as Json

/** Edges that are not the very same objects in the other list. */
const without = (edges: ReadonlyArray<Flow.Edge>, others: ReadonlyArray<Flow.Edge>): ReadonlyArray<Flow.Edge> => {
  const known = new Set(others)
  return edges.filter((edge) => !known.has(edge))
}

export const isEmpty = (change: PatchChange): boolean =>
  change.addedNodes.length + change.removedNodes.length + change.changedNodes.length + change.addedEdges.length +
      change.removedEdges.length === 0

/**
 * The operations that take a change back in the document as it is now; `undefined` when something of it is not there any
 * more as the change has left it.
 */
export const inverse = (change: PatchChange, now: Flow.Flow): ReadonlyArray<Json> | undefined => {
  const operations: Array<Json> = []
  const drop = new Set(change.addedEdges.map(edgeKey))
  const added = new Set(change.addedNodes.map(({ id }) => id))
  for (const [index, edge] of [...now.edges.entries()].toReversed()) {
    if (!drop.delete(edgeKey(edge))) continue
    operations.push({ op: "remove", path: `/edges/${index}` })
  }
  if (drop.size > 0) return undefined
  for (const { after, before } of change.changedNodes) {
    const found = now.nodes.find((node) => node.id === after.id)
    if (found === undefined || !JsonPatch.equal(json(found), json(after))) return undefined
    operations.push({ op: "replace", path: `/nodes/${after.id}`, value: json(before) })
  }
  for (const id of added) operations.push({ op: "remove", path: `/nodes/${id}` })
  for (const node of change.removedNodes) operations.push({ op: "add", path: "/nodes/-", value: json(node) })
  for (const edge of change.removedEdges) operations.push({ op: "add", path: "/edges/-", value: json(edge) })
  return operations
}
