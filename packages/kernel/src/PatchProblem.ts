/** Why a patch is refused, in a form that people and models can mend: every code, and where in the patch it applies. */
import type { Refusal } from "./Command.ts"
import type * as Flow from "./Flow.ts"
import type { Problem } from "./Problem.ts"
import type { Json } from "./Value.ts"

/** Every code that a refused patch can carry, with its meaning. */
export const codes = {
  PATCH_MALFORMED: "It is no list of RFC 6902 operations.",
  PATCH_TOO_LARGE: "It is over a budget: operations, values, text or depth.",
  PATCH_PATH: "It touches something other than /nodes and /edges.",
  PATCH_TARGET: "A pointer leads to nothing.",
  PATCH_TEST_FAILED: "A test operation found something else.",
  PATCH_EMPTY: "It changes nothing.",
  PATCH_STALE: "It was made for another revision of the plan.",
  PATCH_PENDING: "Another patch of the run waits for its review.",
  PATCHES_MAX: "The run has had as many patches as limits.patches allows.",
  PATCH_INVALID: "The plan that it makes has problems, each listed.",
  PATCH_AGENTS_MAX: "The plan would have more agent nodes than limits.agents.",
  PATCH_STEPS_MAX: "The run would have more steps than limits.steps.",
  PATCH_BUDGET: "A node has a budget, and the run was started without any: there are no prices to watch it by.",
  PATCH_STARTED: "It changes a node, or an edge into a node, that is not pending any more.",
  PATCH_ORPHANS: "A node would have no incoming edge.",
  PATCH_DEAD: "A node could never run: its join is lost by edges that are decided already.",
  PATCH_OFF: "The flow lets no agent, or not this one, patch its runs.",
  PATCH_POLICY: "It goes beyond what the flow's policy lets agents add.",
  PATCH_NOT_FOUND: "The run has no such patch.",
  PATCH_DECIDED: "The patch does not wait for a review.",
  PATCH_EXPIRED: "The time for its review is over.",
  PATCH_DENIED: "Somebody else has to review it.",
  PATCH_CONFLICT: "What the patch had changed has been changed again.",
  PATCH_AUTHOR: "The step that proposes it is not running.",
  RUN_CLOSING: "The run ends; nothing starts any more."
} as const
export type Code = keyof typeof codes

export const refuse = (code: Code, message: string, problems?: ReadonlyArray<Problem>): Refusal => ({
  code,
  message,
  ...(problems === undefined || problems.length === 0 ? {} : { problems })
})

export const problem = (
  code: Code,
  pointer: string,
  message: string,
  detail: { readonly expected?: string | undefined; readonly suggestion?: string | undefined } = {}
): Problem => ({
  code,
  severity: "error",
  pointer,
  message,
  ...(detail.expected === undefined ? {} : { expected: detail.expected }),
  ...(detail.suggestion === undefined ? {} : { suggestion: detail.suggestion })
})

/**
 * Problems of the patched document, told where the patch says it: `/2/value/url` for something inside the value of the
 * third operation. What no operation brought keeps its place in the document.
 */
export const inPatch = (
  problems: ReadonlyArray<Problem>,
  document: Flow.Flow,
  operations: ReadonlyArray<Json>
): ReadonlyArray<Problem> => {
  const brought = new Map<unknown, number>()
  for (const [index, operation] of operations.entries()) {
    if (typeof operation === "object" && operation !== null && "value" in operation) brought.set(operation.value, index)
  }
  return problems.map((found) => {
    const match = /^\/(nodes|edges)\/(\d+)(.*)$/s.exec(found.pointer)
    const list: ReadonlyArray<unknown> = match?.[1] === "nodes" ? document.nodes : document.edges
    const index = match === null ? undefined : brought.get(list[Number(match[2])])
    return index === undefined ? found : { ...found, pointer: `/${index}/value${match?.[3] ?? ""}` }
  })
}

/** One sentence for several problems. */
export const summary = (problems: ReadonlyArray<Problem>): string => {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ""
  return `${first?.message ?? "The patch is wrong."}${more}`
}
