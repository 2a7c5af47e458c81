/**
 * Pins what a flow calls when a run of it is accepted (SEMANTICS 8.7e): every `flow` field becomes the address of the called
 * flow's own pinned document, however deep, so that the run and its children go on with exactly these documents.
 */
import { ClientError } from "@baton/contract/Client"
import * as Child from "@baton/kernel/Child"
import type { FlowCall } from "@baton/kernel/Child"
import { reference } from "@baton/kernel/CompileCalls"
import type * as Flow from "@baton/kernel/Flow"
import * as FlowShort from "@baton/kernel/FlowShort"
import * as JsonPatch from "@baton/kernel/JsonPatch"
import * as PatchedPlan from "@baton/kernel/PatchedPlan"
import * as PatchProblem from "@baton/kernel/PatchProblem"
import type { Plan } from "@baton/kernel/Plan"
import type { Code, Origin, Problem } from "@baton/kernel/Problem"
import { Report, sameOrigin } from "@baton/kernel/Problem"
import type { RunState } from "@baton/kernel/RunState"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Answers from "./Answers.ts"
import * as FlowSource from "./FlowSource.ts"
import type { Parts } from "./Parts.ts"

export interface Pinned {
  readonly hash: string
  readonly plan: Plan
}

interface Pinning {
  readonly parts: Parts
  /** What is done to every document before it is frozen, such as giving its agents the run's model. */
  readonly prepare: (flow: Flow.Flow) => Flow.Flow
  /** Runs that the run whose document is pinned is below. */
  readonly above: number
  /** Flows pinned already, by name and version. */
  readonly known: Map<string, FlowCall>
  /** By address: how many flows deep a document goes, itself included. */
  readonly heights: Map<string, number>
  readonly report: Report
}

const pinningOf = (
  parts: Parts,
  { above, origin, prepare }: Pick<Pinning, "above" | "prepare"> & { readonly origin: Origin }
): Pinning => ({ parts, prepare, above, known: new Map(), heights: new Map(), report: new Report(origin) })

const fault = ({ report }: Pinning, code: Code, pointer: string, message: string): undefined => {
  report.add(code, pointer, message)
}

/** The called flow by its name: the version that is newest now, unless one is named. */
const byName = Effect.fnUntraced(function*(
  pinning: Pinning,
  text: string,
  pointer: string,
  trail: ReadonlyArray<string>
): Effect.fn.Return<FlowCall | undefined, ClientError> {
  const named = reference(text)
  if (named === undefined) return fault(pinning, "WRONG_TYPE", pointer, `'${text}' names no flow.`)
  const found = yield* pinning.parts.catalog.find(pinning.parts.tenant, named.name, named.version).pipe(
    Effect.catch((error) =>
      error.reason === "not_found"
        ? Effect.succeed(fault(pinning, "UNKNOWN_FLOW", pointer, `${error.message} ${error.hint ?? ""}`.trim()))
        : Effect.fail(error)
    )
  )
  if (found === undefined) return undefined
  const { name, version } = found.published
  const key = `${name}@${version}`
  const known = pinning.known.get(key)
  if (known !== undefined) return known
  if (trail.includes(key)) {
    const chain = [...trail.slice(trail.indexOf(key)), key].join(" → ")
    return fault(pinning, "FLOW_CALLS_ITSELF", pointer, `The flow calls itself: ${chain}.`)
  }
  const pinned = yield* pin(pinning, found.flow, pointer, [...trail, key])
  if (pinned === undefined) return undefined
  const call = { name, version, hash: pinned.hash }
  pinning.known.set(key, call)
  return call
})

const addressOf = (plan: Plan, index: number): string | undefined =>
  (plan.nodes[index]?.call ?? plan.nodes[index]?.each?.body.call)?.hash

const heightOf: (pinning: Pinning, hash: string) => Effect.Effect<number, ClientError> = Effect.fnUntraced(
  function*(pinning, hash) {
    const known = pinning.heights.get(hash)
    if (known !== undefined) return known
    const plan = yield* Effect.mapError(pinning.parts.plans.get(pinning.parts.tenant, hash), Answers.fromFlows)
    let below = 0
    for (const index of plan.callers) {
      const called = addressOf(plan, index)
      if (called !== undefined) below = Math.max(below, yield* heightOf(pinning, called))
    }
    pinning.heights.set(hash, below + 1)
    return below + 1
  }
)

const tooDeep = (pinning: Pinning, pointer: string, trail: ReadonlyArray<string>): undefined =>
  fault(pinning, "FLOW_TOO_DEEP", pointer, `More than ${Child.depthMax} flows deep: ${trail.join(" → ")}.`)

/** The address that stands for what a node calls; `undefined` when there is a problem, which is noted. */
const callOf = Effect.fnUntraced(function*(
  pinning: Pinning,
  flow: Json,
  pointer: string,
  trail: ReadonlyArray<string>
): Effect.fn.Return<FlowCall | undefined, ClientError> {
  const call = yield* pinnedCall(pinning, flow, pointer, trail)
  if (call === undefined) return undefined
  // One that was pinned on another way may go too deep on this one.
  const depth = pinning.above + trail.length - 1 + (yield* heightOf(pinning, call.hash))
  return depth > Child.depthMax ? tooDeep(pinning, pointer, [...trail, call.name]) : call
})

const pinnedCall = Effect.fnUntraced(function*(
  pinning: Pinning,
  flow: Json,
  pointer: string,
  trail: ReadonlyArray<string>
): Effect.fn.Return<FlowCall | undefined, ClientError> {
  if (typeof flow === "string") return yield* byName(pinning, flow, pointer, trail)
  if (Child.isCall(flow)) {
    // An address that was written down, as in the document of a run: it must be there, and so must all it calls.
    return yield* pinning.parts.plans.get(pinning.parts.tenant, flow.hash).pipe(
      Effect.as(flow),
      Effect.catch((error) =>
        error.reason === "missing"
          ? Effect.succeed(fault(pinning, "UNKNOWN_FLOW", pointer, error.message))
          : Effect.fail(Answers.fromFlows(error))
      )
    )
  }
  const inline = flow as unknown as Flow.Flow
  const pinned = yield* pin(pinning, inline, pointer, [...trail, `${inline.name} (in place)`])
  return pinned === undefined ? undefined : { name: pinned.plan.name, version: pinned.plan.version, hash: pinned.hash }
})

const pin: (
  pinning: Pinning,
  flow: Flow.Flow,
  pointer: string,
  trail: ReadonlyArray<string>
) => Effect.Effect<Pinned | undefined, ClientError> = Effect.fnUntraced(function*(pinning, flow, pointer, trail) {
  if (pinning.above + trail.length > Child.depthMax + 1) return tooDeep(pinning, pointer, trail)
  const nodes: Array<Flow.Node> = []
  for (const [index, node] of flow.nodes.entries()) {
    const where = pointer === "" ? `/nodes/${index}` : pointer
    if (node.type === "flow") {
      const call = yield* callOf(pinning, node.flow, pointer === "" ? `${where}/flow` : where, trail)
      nodes.push(call === undefined ? node : { ...node, flow: call })
    } else if ((node.type === "map" || node.type === "repeat") && node.each.type === "flow") {
      const call = yield* callOf(pinning, node.each.flow, pointer === "" ? `${where}/each/flow` : where, trail)
      nodes.push(call === undefined ? node : { ...node, each: { ...node.each, flow: call } })
    } else nodes.push(node)
  }
  if (pinning.report.failed) return undefined
  const isPinned = nodes.every((node, index) => node === flow.nodes[index])
  const prepared = pinning.prepare(isPinned ? flow : { ...flow, nodes })
  return yield* Effect.mapError(pinning.parts.plans.freeze(pinning.parts.tenant, prepared), Answers.fromFlows)
})

/** Freezes a flow with all it calls; refused, with every problem, when something of that is not there or goes in a circle. */
export const freeze = Effect.fnUntraced(function*(
  parts: Parts,
  flow: Flow.Flow,
  source: { readonly file: string; readonly origin: Origin },
  prepare: Pinning["prepare"]
): Effect.fn.Return<Pinned, ClientError> {
  const pinning = pinningOf(parts, { prepare, above: 0, origin: source.origin })
  const pinned = yield* pin(pinning, flow, "", [`${flow.name}@${flow.version ?? "0.0.0"}`])
  return pinned ?? (yield* Effect.fail(FlowSource.invalid(source.file, pinning.report.problems)))
})

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A node or a body, in either spelling, with what it calls pinned. */
const pinNode = Effect.fnUntraced(function*(
  pinning: Pinning,
  node: JsonObject,
  pointer: string,
  trail: ReadonlyArray<string>
): Effect.fn.Return<JsonObject, ClientError> {
  const { each, flow, type } = node
  if (flow !== undefined && (type === undefined || type === "flow")) {
    const inline = isObject(flow) && !Child.isCall(flow)
      ? FlowShort.toCanonical({ name: "inline", ...flow }).flow as unknown as Json
      : flow
    const checked = inline === flow ? undefined : FlowSource.check(JSON.stringify(inline), "")
    if (checked !== undefined && checked.plan === undefined) {
      for (const problem of checked.problems) fault(pinning, "WRONG_TYPE", pointer + problem.pointer, problem.message)
      return node
    }
    const call = yield* callOf(pinning, inline, `${pointer}/flow`, trail)
    return call === undefined ? node : { ...node, flow: call }
  }
  return isObject(each) ? { ...node, each: yield* pinNode(pinning, each, `${pointer}/each`, trail) } : node
})

/** What an operation brings, pinned where it is a flow, or has one: a node, a body, all nodes, or a flow alone. */
const pinValue = Effect.fnUntraced(function*(
  pinning: Pinning,
  path: string,
  value: Json,
  pointer: string,
  trail: ReadonlyArray<string>
): Effect.fn.Return<Json, ClientError> {
  if (/^\/nodes\/[^/]+(?:\/each)?\/flow$/.test(path)) {
    return (yield* pinNode(pinning, { type: "flow", flow: value }, pointer, trail))["flow"] ?? null
  }
  if (/^\/nodes\/[^/]+(?:\/each)?$/.test(path)) {
    return isObject(value)
      ? yield* pinNode(pinning, value, pointer, trail)
      : value
  }
  if (path !== "/nodes" || !Array.isArray(value)) return value
  const nodes: Array<Json> = []
  for (const [index, node] of (value as ReadonlyArray<Json>).entries()) {
    nodes.push(isObject(node) ? yield* pinNode(pinning, node, `${pointer}/${index}`, trail) : node)
  }
  return nodes
})

const pinOperation = Effect.fnUntraced(function*(
  pinning: Pinning,
  operation: Json,
  at: string,
  trail: ReadonlyArray<string>
): Effect.fn.Return<Json, ClientError> {
  if (!isObject(operation)) return operation
  const { op, path, value } = operation
  if ((op !== "add" && op !== "replace") || typeof path !== "string" || value === undefined) return operation
  const pinned = yield* pinValue(pinning, path, value, `${at}/value`, trail)
  return pinned === value ? operation : { ...operation, value: pinned }
})

const refusal = (run: string, problems: ReadonlyArray<Problem>): ClientError =>
  Answers.fromRefusal(run, PatchProblem.refuse("PATCH_INVALID", PatchProblem.summary(problems), problems))

/** The operations of a patch with every flow that they bring pinned; anything else stays for the kernel to judge. */
export const pinOperations = Effect.fnUntraced(function*(
  parts: Parts,
  { parent, plan, run }: RunState,
  operations: Json
): Effect.fn.Return<Json, ClientError> {
  // What is no patch, or over its budgets, is not walked.
  if (!Array.isArray(operations) || Result.isFailure(JsonPatch.decode(operations, PatchedPlan.bounds))) {
    return operations
  }
  const above = parent?.depth ?? 0
  const pinning = pinningOf(parts, { prepare: (flow) => flow, above, origin: sameOrigin })
  const trail = [`${plan.name}@${plan.version}`]
  const pinned: Array<Json> = []
  for (const [index, operation] of (operations as ReadonlyArray<Json>).entries()) {
    pinned.push(yield* pinOperation(pinning, operation, `/${index}`, trail))
  }
  return pinning.report.failed ? yield* Effect.fail(refusal(run, pinning.report.problems)) : pinned
})

/** The plan and the plans of all flows it calls, each once. */
export const family = Effect.fnUntraced(function*(parts: Parts, plan: Plan): Effect.fn.Return<
  ReadonlyArray<Plan>,
  ClientError
> {
  if (plan.callers.length === 0) return [plan]
  const found = new Map<string, Plan>([["", plan]])
  for (const one of found.values()) {
    for (const index of one.callers) {
      const hash = addressOf(one, index)
      if (hash === undefined || found.has(hash)) continue
      found.set(hash, yield* Effect.mapError(parts.plans.get(parts.tenant, hash), Answers.fromFlows))
    }
  }
  return [...found.values()]
})
