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
