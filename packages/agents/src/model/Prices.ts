/**
 * Prices of models, as data: US dollars per million tokens, as the providers listed them on {@link pricesAsOf}.
 *
 * A model that is not in the table has no price; it is never 0, and never guessed from a similar name. Operators replace or
 * extend the table by providing {@link PriceTable}.
 */
import type * as Response from "effect/ai/Response"
import * as Context from "effect/Context"

/** When the built-in list was last compared with the providers' price pages. */
export const pricesAsOf = "2025-10-15"

export interface Price {
  readonly input: number
  readonly output: number
  /** Input read from the provider's prompt cache; absent: as other input. */
  readonly cached?: number
  /** Input written to the prompt cache; absent: as other input. */
  readonly cacheWrite?: number
  /** Other prices for a call whose input is larger than this many tokens. */
  readonly above?: { readonly inputTokens: number; readonly price: Price }
}

const anthropic = (input: number, output: number): Price => ({
  input,
  output,
  cached: input / 10,
  cacheWrite: input * 1.25
})

export const builtIn: { readonly [model: string]: Price } = {
  "openai/gpt-5": { input: 1.25, output: 10, cached: 0.125 },
  "openai/gpt-5-mini": { input: 0.25, output: 2, cached: 0.025 },
  "openai/gpt-5-nano": { input: 0.05, output: 0.4, cached: 0.005 },
  "openai/gpt-4.1": { input: 2, output: 8, cached: 0.5 },
  "openai/gpt-4.1-mini": { input: 0.4, output: 1.6, cached: 0.1 },
  "openai/gpt-4.1-nano": { input: 0.1, output: 0.4, cached: 0.025 },
  "openai/gpt-4o": { input: 2.5, output: 10, cached: 1.25 },
  "openai/gpt-4o-mini": { input: 0.15, output: 0.6, cached: 0.075 },
  "openai/o3": { input: 2, output: 8, cached: 0.5 },
  "openai/o4-mini": { input: 1.1, output: 4.4, cached: 0.275 },
  "anthropic/claude-opus-4-1": anthropic(15, 75),
  "anthropic/claude-opus-4": anthropic(15, 75),
  "anthropic/claude-sonnet-4-5": anthropic(3, 15),
  "anthropic/claude-sonnet-4": anthropic(3, 15),
  "anthropic/claude-3-7-sonnet": anthropic(3, 15),
  "anthropic/claude-haiku-4-5": anthropic(1, 5),
  "anthropic/claude-3-5-haiku": anthropic(0.8, 4),
  "google/gemini-2.5-pro": {
    input: 1.25,
    output: 10,
    cached: 0.31,
    above: { inputTokens: 200_000, price: { input: 2.5, output: 15, cached: 0.625 } }
  },
  "google/gemini-2.5-flash": { input: 0.3, output: 2.5, cached: 0.075 },
  "google/gemini-2.5-flash-lite": { input: 0.1, output: 0.4, cached: 0.025 },
  "google/gemini-2.0-flash": { input: 0.1, output: 0.4, cached: 0.025 }
}

export class PriceTable extends Context.Reference<{ readonly [model: string]: Price }>("baton/agents/PriceTable", {
  defaultValue: () => builtIn
}) {}

/** The price of `provider/model`; a dated snapshot (`-2025-04-14`, `-20250514`, `-latest`) costs what its model costs. */
export const modelPrice = (table: { readonly [model: string]: Price }, model: string): Price | undefined => {
  const undated = model.replace(/-(latest|\d{8}|\d{4}-\d{2}-\d{2})$/, "")
  const name = [model, undated].find((name) => Object.hasOwn(table, name))
  return name === undefined ? undefined : table[name]
}

/** US dollars of one call; absent when the provider did not count both directions. */
export const cost = (price: Price, counts: typeof Response.Usage.Encoded): number | undefined => {
  const { inputTokens, outputTokens } = counts
  if (inputTokens.total === undefined || outputTokens.total === undefined) return undefined
  const { above } = price
  const row = above !== undefined && inputTokens.total > above.inputTokens ? above.price : price
  const read = inputTokens.cacheRead ?? 0
  const written = inputTokens.cacheWrite ?? 0
  const plain = Math.max(0, inputTokens.total - read - written)
  const micros = plain * row.input + read * (row.cached ?? row.input) + written * (row.cacheWrite ?? row.input) +
    outputTokens.total * row.output
  return micros / 1_000_000
}
