/** What two canonical flows do not share: nodes by their id, edges by their ends, everything else by its field. */
import type { Json, JsonObject } from "@baton/kernel/Value"
import { isDeepStrictEqual } from "node:util"
import * as TerminalText from "./TerminalText.ts"

export interface Changed {
  readonly id: string
  /** Fields that are there once only, or differ. */
  readonly fields: ReadonlyArray<string>
}

export interface Difference {
  readonly isSame: boolean
  /** Top-level fields besides nodes and edges. */
  readonly fields: ReadonlyArray<string>
  readonly nodes: {
    readonly added: ReadonlyArray<string>
    readonly removed: ReadonlyArray<string>
    readonly changed: ReadonlyArray<Changed>
  }
  readonly edges: { readonly added: ReadonlyArray<string>; readonly removed: ReadonlyArray<string> }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const list = (flow: JsonObject, key: string): ReadonlyArray<JsonObject> => {
  const value = flow[key]
  return Array.isArray(value) ? value.filter(isObject) : []
}

const differing = (before: JsonObject, after: JsonObject, ignored: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => !ignored.includes(key) && !isDeepStrictEqual(before[key], after[key]))

const edgeText = (edge: JsonObject): string => {
  const on = edge["on"] === undefined ? "" : ` on ${String(edge["on"])}`
  const when = edge["when"] === undefined ? "" : ` when ${String(edge["when"])}`
  return `${String(edge["from"])} → ${String(edge["to"])}${on}${when}${edge["otherwise"] === true ? " otherwise" : ""}`
}

export const between = (before: Json, after: Json): Difference => {
  const [one, other] = [isObject(before) ? before : {}, isObject(after) ? after : {}]
  const byId = (flow: JsonObject) => new Map(list(flow, "nodes").map((node) => [String(node["id"]), node] as const))
  const [old, now] = [byId(one), byId(other)]
  const edges = [new Set(list(one, "edges").map(edgeText)), new Set(list(other, "edges").map(edgeText))] as const
  const changed = [...now].flatMap(([id, node]): ReadonlyArray<Changed> => {
    const was = old.get(id)
    const fields = was === undefined ? [] : differing(was, node, [])
    return fields.length === 0 ? [] : [{ id, fields }]
  })
  const fields = differing(one, other, ["nodes", "edges"])
  const nodes = {
    added: [...now.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !now.has(id)),
    changed
  }
  const found = {
    added: [...edges[1]].filter((edge) => !edges[0].has(edge)),
    removed: [...edges[0]].filter((edge) => !edges[1].has(edge))
  }
  const count = fields.length + nodes.added.length + nodes.removed.length + changed.length + found.added.length +
    found.removed.length
  return { isSame: count === 0, fields, nodes, edges: found }
}

export const text = (difference: Difference): string => {
  const { edges, fields, nodes } = difference
  const lines = [
    ...fields.map((field) => `~ ${field}`),
    ...nodes.removed.map((id) => `- node ${id}`),
    ...nodes.added.map((id) => `+ node ${id}`),
    ...nodes.changed.map((one) => `~ node ${one.id}: ${one.fields.join(", ")}`),
    ...edges.removed.map((edge) => `- edge ${edge}`),
    ...edges.added.map((edge) => `+ edge ${edge}`)
  ]
  return lines.map(TerminalText.line).join("\n")
}
