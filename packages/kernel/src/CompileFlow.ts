/** Sixth pass of the compiler: limits, waits against the deadline, and joins that no run can satisfy (SEMANTICS 8.4d, 8.5e). */
import type { Graph, GraphEdge } from "./CompileGraph.ts"
import { type Draft, type DraftNode, escape, type Fields, isFields, own, quote } from "./CompileShape.ts"
import { agentDefinition, budget, duration, ranged } from "./CompileWork.ts"
import * as DurationText from "./DurationText.ts"
import { typeFields } from "./Flow.ts"
import * as JsonSchema from "./JsonSchema.ts"
import { defaultLimits, type PlanLimits } from "./Plan.ts"
import type { Report } from "./Problem.ts"
import type { Json } from "./Value.ts"

/** Limits of the flow over the defaults; each has its range. */
export const limits = (head: Fields, report: Report): PlanLimits => {
  const given = own(head, "limits")
  if (given === undefined || !isFields(given)) return defaultLimits
  const number = (key: "parallel" | "steps" | "agents" | "patches", range: readonly [number, number]): number =>
    ranged(own(given, key), range, defaultLimits[key], `/limits/${key}`, report)
  return {
    parallel: number("parallel", [1, 1_000]),
    steps: number("steps", [1, 1_000_000]),
    agents: number("agents", [0, 1_000]),
    patches: number("patches", [0, 1_000]),
    deadlineMs: duration(given, "deadline", "/limits", report, 1),
    stallMs: duration(given, "stall", "/limits", report, 1000),
    budget: budget(given, "/limits", report)
  }
}

/** Reports what is wrong with a JSON Schema inside the document. */
export const checkSchema = (schema: Json | undefined, pointer: string, report: Report): void => {
  if (schema === undefined) return
  for (const fault of JsonSchema.check(schema)) report.add("BAD_SCHEMA", pointer + fault.pointer, fault.message)
}

/** The parts of the document that are neither nodes nor edges. */
export const checkHead = (head: Fields, graph: Graph, report: Report): void => {
  checkSchema(own(head, "input"), "/input", report)
  const agents = own(head, "agents")
  if (agents !== undefined && isFields(agents)) {
    for (const [name, definition] of Object.entries(agents)) {
      const pointer = `/agents/${escape(name)}`
      if (!isFields(definition)) continue
      agentDefinition(definition, pointer, report)
      checkSchema(own(definition, "outputSchema"), `${pointer}/outputSchema`, report)
    }
  }
  checkPolicy(head, graph, report)
}

/** The nodes that the policy names are there, and what it lists has a meaning. */
export const checkPolicy = (head: Fields, graph: Graph, report: Report): void => {
  const policy = own(head, "policy")
  const patches = policy !== undefined && isFields(policy) ? own(policy, "patches") : undefined
  if (patches === undefined || !isFields(patches)) return
  for (const key of ["by", "into"]) {
    const names = own(patches, key)
    if (!Array.isArray(names)) continue
    for (const [index, name] of names.entries()) {
      if (typeof name === "string" && graph.indexOf.has(name)) continue
      const suggestion = typeof name === "string" ? report.nearest(name, graph.indexOf.keys()) : undefined
      report.add("UNKNOWN_NODE", `/policy/patches/${key}/${index}`, `There is no node ${quote(name)}.`, { suggestion })
    }
  }
  duration(patches, "timeout", "/policy/patches", report, 1)
  const added = own(patches, "add")
  const types = added !== undefined && isFields(added) ? own(added, "types") : undefined
  for (const [index, type] of Array.isArray(types) ? types.entries() : []) {
    if (typeof type !== "string" || nodeTypes.includes(type)) continue
    const detail = { expected: nodeTypes.join(", "), suggestion: report.nearest(type, nodeTypes) }
    const message = `There is no node type ${quote(type)}.`
    report.add("UNKNOWN_NODE_TYPE", `/policy/patches/add/types/${index}`, message, detail)
  }
}

const nodeTypes: ReadonlyArray<string> = Object.keys(typeFields)

/** Agents are counted over the whole plan, a body once (SEMANTICS 8.9c). */
export const checkCounts = (draft: Draft, limits: PlanLimits, report: Report): void => {
  if (draft.nodes.length > limits.steps) {
    const message = `The flow has ${draft.nodes.length} nodes, but limits.steps is ${limits.steps}.`
    report.add("TOO_MANY_NODES", "/limits/steps", message, { expected: `steps: ${draft.nodes.length} or more` })
  }
  const agents = draft.nodes.filter((node) => node.type === "agent" || node.body?.type === "agent").length
  if (agents > limits.agents) {
    const message = `The flow has ${agents} agent nodes, but limits.agents is ${limits.agents}.`
    report.add("TOO_MANY_NODES", "/limits/agents", message, { expected: `agents: ${agents} or more` })
  }
}

/** Warns where a wait can outlast the run. */
export const checkWait = (node: DraftNode, deadlineMs: number | undefined, report: Report): void => {
  if (deadlineMs === undefined || (node.type !== "wait" && node.type !== "approval")) return
  const bound = ["timeout", "for"].flatMap((key) => {
    const text = own(node.fields, key)
    const ms = typeof text === "string" ? DurationText.parse(text) : undefined
    return ms === undefined ? [] : [ms]
  })
  if (bound.some((ms) => ms < deadlineMs)) return
  const detail = { expected: `a timeout shorter than ${DurationText.format(deadlineMs)}` }
  const message = `${quote(node.id)} can wait longer than the run's deadline of ${DurationText.format(deadlineMs)}.`
  report.add("WAIT_OUTLASTS_DEADLINE", node.pointer, message, detail)
}

/** What must have happened for a node to run: sources that branch, and the way each of them took. */
type Conditions = ReadonlyMap<number, string>
/** Conditions remembered per node; the check is a warning and need not see further. */
const conditionsMax = 32
const noConditions: Conditions = new Map()

/** Warns where an `all` join waits for edges of which only one can be live: it wants `any`. */
export const checkExclusive = (graph: Graph, report: Report): void => {
  const branching = graph.outgoing.map(branches)
  if (!branching.includes(true)) return
  const known: Array<Conditions> = graph.nodes.map(() => noConditions)
  for (const index of graph.order) {
    const node = graph.nodes[index]
    const incoming = graph.incoming[index] ?? []
    const join = node === undefined ? undefined : own(node.fields, "join")
    if (node === undefined || (join !== undefined && join !== "all")) continue
    const merged = new Map<number, string>()
    for (const edge of incoming) {
      const clash = [...conditionsOf(edge, graph, known, branching)].find(([source, way]) => {
        const other = merged.get(source)
        if (other === undefined ? merged.size < conditionsMax : other === "success") merged.set(source, way)
        return other !== undefined && exclusive(other, way)
      })
      if (clash === undefined) continue
      const source = graph.nodes[clash[0]]?.id ?? ""
      const message = `${quote(node.id)} waits for all its edges, but ${quote(source)} can never make all of them live.`
      report.add("EXCLUSIVE_JOIN", node.pointer, message, { expected: "join: any" })
      break
    }
    known[index] = merged
  }
}

/** Whether edges of one source exclude each other. */
const branches = (edges: ReadonlyArray<GraphEdge>): boolean =>
  edges.length > 1 && (edges.some(({ edge }) => edge.otherwise) || new Set(edges.map(({ edge }) => edge.on)).size > 1)

/** An outcome such as `approved` is a kind of success, so the two go together. */
const exclusive = (one: string, other: string): boolean =>
  one !== other && (one === "failure" || other === "failure" || (one !== "success" && other !== "success"))

const conditionsOf = (
  { edge, from, ordinal }: GraphEdge,
  graph: Graph,
  known: ReadonlyArray<Conditions>,
  branching: ReadonlyArray<boolean>
): Conditions => {
  const before = known[from] ?? noConditions
  const on = edge.on ?? "success"
  if (branching[from] !== true || on === "always" || before.size >= conditionsMax) return before
  const ordered = own(graph.nodes[from]?.fields ?? {}, "branch") === "first"
  return new Map([...before, [from, ordered ? `${on} by edge ${ordinal}` : on]])
}
