/** A canonical flow as a Mermaid diagram or as indented text. Names and labels are escaped for where they go. */
import type * as Flow from "@baton/kernel/Flow"
import * as TerminalText from "./TerminalText.ts"

const edgeLabel = (edge: Flow.Edge): string => {
  const on = edge.on === undefined || edge.on === "success" ? "" : edge.on
  const when = edge.otherwise === true ? "otherwise" : edge.when ?? ""
  return [on, when].filter((part) => part !== "").join(": ")
}

const nodeLabel = (node: Flow.Node): string => (node.type === "map" ? `map of ${node.each.type}` : node.type)

/** Mermaid reads quotes, angle brackets and `#` in labels; entities keep them as text. */
const quoted = (text: string): string =>
  `"${TerminalText.line(text).replace(/["#<>&`\\]/g, (character) => `#${character.charCodeAt(0)};`)}"`

const shapes: { readonly [type: string]: readonly [open: string, close: string] } = {
  choice: ["{", "}"],
  approval: ["[/", "/]"],
  wait: ["([", "])"],
  map: ["[[", "]]"],
  repeat: ["[[", "]]"]
}

export const mermaid = (flow: Flow.Flow): string => {
  const name = new Map(flow.nodes.map((node, index) => [node.id, `n${index}`]))
  const nodes = flow.nodes.map((node) => {
    const [open, close] = shapes[node.type] ?? ["[", "]"]
    return `  ${name.get(node.id)}${open}${quoted(`${node.id} (${nodeLabel(node)})`)}${close}`
  })
  const edges = flow.edges.map((edge) => {
    const label = edgeLabel(edge)
    return `  ${name.get(edge.from)} -->${label === "" ? "" : `|${quoted(label)}|`} ${name.get(edge.to)}`
  })
  return ["flowchart TD", ...nodes, ...edges].join("\n")
}

/** One line per node, sources first, each with what it needs. */
export const text = (flow: Flow.Flow): string => {
  const order = sorted(flow)
  const ids = Math.max(...flow.nodes.map((node) => node.id.length), 0)
  const types = Math.max(...flow.nodes.map((node) => nodeLabel(node).length), 0)
  return order.map((node) => {
    const needs = flow.edges.filter((edge) => edge.to === node.id).map((edge) => {
      const label = edgeLabel(edge)
      return label === "" ? edge.from : `${edge.from} (${label})`
    })
    const join = node.join === undefined || node.join === "all" ? "" : ` join=${JSON.stringify(node.join)}`
    const line = `${node.id.padEnd(ids)}  ${nodeLabel(node).padEnd(types)}  ${
      needs.length === 0 ? "start" : `after ${needs.join(", ")}`
    }${join}`
    return TerminalText.line(line)
  }).join("\n")
}

/** Nodes after all their sources, in document order where that leaves a choice; what is on a cycle comes last. */
const sorted = (flow: Flow.Flow): ReadonlyArray<Flow.Node> => {
  const open = new Map(flow.nodes.map((node) => [node.id, 0]))
  const targets = new Map<string, Array<string>>()
  for (const edge of flow.edges) {
    open.set(edge.to, (open.get(edge.to) ?? 0) + 1)
    const list = targets.get(edge.from)
    if (list === undefined) targets.set(edge.from, [edge.to])
    else list.push(edge.to)
  }
  const byId = new Map(flow.nodes.map((node) => [node.id, node]))
  const queue = flow.nodes.filter((node) => open.get(node.id) === 0).map((node) => node.id)
  const order: Array<Flow.Node> = []
  for (let next = 0; next < queue.length; next++) {
    const id = queue[next]!
    const node = byId.get(id)
    if (node !== undefined) order.push(node)
    for (const target of targets.get(id) ?? []) {
      const left = (open.get(target) ?? 0) - 1
      open.set(target, left)
      if (left === 0) queue.push(target)
    }
  }
  const seen = new Set(order)
  return [...order, ...flow.nodes.filter((node) => !seen.has(node))]
}
