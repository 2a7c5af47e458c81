/**
 * The compiler: a canonical flow document to a checked plan, or all problems at once.
 *
 * Passes in order: JSON bounds, shape, graph, expressions, work, rules. Each reports what it finds and goes on with what is
 * left, so that an author sees everything in one go. The cost is linear in nodes, edges and text.
 */
import * as Result from "effect/Result"
import * as CompileCalls from "./CompileCalls.ts"
import * as CompileConcurrency from "./CompileConcurrency.ts"
import * as CompileFields from "./CompileFields.ts"
import * as CompileFlow from "./CompileFlow.ts"
import * as CompileGraph from "./CompileGraph.ts"
import * as CompileNode from "./CompileNode.ts"
import * as CompileRules from "./CompileRules.ts"
import * as CompileShape from "./CompileShape.ts"
import type * as Flow from "./Flow.ts"
import * as FlowShort from "./FlowShort.ts"
import * as FlowText from "./FlowText.ts"
import * as JsonBounds from "./JsonBounds.ts"
import type { Plan, PlanNode } from "./Plan.ts"
import { type Origin, type Problem, Report, sameOrigin } from "./Problem.ts"
import type { Json } from "./Value.ts"

export interface Options {
  /** Where the canonical document's parts stand in what the author wrote. */
  readonly origin?: Origin
  /** The plan's revision; 0 for a flow as published. */
  readonly revision?: number
  /** Registered agents, so that their names are not warned about. */
  readonly agents?: ReadonlySet<string>
  /** Problems found before, such as those of the short form; they come first, and errors among them fail the compilation. */
  readonly problems?: ReadonlyArray<Problem>
}

/** Documents are small; values that flow through them are not part of them. */
const documentBounds: JsonBounds.Bounds = { depthMax: 128, valuesMax: 1_000_000, textMax: 16 * 1024 * 1024 }

/** Compiles a canonical flow document. Total: any value yields a plan or problems, never a throw. */
export const compile = (flow: Flow.Flow, options: Options = {}): Result.Result<Plan, ReadonlyArray<Problem>> => {
  const report = new Report(options.origin ?? sameOrigin)
  const earlier = options.problems ?? []
  const violation = JsonBounds.check(flow, documentBounds)
  if (violation !== undefined) {
    report.add("NOT_JSON", violation.pointer, violation.message)
    return Result.fail([...earlier, ...report.problems])
  }
  const draft = CompileShape.read(flow, report)
  const graph = CompileGraph.build(draft, report)
  const plan = assemble(flow, draft, graph, options, report)
  const failed = report.failed || earlier.some((_) => _.severity === "error")
  const problems = [...earlier, ...report.problems]
  return failed ? Result.fail(problems) : Result.succeed({ ...plan, problems })
}

/** What a run that stands still is to do; anything else is reported where shapes are read. */
const stallPolicy = (policy: Json | undefined): Plan["stallPolicy"] =>
  policy !== undefined && CompileShape.isFields(policy) && CompileShape.own(policy, "stall") === "fail"
    ? "fail"
    : "flag"

const assemble = (
  flow: Flow.Flow,
  draft: CompileShape.Draft,
  graph: CompileGraph.Graph,
  options: Options,
  report: Report
): Plan => {
  const scope = CompileFields.scope(draft.head, graph, new CompileGraph.Ancestry(graph), report)
  const limits = CompileFlow.limits(draft.head, report)
  CompileFlow.checkHead(draft.head, graph, report)
  CompileFlow.checkCounts(draft, limits, report)
  CompileFlow.checkExclusive(graph, report)
  const context = CompileNode.context(draft.head, graph, limits, scope, options.agents)
  const edges = CompileNode.linked(graph, draft.edges.length, (edge) => CompileNode.edge(edge, scope))
  const nodes: Array<PlanNode> = []
  for (const [index, node] of graph.nodes.entries()) {
    CompileRules.check(node, index, graph, report)
    CompileFlow.checkWait(node, limits.deadlineMs, report)
    const made = CompileNode.node(node, index, edges, context)
    if (made !== undefined) nodes.push(made)
  }
  CompileCalls.check(draft, report, (inline) => checkData(inline).problems)
  const output = CompileShape.own(draft.head, "output")
  const place = { node: undefined, self: false, names: [], secrets: false }
  return {
    document: flow,
    name: String(CompileShape.own(draft.head, "name") ?? ""),
    version: String(CompileShape.own(draft.head, "version") ?? "0.0.0"),
    revision: options.revision ?? 0,
    nodes,
    byId: new Map(nodes.map((node) => [node.id, node])),
    edges: edges.listed,
    stallPolicy: stallPolicy(CompileShape.own(draft.head, "policy")),
    limits,
    concurrency: CompileConcurrency.concurrency(draft.head, scope),
    output: output === undefined ? undefined : CompileFields.template(output, "/output", place, scope),
    sinks: nodes.filter((node) => node.outgoing.length === 0).map((node) => node.index),
    callers: CompileNode.callers(nodes),
    problems: []
  }
}

export interface Checked {
  /** Errors and warnings, in the order of the document where it is text. */
  readonly problems: ReadonlyArray<Problem>
  /** The canonical document, as far as the text could be read. */
  readonly flow?: Flow.Flow
  /** Present when there are no errors. */
  readonly plan?: Plan
}

/** Text in either spelling, YAML or JSON, to a plan; every problem carries the line of the text. */
export const check = (text: string, filename = "", options: Omit<Options, "origin" | "problems"> = {}): Checked => {
  const read = FlowText.parse(text, filename)
  if (read.data === null && read.problems.length > 0) return { problems: read.problems }
  const checked = checkData(read.data, { ...options, position: read.position })
  const problems = [...read.problems, ...checked.problems].toSorted(byLine)
  if (checked.flow === undefined) return { problems }
  return read.problems.some((_) => _.severity === "error")
    ? { problems, flow: checked.flow }
    : { ...checked, problems }
}

/** As `check`, for a document that is data already. */
export const checkData = (
  data: unknown,
  { position = () => undefined, ...options }: Omit<Options, "origin" | "problems"> & Partial<Pick<Origin, "position">> =
    {}
): Checked => {
  const violation = JsonBounds.check(data, documentBounds)
  if (violation !== undefined) {
    const report = new Report({ pointer: (_) => _, position })
    report.add("NOT_JSON", violation.pointer, violation.message)
    return { problems: report.problems }
  }
  const { flow, origin, problems } = FlowShort.toCanonical(data as Json, position)
  const plan = compile(flow, { ...options, origin, problems })
  return Result.isSuccess(plan)
    ? { problems: plan.success.problems, flow, plan: plan.success }
    : { problems: plan.failure, flow }
}

const byLine = (one: Problem, other: Problem): number => (one.line ?? 0) - (other.line ?? 0)
