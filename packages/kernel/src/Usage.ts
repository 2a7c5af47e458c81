/** What a call used. Absent is unknown, which is never the same as zero. */
import * as Schema from "effect/Schema"

export const Usage = Schema.Struct({
  calls: Schema.optionalKey(Schema.Int),
  inputTokens: Schema.optionalKey(Schema.Int),
  outputTokens: Schema.optionalKey(Schema.Int),
  cachedTokens: Schema.optionalKey(Schema.Int),
  /** US dollars; absent when the price of the model is unknown. */
  costUsd: Schema.optionalKey(Schema.Finite),
  /** True when numbers are our estimate and not the provider's. */
  estimated: Schema.optionalKey(Schema.Boolean),
  model: Schema.optionalKey(Schema.String)
})
export type Usage = typeof Usage.Type

/** Whether calls were made whose price nobody knows. */
const isUnpriced = (usage: Usage): boolean => usage.costUsd === undefined && (usage.calls ?? 1) > 0

/**
 * Adds up what several calls used; counts that one of them does not know stay what the others know. A cost is known only
 * when each of them is: a sum that leaves one out would be too small.
 */
export const add = (a: Usage | undefined, b: Usage | undefined): Usage | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  const total: { -readonly [K in keyof Usage]: Usage[K] } = { ...a }
  for (const name of ["calls", "inputTokens", "outputTokens", "cachedTokens", "costUsd"] as const) {
    const more = b[name]
    if (more !== undefined) total[name] = (total[name] ?? 0) + more
  }
  if (isUnpriced(a) || isUnpriced(b)) delete total.costUsd
  if (b.estimated === true) total.estimated = true
  if (b.model !== undefined) total.model = b.model
  return total
}
