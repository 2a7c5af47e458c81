/**
 * Patches as people and models write them. A node in the short form, or one that says what it `needs`, becomes the canonical
 * node and its edges; a node of a type that this program does not know becomes one whose step is skipped (8.5c).
 */
import * as Result from "effect/Result"
import { typeFields } from "./Flow.ts"
import * as FlowShort from "./FlowShort.ts"
import * as FlowShortNode from "./FlowShortNode.ts"
import * as JsonPatch from "./JsonPatch.ts"
import * as PatchProblem from "./PatchProblem.ts"
import type { Plan } from "./Plan.ts"
import type { Problem } from "./Problem.ts"
import type { Warning } from "./RunState.ts"
import type { Json } from "./Value.ts"

export interface Spelling {
  readonly operations: Json
  readonly warnings: ReadonlyArray<Warning>
  readonly problems: ReadonlyArray<Problem>
}

const none: ReadonlyArray<never> = []

const isAddOfNode = (operation: Json): operation is { readonly value: Json; readonly [key: string]: Json } =>
  FlowShortNode.isFields(operation) && FlowShortNode.own(operation, "op") === "add" &&
  Object.hasOwn(operation, "value") && /^\/nodes\/[^/]+$/.test(String(FlowShortNode.own(operation, "path")))

const isShort = (node: FlowShortNode.Fields): boolean =>
  !Object.hasOwn(node, "type") || Object.hasOwn(node, "needs") || Object.hasOwn(node, "depends_on")

/** The same operations in the canonical spelling; edges that nodes asked for come last. Anything else stays as it is. */
export const canonical = (operations: Json, plan: Plan, bounds: JsonPatch.Bounds): Spelling => {
  // What is no patch, or over its budgets, is not walked: it is refused later, with its place.
  const isRead = Result.isSuccess(JsonPatch.decode(operations, bounds))
  if (!isRead || !Array.isArray(operations) || !operations.some(isAddOfNode)) {
    return { operations, warnings: none, problems: none }
  }
  const warnings: Array<Warning> = []
  const problems: Array<Problem> = []
  const edges: Array<Json> = []
  const spelled = operations.map((operation, index): Json => {
    if (!isAddOfNode(operation) || !FlowShortNode.isFields(operation.value)) return operation
    const place = `/${index}/value`
    const context: FlowShortNode.Context = {
      trail: {
        map: () => undefined,
        fault: (code, pointer, message, expected, suggestion) =>
          problems.push({
            ...PatchProblem.problem("PATCH_INVALID", pointer, message, { expected, suggestion }),
            code
          })
      },
      addEdge: (edge) => edges.push({ op: "add", path: "/edges/-", value: edge }),
      inline: (flow) => FlowShort.toCanonical(flow).flow as unknown as Json
    }
    const node = isShort(operation.value)
      ? FlowShortNode.read(operation.value, { short: place, canonical: place }, context)
      : operation.value
    const served = plan.document.policy?.unknownTypes === "refuse" ? node : standIn(node, warnings)
    const known = pinned(served, plan)
    return known === operation.value ? operation : { ...operation, value: known }
  })
  return { operations: [...spelled, ...edges], warnings, problems }
}

/** A flow that the run calls already is called again as it was pinned when the run was accepted (SEMANTICS 8.7e). */
const pinned = (node: Json, plan: Plan): Json => {
  if (!FlowShortNode.isFields(node)) return node
  const each = FlowShortNode.own(node, "each")
  if (each !== undefined) {
    const body = pinned(each, plan)
    return body === each ? node : { ...node, each: body }
  }
  const name = FlowShortNode.own(node, "flow")
  if (FlowShortNode.own(node, "type") !== "flow" || typeof name !== "string") return node
  for (const index of plan.callers) {
    const call = plan.nodes[index]?.call ?? plan.nodes[index]?.each?.body.call
    if (call !== undefined && (call.name === name || `${call.name}@${call.version}` === name)) {
      return { ...node, flow: { ...call } }
    }
  }
  return node
}

/** A step that is skipped in place of one that nobody can execute. */
const standIn = (node: Json, warnings: Array<Warning>): Json => {
  if (!FlowShortNode.isFields(node)) return node
  const type = FlowShortNode.own(node, "type")
  if (typeof type !== "string" || Object.hasOwn(typeFields, type)) return node
  const name = type.slice(0, 64)
  const id = FlowShortNode.own(node, "id") ?? ""
  warnings.push({
    code: "NODE_TYPE_UNSERVED",
    message: `${String(id).slice(0, 64)}: nobody serves nodes of type ${name}; the step is skipped`
  })
  return { id, type: "transform", when: "false", description: `in place of type ${name}`, value: null }
}
