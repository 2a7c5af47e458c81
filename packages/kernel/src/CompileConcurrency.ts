/** Eighth pass of the compiler: `limits.concurrency`. */
import type { Scope } from "./CompileFields.ts"
import * as CompileFields from "./CompileFields.ts"
import { type Fields, isFields, own } from "./CompileShape.ts"
import { ranged } from "./CompileWork.ts"
import { keyLengthMax, placesMax } from "./FlowConcurrency.ts"
import type { ConcurrencySpec } from "./Plan.ts"

const pointer = "/limits/concurrency"

/** Nothing has settled when a run is created: only what it is created with may be read. */
const place = { node: undefined, self: false, names: [], secrets: false }

export const concurrency = (head: Fields, scope: Scope): ConcurrencySpec | undefined => {
  const { report } = scope
  const limits = own(head, "limits")
  const given = limits !== undefined && isFields(limits) ? own(limits, "concurrency") : undefined
  if (given === undefined || !isFields(given)) return undefined
  const max = ranged(own(given, "max"), [1, placesMax], 1, `${pointer}/max`, report)
  const source = own(given, "key")
  if (typeof source !== "string") return undefined
  const key = CompileFields.template(source, `${pointer}/key`, place, scope)
  if (key === undefined) return undefined
  if (key.constant && (source.length === 0 || source.length > keyLengthMax)) {
    const expected = `text of 1 to ${keyLengthMax} characters, or an expression such as \${ input.customer }`
    report.add("BAD_CONCURRENCY", `${pointer}/key`, "The key is empty or too long.", { expected })
  }
  if (key.references.roots.has("nodes")) {
    const message = "The key is asked for when a run is created: no node has a result yet."
    report.add("BAD_CONCURRENCY", `${pointer}/key`, message, { expected: "input, run" })
  }
  return { key, max, whenFull: own(given, "whenFull") === "refuse" ? "refuse" : "queue" }
}
