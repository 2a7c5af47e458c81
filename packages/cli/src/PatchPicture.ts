/** A patch as people read it: in words, as two plans laid over each other, and line by line. */
import type { PatchDocument } from "@baton/contract/PatchesClient"
import type * as Flow from "@baton/kernel/Flow"
import type { Growth } from "@baton/kernel/PatchGrowth"
import type { Json } from "@baton/kernel/Value"
import * as FlowPicture from "./FlowPicture.ts"

const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? "" : "s"}`

/** What it does, in a few words: `adds 2 nodes (x, y) and 3 edges`. */
export const words = ({ summary }: PatchDocument): string => {
  const parts = [
    ["adds", summary.added, "node"],
    ["removes", summary.removed, "node"],
    ["changes", summary.changed, "node"]
  ] as const
  const nodes = parts.flatMap(([verb, names, noun]) =>
    names.length === 0 ? [] : [`${verb} ${counted(names.length, noun)} (${names.join(", ")})`]
  )
  const edges = [
    summary.edgesAdded.length === 0 ? "" : `adds ${counted(summary.edgesAdded.length, "edge")}`,
    summary.edgesRemoved.length === 0 ? "" : `removes ${counted(summary.edgesRemoved.length, "edge")}`
  ].filter((part) => part !== "")
  return [...nodes, ...edges].join(", ") || "changes nothing"
}

const amount = (value: number | null, unit: string): string => value === null ? `${unit} unknown` : `${value} ${unit}`

/** New names of every kind, one line each, and what it may cost at worst. */
export const powers = (growth: Growth): ReadonlyArray<string> => {
  const kinds = [
    ["types", growth.types],
    ["agents", growth.agents],
    ["hosts", growth.hosts],
    ["secrets", growth.secrets],
    ["functions", growth.functions],
    ["flows", growth.flows],
    ["effects", growth.effects]
  ] as const
  const added = kinds.flatMap(([kind, names]) => names.length === 0 ? [] : [`new ${kind}: ${names.join(", ")}`])
  const { agentCalls, outputTokens, usd } = growth.worstCase
  const cost = `at worst: ${amount(agentCalls, "agent calls")}, ${amount(outputTokens, "output tokens")}, ${
    usd === null ? "cost unknown" : `$${usd}`
  }`
  return [...(added.length === 0 ? ["new powers: none"] : added), cost]
}

/** Plans up to this many nodes are drawn whole; of larger ones only what the patch touches, and its neighbours. */
const wholeMax = 40

/** Every node of both plans with `+` new, `-` gone, `~` changed, sources first. */
export const overlay = (before: Flow.Flow, after: Flow.Flow, { summary }: PatchDocument): string => {
  const gone = before.nodes.filter(({ id }) => summary.removed.includes(id))
  const text = FlowPicture.text(after).split("\n")
  const ids = text.map((line) => line.split(" ")[0] ?? "")
  const edges = new Set(
    [...summary.edgesAdded, ...summary.edgesRemoved].flatMap((edge) => edge.split(/ → | \(/).slice(0, 2))
  )
  const mark = (id: string): string =>
    summary.added.includes(id) ? "+" : summary.changed.includes(id) || isRewired(id, summary) ? "~" : " "
  const lines = text.flatMap((line, index) => {
    const id = ids[index] ?? ""
    const near = mark(id) !== " " || edges.has(id)
    return after.nodes.length > wholeMax && !near ? [] : [`${mark(id)} ${line}`]
  })
  const hidden = text.length - lines.length
  const rest = hidden === 0 ? [] : [`  … and ${counted(hidden, "more node")}`]
  return [...lines, ...gone.map(({ id, type }) => `- ${id}  ${type}`), ...rest].join("\n")
}

const isRewired = (id: string, { edgesAdded, edgesRemoved }: PatchDocument["summary"]): boolean =>
  [...edgesAdded, ...edgesRemoved].some((edge) => edge.split(/ → | \(/)[1] === id)

/** A Mermaid diagram of the plan after the patch; what is new or changed stands out. */
export const mermaid = (after: Flow.Flow, { summary }: PatchDocument): string => {
  const classes = after.nodes.flatMap(({ id }, index) =>
    summary.added.includes(id)
      ? [`  class n${index} added`]
      : summary.changed.includes(id)
      ? [`  class n${index} changed`]
      : []
  )
  const styles = ["  classDef added stroke-dasharray: 4 2,stroke-width:2px", "  classDef changed stroke-width:3px"]
  return [FlowPicture.mermaid(after), ...(classes.length === 0 ? [] : [...styles, ...classes])].join("\n")
}

/** The nodes and edges of both plans, one a line as JSON: what is gone with `-`, what is new with `+`. */
export const lines = (before: Flow.Flow, after: Flow.Flow): string => {
  const listed = (list: ReadonlyArray<object>, name: string): ReadonlyArray<string> =>
    list.map((item) => `${name} ${JSON.stringify(item as unknown as Json)}`)
  const all = (flow: Flow.Flow): ReadonlyArray<string> => [...listed(flow.nodes, "node"), ...listed(flow.edges, "edge")]
  const [old, fresh] = [all(before), all(after)]
  const [oldSet, freshSet] = [new Set(old), new Set(fresh)]
  return [
    ...old.filter((line) => !freshSet.has(line)).map((line) => `- ${line}`),
    ...fresh.filter((line) => !oldSet.has(line)).map((line) => `+ ${line}`)
  ].join("\n")
}
