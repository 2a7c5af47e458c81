/** Which nodes of a plan mean something else than in another plan, or read a part of the input that has changed. */
import * as Ancestors from "./Ancestors.ts"
import type { References } from "./Expression.ts"
import type * as Flow from "./Flow.ts"
import type { Plan, PlanNode, Work } from "./Plan.ts"
import { references } from "./PlanReferences.ts"
import { edgeKey } from "./SourceRun.ts"
import type { Json, JsonObject } from "./Value.ts"

/** Fields that say how long and how often a step is tried, or describe it: what it came to does not depend on them. */
const aside: ReadonlySet<string> = new Set(["description", "timeout", "retry", "receipt", "allowSkip"])

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** JSON text in which the order of members does not count. */
export const canonical = (value: Json | undefined): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (!isObject(value)) return JSON.stringify(value) ?? "null"
  const keys = Object.keys(value).toSorted()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`
}

const withoutAside = (definition: JsonObject): JsonObject => {
  const entries = Object.entries(definition).filter(([key]) => !aside.has(key))
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === "each" && isObject(value) ? withoutAside(value) : value])
  )
}

/** The agents of the flow that a step may ask, with everything they are bound to. */
const agentsOf = (flow: Flow.Flow, work: Work): Json => {
  const given = (work.definition as { readonly agent?: Json }).agent
  const found = new Map<string, Json>()
  const todo: Array<Json | undefined> = Array.isArray(given) ? [...given] : [given]
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const text = isObject(name) ? name["use"] : name
    if (typeof text !== "string" || found.has(text) || !Object.hasOwn(flow.agents ?? {}, text)) continue
    const definition = flow.agents?.[text] as Json
    found.set(text, definition)
    if (isObject(definition)) todo.push(definition["use"])
  }
  return Object.fromEntries(found)
}

const meaning = (plan: Plan, node: PlanNode): string =>
  canonical([
    withoutAside(node.definition as unknown as JsonObject),
    agentsOf(plan.document, node),
    node.map === undefined ? null : agentsOf(plan.document, node.map.body),
    node.repeat === undefined ? null : agentsOf(plan.document, node.repeat.body),
    node.incoming.map((edge) => edgeKey(plan, edge)).toSorted()
  ])

export interface InputChange {
  readonly before: Json
  readonly after: Json
}

const at = (value: Json, path: ReadonlyArray<string>): Json | undefined => {
  let current: Json | undefined = value
  for (const key of path) current = isObject(current) && Object.hasOwn(current, key) ? current[key] : undefined
  return current
}

/** Whether what is read of the input is another value now. */
const readsChange = (read: References, change: InputChange | undefined): boolean => {
  if (change === undefined || !read.roots.has("input")) return false
  const paths = read.paths.filter((path) => path[0] === "input").map((path) => path.slice(1))
  const differs = (path: ReadonlyArray<string>): boolean =>
    canonical(at(change.before, path)) !== canonical(at(change.after, path))
  return paths.length === 0 ? differs([]) : paths.some(differs)
}

/** Ids of the nodes of `plan` that are new, changed, or read a changed part of the input. */
export const compare = (source: Plan, plan: Plan, input: InputChange | undefined): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const node of plan.nodes) {
    const was = source.byId.get(node.id)
    if (was === undefined || (source !== plan && meaning(source, was) !== meaning(plan, node))) found.add(node.id)
    else if (input !== undefined && references(node).some((read) => readsChange(read, input))) found.add(node.id)
  }
  // Where one way is taken instead of another, all of its ways are open again.
  for (const node of plan.nodes) {
    const was = source.byId.get(node.id)
    if (was === undefined || mustRedecide(source, plan, node, input) === none) continue
    for (const edge of node.outgoing) {
      if (mayFlip(source, plan, node, edge.ordinal, input)) found.add(plan.nodes[edge.to]?.id ?? "")
    }
  }
  return found
}

const none: ReadonlySet<number> = new Set()

const sameEdges = (source: Plan, plan: Plan, node: PlanNode): boolean => {
  const was = source.byId.get(node.id)
  return source === plan ||
    canonical((was?.outgoing ?? []).map((edge) => edgeKey(source, edge))) ===
      canonical(node.outgoing.map((edge) => edgeKey(plan, edge)))
}

/** Edges of a kept node that are to be decided anew: all of them where one excludes another. */
export const mustRedecide = (
  source: Plan,
  plan: Plan,
  node: PlanNode,
  input: InputChange | undefined
): "all" | ReadonlySet<number> => {
  const changed = node.outgoing.filter((edge) => edge.when !== undefined && readsChange(edge.when.references, input))
  if (node.branch && (changed.length > 0 || !sameEdges(source, plan, node))) return "all"
  return changed.length === 0 ? none : new Set(changed.map((edge) => edge.ordinal))
}

const mayFlip = (
  source: Plan,
  plan: Plan,
  node: PlanNode,
  ordinal: number,
  input: InputChange | undefined
): boolean => {
  const which = mustRedecide(source, plan, node, input)
  return which === "all" || which.has(ordinal)
}

/** Ids of the nodes that a node reads by name. */
export const reads = (node: PlanNode): ReadonlyArray<string> => references(node).flatMap((read) => [...read.nodes])

/**
 * By node id: who reads its output (`readers`), and whose edges were decided with it in view (`settlers`). Direct needs
 * are edges and not listed; what reads everything is found by its needs.
 */
export const readers = (plan: Plan): {
  readonly readers: ReadonlyMap<string, ReadonlyArray<string>>
  readonly settlers: ReadonlyMap<string, ReadonlyArray<string>>
} => {
  const found = { readers: new Map<string, Array<string>>(), settlers: new Map<string, Array<string>>() }
  const add = (to: Map<string, Array<string>>, id: string, reader: string): void => {
    const list = to.get(id)
    if (list === undefined) to.set(id, [reader])
    else list.push(reader)
  }
  for (const node of plan.nodes) {
    for (const read of references(node)) {
      const ids = read.whole.has("nodes")
        ? [...Ancestors.of(plan, node.index)].map((index) => plan.nodes[index]?.id ?? "")
        : read.nodes
      for (const id of ids) add(found.readers, id, node.id)
    }
    for (const edge of node.incoming) {
      const source = plan.nodes[edge.from]?.id ?? ""
      for (const id of edge.when?.references.nodes ?? []) if (id !== source) add(found.settlers, id, source)
    }
  }
  return found
}
