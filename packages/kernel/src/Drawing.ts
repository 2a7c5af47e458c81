/** A plan as text: Mermaid for documents and browsers, a plain listing for terminals. */
import type { Plan, PlanEdge, PlanNode } from "./Plan.ts"

/** Longest label of a node or edge, in characters. */
const labelMax = 60

/** Left and right brackets of each node type's shape. */
const shapes: { readonly [type: string]: readonly [left: string, right: string] } = {
  agent: ["(", ")"],
  approval: ["{{", "}}"],
  choice: ["{", "}"],
  wait: ["([", "])"],
  file: ["[/", "/]"],
  map: ["[[", "]]"],
  repeat: ["[[", "]]"],
  flow: ["[[", "]]"]
}
const box = ["[", "]"] as const

/** A Mermaid flowchart, top down. */
export const mermaid = (plan: Plan): string => {
  const lines = ["flowchart TD"]
  for (const node of plan.nodes) {
    const [left, right] = shapes[node.type] ?? box
    lines.push(`  n${node.index}${left}"${quoted(node.id)}<br/><small>${quoted(about(node))}</small>"${right}`)
  }
  for (const node of plan.nodes) {
    for (const edge of node.outgoing) {
      const label = condition(edge)
      const line = edge.on === "failure" ? "-.->" : "-->"
      lines.push(`  n${edge.from} ${line}${label === "" ? "" : `|"${quoted(label)}"|`} n${edge.to}`)
    }
  }
  return `${lines.join("\n")}\n`
}

/** One line per node, each after those it needs. */
export const listing = (plan: Plan): string => {
  const edges = plan.nodes.reduce((sum, node) => sum + node.outgoing.length, 0)
  const counts = `${counted(plan.nodes.length, "node")}, ${counted(edges, "edge")}`
  const order = sorted(plan)
  const wide = Math.min(32, Math.max(...order.map(({ id }) => id.length)))
  const rows = order.map((node) => {
    const title = `  ${node.id.padEnd(wide)}  ${about(node)}`.trimEnd()
    const needs = node.incoming.map((edge) => need(plan, edge))
    const join = node.join.need === "all" ? "" : `${node.join.need} of `
    const when = node.when === undefined ? "" : `  when ${short(node.when.source)}`
    return `${title}${needs.length === 0 ? "" : `  ← ${join}${needs.join(", ")}`}${when}`
  })
  return `${plan.name} ${plan.version}  ${counts}\n${rows.join("\n")}\n`
}

const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? "" : "s"}`

const need = (plan: Plan, edge: PlanEdge): string => {
  const label = condition(edge)
  return `${plan.nodes[edge.from]?.id ?? ""}${label === "" ? "" : ` (${label})`}`
}

/** What makes an edge live, where it is more than success. */
const condition = ({ on, otherwise, when }: PlanEdge): string => {
  const parts = [on === "success" ? "" : on, when === undefined ? "" : `when ${short(when.source)}`]
  return [...parts, otherwise ? "otherwise" : ""].filter((_) => _ !== "").join(" ")
}

/** What the node is and does, in a few words. */
const about = (node: PlanNode): string => {
  const { definition } = node
  if (node.map !== undefined) return `map of ${node.map.body.type}`
  if (node.repeat !== undefined) return `repeat ${node.repeat.body.type}, at most ${node.repeat.max} times`
  if (definition.type === "agent") return `agent ${agents(definition.agent)}`.trimEnd()
  if (definition.type === "http") return short(`${definition.method ?? "GET"} ${definition.url}`)
  if (definition.type === "approval") return short(`approval: ${definition.question}`)
  if (definition.type === "file") return short(`file ${definition.path}`)
  if (definition.type === "function") return `function ${definition.function}`
  if (definition.type === "flow") return `flow ${typeof definition.flow === "string" ? definition.flow : ""}`.trimEnd()
  if (definition.type === "choice") return `choice: ${node.choice?.map(({ outcome }) => outcome).join(", ") ?? ""}`
  if (definition.type === "wait") return short(`wait ${definition.event ?? definition.for ?? definition.until ?? ""}`)
  return definition.type
}

const agents = (agent: unknown): string =>
  typeof agent === "string" ? agent : Array.isArray(agent) ? agent.join(" or ") : ""

const short = (text: string): string => {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim()
  return line.length > labelMax ? `${line.slice(0, labelMax - 1)}…` : line
}

/** Mermaid's own escapes; control characters cannot leave the label. */
const quoted = (text: string): string =>
  [...text].map((character) => {
    const code = character.codePointAt(0) ?? 0
    if (code < 32 || (code >= 127 && code < 160)) return " "
    return "\"<>&#|`{}[]()".includes(character) ? `#${code};` : character
  }).join("")

/** Sources before targets, otherwise in the order of the document. */
const sorted = (plan: Plan): ReadonlyArray<PlanNode> => {
  const open = plan.nodes.map((node) => node.incoming.length)
  const ready = plan.nodes.filter((node) => node.incoming.length === 0)
  for (let at = 0; at < ready.length; at++) {
    for (const { to } of ready[at]?.outgoing ?? []) {
      const left = (open[to] ?? 0) - 1
      open[to] = left
      const target = plan.nodes[to]
      if (left === 0 && target !== undefined) ready.push(target)
    }
  }
  return ready
}
