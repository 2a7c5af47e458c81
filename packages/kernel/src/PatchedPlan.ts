/** One revision of a plan to the next: decode, apply, compile. Made once for the same operations on the same plan. */
import * as Result from "effect/Result"
import * as CanonicalText from "./CanonicalText.ts"
import type { Refusal } from "./Command.ts"
import type * as Flow from "./Flow.ts"
import * as JsonPatch from "./JsonPatch.ts"
import type { Fault, Tokens } from "./JsonPatch.ts"
import * as PatchChange from "./PatchChange.ts"
import * as PatchProblem from "./PatchProblem.ts"
import type { Plan } from "./Plan.ts"
import type { Problem } from "./Problem.ts"
import { nearest } from "./Problem.ts"
import { recompile } from "./Recompile.ts"
import type { Json } from "./Value.ts"

/** Budgets of one patch on a plan. */
export const bounds: JsonPatch.Bounds = { ...JsonPatch.defaultBounds, valuesMax: 50_000, textMax: 1024 * 1024 }

export interface Next {
  readonly plan: Plan
  /** Address of the patched document's canonical text. */
  readonly hash: string
  readonly change: PatchChange.PatchChange
}

/** The plan after the operations, or why there is none. */
export const next = (plan: Plan, operations: Json): Result.Result<Next, Refusal> => {
  if (!Array.isArray(operations)) return make(plan, operations)
  const known = made.get(operations)
  if (known?.plan === plan) return known.result
  const result = make(plan, operations)
  made.set(operations, { plan, result })
  return result
}

/** What is decided is folded right after: by these very operations, on this very plan. */
const made = new WeakMap<object, { readonly plan: Plan; readonly result: Result.Result<Next, Refusal> }>()

const make = (plan: Plan, given: Json): Result.Result<Next, Refusal> => {
  const operations = JsonPatch.decode(given, bounds)
  if (Result.isFailure(operations)) return Result.fail(fromFault(operations.failure, plan))
  const outside = operations.success.flatMap(checkPaths)
  if (outside.length > 0) return Result.fail(PatchProblem.refuse("PATCH_PATH", PatchProblem.summary(outside), outside))
  const document = plan.document as unknown as Json
  const applied = JsonPatch.apply(document, operations.success, { bounds, resolve: byId })
  if (Result.isFailure(applied)) return Result.fail(fromFault(applied.failure, plan))
  const flow = applied.success as unknown as Flow.Flow
  const compiled = recompile(plan, flow)
  if (Result.isSuccess(compiled)) {
    const change = PatchChange.between(plan.document, flow)
    return Result.succeed({ plan: compiled.success, hash: CanonicalText.address(flow), change })
  }
  const problems = PatchProblem.inPatch(compiled.failure, flow, given as ReadonlyArray<Json>)
  const agents = compiled.failure.some((found) => found.pointer === "/limits/agents")
  const code = agents ? "PATCH_AGENTS_MAX" : "PATCH_INVALID"
  return Result.fail(PatchProblem.refuse(code, PatchProblem.summary(problems), problems))
}

const fromFault = (fault: Fault, plan: Plan): Refusal => {
  const id = fault.code === "PATCH_TARGET" ? /at \/nodes\/([A-Za-z][^/.]*)\.?$/.exec(fault.message)?.[1] : undefined
  const suggestion = id === undefined ? undefined : nearest(id, plan.byId.keys())
  const { code, expected, message, pointer } = fault
  return PatchProblem.refuse(code, message, [PatchProblem.problem(code, pointer, message, { expected, suggestion })])
}

const checkPaths = (operation: JsonPatch.Operation, index: number): ReadonlyArray<Problem> => {
  const paths: ReadonlyArray<readonly [string, Tokens]> = "from" in operation
    ? [["from", operation.from], ["path", operation.path]]
    : [["path", operation.path]]
  return paths.flatMap(([name, path]) => {
    if (path[0] === "nodes" || path[0] === "edges") return []
    const message = `A patch changes nodes and edges, not '${JsonPatch.pointer(path).slice(0, 60)}'.`
    const expected = "a pointer below /nodes or /edges"
    return [PatchProblem.problem("PATCH_PATH", `/${index}/${name}`, message, { expected })]
  })
}

/** `/nodes/ID/…` names a node by its id: where it stands just now. */
const byId = (document: Json, path: Tokens): Tokens => {
  const [list, id, ...rest] = path
  if (list !== "nodes" || id === undefined || !/^[A-Za-z]/.test(id)) return path
  const { nodes } = document as unknown as { readonly nodes: Json }
  if (!Array.isArray(nodes)) return path
  const index = nodes.findIndex((node) => typeof node === "object" && node !== null && own(node, "id") === id)
  return index === -1 ? path : [list, String(index), ...rest]
}

const own = (value: object, key: string): unknown =>
  Object.hasOwn(value, key) ? (value as { readonly [key: string]: unknown })[key] : undefined
