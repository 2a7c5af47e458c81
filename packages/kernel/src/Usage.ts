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

/** Adds up what several calls used; what one of them does not know stays what the others know. */
export const add = (a: Usage | undefined, b: Usage | undefined): Usage | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  const total: { -readonly [K in keyof Usage]: Usage[K] } = { ...a }
  for (const name of ["calls", "inputTokens", "outputTokens", "cachedTokens", "costUsd"] as const) {
    const more = b[name]
    if (more !== undefined) total[name] = (total[name] ?? 0) + more
  }
  if (b.estimated === true) total.estimated = true
  if (b.model !== undefined) total.model = b.model
  return total
}
