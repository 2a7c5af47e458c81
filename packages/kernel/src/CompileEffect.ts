/**
 * What repeating a step would do to the world, and for how long its result may be used again (SEMANTICS 8.11a, d).
 *
 * A declared effect counts as it is, because the author knows the far side. Only that of an agent cannot be weaker than the
 * tools it lists: what a model does with them is not for the author to promise.
 */
import { type Fields as Data, isFields, own } from "./CompileShape.ts"
import * as DurationText from "./DurationText.ts"
import type * as Flow from "./Flow.ts"
import type { Report } from "./Problem.ts"
import type { Json } from "./Value.ts"

export interface Source {
  readonly pointer: string
  readonly type: Flow.NodeType
  readonly fields: Data
}

/** How long a receipt counts where the flow says nothing, in milliseconds. */
export const receiptMsDefault = 600_000
/** The longest that a receipt may count, in milliseconds. */
export const receiptMsMax = 86_400_000

const order: ReadonlyArray<Flow.Effect> = ["pure", "idempotent", "keyed", "irreversible"]

/** The worst of several effects; `pure` when there is none. */
export const worst = (effects: Iterable<Flow.Effect>): Flow.Effect => {
  let found = 0
  for (const effect of effects) found = Math.max(found, order.indexOf(effect))
  return order[found] ?? "irreversible"
}

const methodEffects: { readonly [method: string]: Flow.Effect } = {
  GET: "idempotent",
  HEAD: "idempotent",
  OPTIONS: "idempotent",
  PUT: "idempotent",
  DELETE: "idempotent"
}

/** Tools that come with the program. Others are functions: idempotent, unless the function itself says more when it is called. */
const toolEffects: { readonly [tool: string]: Flow.Effect } = {
  http_get: "idempotent",
  patch_plan: "keyed",
  ask_user: "keyed"
}

/** `agents`: the definitions that the flow itself gives, by name. */
export const effectOf = (source: Source, agents: Data, report: Report): Flow.Effect => {
  const { fields, pointer, type } = source
  const text = own(fields, "effect")
  const declared = typeof text === "string" ? text as Flow.Effect : undefined
  if (type !== "agent") return declared ?? usualEffect(source)
  const least = toolsEffect(own(fields, "agent"), agents)
  if (declared === undefined) return worst(["idempotent", least])
  if (order.indexOf(declared) < order.indexOf(least)) {
    const message = `The tools of the agent are ${least}; the step cannot be ${declared}.`
    report.add("EFFECT_TOO_WEAK", `${pointer}/effect`, message, { expected: least })
  }
  return worst([declared, least])
}

/** The effect of a node whose author says nothing about it; that of an agent may be worse, by its tools (SEMANTICS 8.11a). */
export const usualEffect = ({ fields, type }: Pick<Source, "fields" | "type">): Flow.Effect => {
  if (type === "http") return methodEffects[String(own(fields, "method") ?? "GET").toUpperCase()] ?? "irreversible"
  return type === "agent" || type === "file" || type === "function" || type === "flow" ? "idempotent" : "pure"
}

/** The worst of all tools that any of the named agents lists. */
const toolsEffect = (agent: Json | undefined, agents: Data): Flow.Effect => {
  const named = Array.isArray(agent) ? agent : [agent]
  return worst(named.flatMap((one) => {
    const definition = typeof one === "string" ? own(agents, one) : one
    const tools = definition !== undefined && isFields(definition) ? own(definition, "tools") : undefined
    return Array.isArray(tools)
      ? tools.map((tool): Flow.Effect =>
        typeof tool === "string" && Object.hasOwn(toolEffects, tool) ? toolEffects[tool] ?? "idempotent" : "idempotent"
      )
      : []
  }))
}

const receiptTypes: ReadonlySet<string> = new Set(["http", "agent", "transform", "function", "file"])

/** Milliseconds that a result of the step may be used again; `undefined`: never. */
export const receiptOf = (source: Source, effect: Flow.Effect, report: Report): number | undefined => {
  const { fields, pointer, type } = source
  const receipt = own(fields, "receipt")
  if (receipt === undefined || !isFields(receipt)) return undefined
  if (!receiptTypes.has(type)) {
    const hint = type === "map" || type === "repeat" ? "; put it on each" : ""
    report.add("RECEIPT_UNUSED", `${pointer}/receipt`, `A ${type} has no receipt${hint}.`)
    return undefined
  }
  if (effect !== "pure" && effect !== "idempotent") {
    const message = `An effect that is ${effect} is never served from a receipt.`
    report.add("RECEIPT_UNUSED", `${pointer}/receipt`, message)
    return undefined
  }
  const text = own(receipt, "ttl")
  const ms = typeof text === "string" ? DurationText.parse(text) : receiptMsDefault
  if (ms === undefined || ms > receiptMsMax) {
    const message = "A receipt counts for a day at most."
    report.add("OUT_OF_RANGE", `${pointer}/receipt/ttl`, message, { expected: "0s to 24h" })
    return undefined
  }
  return ms === 0 ? undefined : ms
}
