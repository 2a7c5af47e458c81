/** Puts a checked node together: its work, its edges with their expressions, its join, and what its type adds. */
import * as CompileApproval from "./CompileApproval.ts"
import * as Fields from "./CompileFields.ts"
import { checkSchema } from "./CompileFlow.ts"
import type { Graph, GraphEdge } from "./CompileGraph.ts"
import { isOtherwise } from "./CompileRules.ts"
import { type DraftNode, edgePointer, type Fields as Data, isFields, own, quote } from "./CompileShape.ts"
import * as CompileWork from "./CompileWork.ts"
import {
  type ChoiceRule,
  defaultRetry,
  type MapSpec,
  type PlanEdge,
  type PlanLimits,
  type PlanNode,
  type RepeatSpec,
  type WaitSpec,
  type Work
} from "./Plan.ts"
import type { Report } from "./Problem.ts"
import type { Json } from "./Value.ts"

export interface Context {
  readonly graph: Graph
  readonly limits: PlanLimits
  readonly agents: ReadonlySet<string>
  readonly folding: CompileWork.Folding
}

/** What the nodes of a document are compiled with; `registered` are agents that the document need not define. */
export const context = (
  head: Data,
  graph: Graph,
  limits: PlanLimits,
  scope: Fields.Scope,
  registered: ReadonlySet<string> | undefined
): Context => {
  const defined = own(head, "agents") ?? null
  const definitions = isFields(defined) ? defined : {}
  const agents = new Set([...Object.keys(definitions), ...(registered ?? [])])
  return { agents, graph, limits, folding: { scope, agents: definitions, defaults: defaults(head, scope.report) } }
}

const defaults = (head: Data, report: Report): CompileWork.Folding["defaults"] => {
  const given = own(head, "defaults")
  if (given === undefined || !isFields(given)) return { timeoutMs: undefined, retry: defaultRetry }
  const retry = own(given, "retry")
  return {
    timeoutMs: CompileWork.duration(given, "timeout", "/defaults", report, 1),
    retry: retry === undefined ? defaultRetry : CompileWork.retry(retry, "/defaults/retry", defaultRetry, report)
  }
}

/** The edges of a plan by the places of its nodes, and in the order of the document. */
export interface PlanEdges {
  readonly incoming: ReadonlyArray<ReadonlyArray<PlanEdge>>
  readonly outgoing: ReadonlyArray<ReadonlyArray<PlanEdge>>
  readonly listed: ReadonlyArray<PlanEdge>
}

/** Each edge once. */
export const linked = (graph: Graph, count: number, make: (edge: GraphEdge) => PlanEdge): PlanEdges => {
  const listed = new Array<PlanEdge>(count)
  const outgoing = graph.outgoing.map((edges) => edges.map((edge) => listed[edge.index] = make(edge)))
  const incoming = graph.incoming.map((edges) => edges.map(({ index }) => listed[index]!))
  return { incoming, outgoing, listed }
}

/** An edge with its `when` read: it is asked when the source has settled, so it may read the source too. */
export const edge = (drawn: GraphEdge, scope: Fields.Scope): PlanEdge => {
  const { edge, from, ordinal, to } = drawn
  const place = { node: from, self: true, names: [], secrets: false }
  const when = edge.when === undefined
    ? undefined
    : Fields.expression(edge.when, `${edgePointer(drawn)}/when`, place, scope)
  return { ordinal, from, to, on: edge.on ?? "success", when, otherwise: edge.otherwise ?? false }
}

/** The plan's node; `undefined` when the draft is too faulty to read its fields at all. */
export const node = (draft: DraftNode, index: number, edges: PlanEdges, context: Context): PlanNode | undefined => {
  const { fields, pointer, type } = draft
  if (type === undefined) return undefined
  const { folding } = context
  const place: Fields.Place = { node: index, self: false, names: ["needs"], secrets: false }
  const source = { pointer, type, fields }
  CompileWork.checkType(source, folding.scope.report)
  checkAgents(own(fields, "agent"), `${pointer}/agent`, context)
  const when = own(fields, "when")
  checkSchemas(draft, folding.scope.report)
  const work = CompileWork.work(source, place, folding)
  const map = type === "map" ? mapSpec(draft, place, context) : undefined
  const repeat = type === "repeat" ? repeatSpec(draft, place, context) : undefined
  return {
    ...work,
    index,
    id: draft.id,
    incoming: edges.incoming[index] ?? [],
    outgoing: edges.outgoing[index] ?? [],
    join: joinOf(own(fields, "join")),
    branch: own(fields, "branch") === "first",
    when: typeof when === "string" ? Fields.expression(when, `${pointer}/when`, place, folding.scope) : undefined,
    map,
    repeat,
    each: map ?? repeat,
    choice: type === "choice" ? choiceRules(draft, place, folding.scope) : undefined,
    wait: type === "wait" ? waitSpec(work) : undefined,
    approval: type === "approval" ? CompileApproval.approval(draft, work, folding.scope.report) : undefined,
    checkpoint: CompileApproval.checkpoint(draft, work, place, folding.scope)
  }
}

/** The same node in another place: its expressions have been read, and what they name is still there. */
export const moved = (node: PlanNode, index: number, edges: PlanEdges): PlanNode => ({
  ...node,
  index,
  incoming: edges.incoming[index] ?? [],
  outgoing: edges.outgoing[index] ?? []
})

const joinOf = (join: Json | undefined): PlanNode["join"] => {
  if (join === undefined || join === "all") return { need: "all", wait: false }
  if (!isFields(join)) return { need: 1, wait: false }
  return { need: Number(own(join, "atLeast") ?? 1), wait: own(join, "wait") === true }
}

const bodyWork = (draft: DraftNode, place: Fields.Place, names: ReadonlyArray<string>, context: Context): Work => {
  const { body, pointer } = draft
  const source = body ?? { pointer: `${pointer}/each`, type: "transform" as const, fields: {} }
  CompileWork.checkType(source, context.folding.scope.report)
  checkAgents(own(source.fields, "agent"), `${source.pointer}/agent`, context)
  return CompileWork.work(source, { ...place, names: [...place.names, ...names] }, context.folding)
}

const mapSpec = (draft: DraftNode, place: Fields.Place, context: Context): MapSpec | undefined => {
  const { fields, pointer } = draft
  const { report } = context.folding.scope
  const over = Fields.template(own(fields, "over") ?? [], `${pointer}/over`, place, context.folding.scope)
  const body = bodyWork(draft, place, ["item", "index"], context)
  const list = own(fields, "over")
  if (list !== undefined && typeof list !== "string" && !Array.isArray(list)) {
    const expected = "a list, or an expression that gives one"
    report.add("WRONG_TYPE", `${pointer}/over`, "A map goes over a list.", { expected })
  }
  if (over === undefined) return undefined
  const { parallel } = context.limits
  return {
    over,
    body,
    parallel: CompileWork.ranged(own(fields, "parallel"), [1, 1_000], parallel, `${pointer}/parallel`, report),
    rate: rate(fields, pointer, context),
    tolerate: tolerate(fields, pointer, context)
  }
}

const windows: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const rate = (fields: Data, pointer: string, { folding }: Context): MapSpec["rate"] => {
  const text = own(fields, "rate")
  if (typeof text !== "string") return undefined
  const match = /^([1-9]\d{0,6})\/(s|m|h|d)$/.exec(text)
  const windowMs = windows[match?.[2] ?? ""]
  if (match === null || windowMs === undefined) {
    const detail = { expected: "a count per second, minute, hour or day, such as 40/s" }
    folding.scope.report.add("WRONG_TYPE", `${pointer}/rate`, `${quote(text)} is no rate.`, detail)
    return undefined
  }
  return { count: Number(match[1]), windowMs }
}

const tolerate = (fields: Data, pointer: string, { folding }: Context): MapSpec["tolerate"] => {
  const given = own(fields, "tolerate")
  const failures = given !== undefined && isFields(given) ? own(given, "failures") : undefined
  const where = `${pointer}/tolerate/failures`
  if (typeof failures === "number") {
    return { count: CompileWork.ranged(failures, [0, 1_000_000], 0, where, folding.scope.report) }
  }
  if (typeof failures !== "string") return { count: 0 }
  const share = /^(\d{1,3}(?:\.\d{1,6})?)\s?%$/.exec(failures)
  if (share === null) {
    const detail = { expected: "a number of items, or a share such as 50%" }
    folding.scope.report.add("WRONG_TYPE", where, `${quote(failures)} is neither a number nor a share.`, detail)
    return { count: 0 }
  }
  return { share: CompileWork.ranged(Number(share[1]), [0, 100], 0, where, folding.scope.report) / 100 }
}

const repeatSpec = (draft: DraftNode, place: Fields.Place, context: Context): RepeatSpec | undefined => {
  const { fields, pointer } = draft
  const { scope } = context.folding
  const body = bodyWork(draft, place, ["index", "last"], context)
  const text = own(fields, "until")
  const names = [...place.names, "index", "last"]
  const until = typeof text === "string"
    ? Fields.expression(text, `${pointer}/until`, { ...place, names }, scope)
    : undefined
  const max = CompileWork.ranged(own(fields, "max"), [1, 10_000], 1, `${pointer}/max`, scope.report)
  return until === undefined ? undefined : { body, until, max, parallel: 1, rate: undefined }
}

const choiceRules = (draft: DraftNode, place: Fields.Place, scope: Fields.Scope): ReadonlyArray<ChoiceRule> => {
  const rules = own(draft.fields, "rules")
  if (!Array.isArray(rules)) return []
  return rules.flatMap((rule, index): ReadonlyArray<ChoiceRule> => {
    const [outcome, source] = Object.entries(isFields(rule) ? rule : {})[0] ?? []
    if (outcome === undefined || typeof source !== "string") return []
    if (isOtherwise(rule)) return [{ outcome, when: undefined }]
    const when = Fields.expression(source, `${draft.pointer}/rules/${index}/${outcome}`, place, scope)
    return when === undefined ? [] : [{ outcome, when }]
  })
}

const waitSpec = (work: Work): WaitSpec => {
  const event = own(work.definition as unknown as Data, "event")
  return {
    forDuration: work.fields["for"],
    until: work.fields["until"],
    event: typeof event === "string" ? event : undefined,
    timeoutMs: work.timeoutMs
  }
}

/** The JSON Schemas that a node and its body carry. */
const checkSchemas = ({ body, fields, pointer }: DraftNode, report: Report): void => {
  for (const field of ["output", "form"]) checkSchema(own(fields, field), `${pointer}/${field}`, report)
  if (body !== undefined) checkSchema(own(body.fields, "output"), `${body.pointer}/output`, report)
  for (const [source, where] of [[fields, pointer], [body?.fields ?? {}, body?.pointer ?? ""]] as const) {
    const agent = own(source, "agent")
    if (agent !== undefined && isFields(agent)) {
      checkSchema(own(agent, "outputSchema"), `${where}/agent/outputSchema`, report)
    }
  }
}

/** Names of agents that the flow does not define may be registered ones, hence a warning. */
const checkAgents = (value: Json | undefined, pointer: string, { agents, folding }: Context): void => {
  const names = typeof value === "string" ? [value] : Array.isArray(value) ? value : []
  for (const [index, name] of names.entries()) {
    if (typeof name !== "string" || agents.has(name)) continue
    const where = typeof value === "string" ? pointer : `${pointer}/${index}`
    const { report } = folding.scope
    if (name.includes("${")) {
      report.add("EXPRESSION_NOT_ALLOWED", where, "agent is a fixed name; it takes no expression.")
      continue
    }
    const detail = { expected: "a name under agents, or a registered agent", suggestion: report.nearest(name, agents) }
    report.add("UNKNOWN_AGENT", where, `The flow does not define the agent ${quote(name)}.`, detail)
  }
}

/** Nodes that call flows, themselves or in their bodies. */
export const callers = (nodes: ReadonlyArray<PlanNode>): ReadonlyArray<number> =>
  nodes.filter((node) => node.type === "flow" || node.each?.body.type === "flow").map((node) => node.index)
