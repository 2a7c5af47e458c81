/** What a patch has changed, told by nodes and edges, and the patch that takes it back. */
import { align } from "./Alignment.ts"
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
  const nodes = compared(before.nodes, after.nodes)
  const edges = compared(before.edges, after.edges)
  const [was, is] = [new Map(nodes.gone.map((node) => [node.id, node])), new Set(nodes.come.map(({ id }) => id))]
  const [goneKeys, comeKeys] = [new Set(edges.gone.map(edgeKey)), new Set(edges.come.map(edgeKey))]
  return {
    addedNodes: nodes.come.filter(({ id }) => !was.has(id)),
    removedNodes: nodes.gone.filter(({ id }) => !is.has(id)),
    changedNodes: nodes.come.flatMap((node) => {
      const old = was.get(node.id)
      return old === undefined || JsonPatch.equal(json(old), json(node)) ? [] : [{ before: old, after: node }]
    }),
    addedEdges: edges.come.filter((edge) => !goneKeys.has(edgeKey(edge))),
    removedEdges: edges.gone.filter((edge) => !comeKeys.has(edgeKey(edge)))
  }
}

/** What is not the very same object in both lists. */
const compared = <A>(
  before: ReadonlyArray<A>,
  after: ReadonlyArray<A>
): { readonly gone: ReadonlyArray<A>; readonly come: ReadonlyArray<A> } => {
  const kept = align(before, after)
  return {
    gone: before.filter((_, index) => kept.after[index] === -1),
    come: after.filter((_, index) => kept.before[index] === -1)
  }
}

const json = (value: object): Json => value as unknown as Json

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
