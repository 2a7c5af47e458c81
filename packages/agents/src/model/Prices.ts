/**
 * Prices of models, as data: US dollars per million tokens, as the providers listed them; `prices.json` says when and where.
 *
 * A model that is not in the table has no price; it is never 0, and never guessed from a similar name. Operators replace or
 * extend the table by providing {@link PriceTable}.
 */
import type * as Response from "effect/ai/Response"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import list from "./prices.json" with { type: "json" }

const Dollars = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

const row = {
  input: Dollars,
  output: Dollars,
  /** Input read from the provider's prompt cache; absent: as other input. */
  cached: Schema.optionalKey(Dollars),
  /** Input written to the prompt cache; absent: as other input. */
  cacheWrite: Schema.optionalKey(Dollars)
}

export const Price = Schema.Struct({
  ...row,
  /** Other prices for a call whose input is larger than this many tokens. */
  above: Schema.optionalKey(Schema.Struct({ inputTokens: Schema.Int, price: Schema.Struct(row) })),
  /** When the price was looked up, and where. */
  date: Schema.optionalKey(Schema.String),
  source: Schema.optionalKey(Schema.String)
})
export type Price = typeof Price.Type

/** A list of prices as a file: the built-in one, and those of operators. */
export const PriceList = Schema.Struct({
  schema: Schema.optionalKey(Schema.Literal("baton.prices/1")),
  unit: Schema.optionalKey(Schema.String),
  asOf: Schema.String,
  models: Schema.Record(Schema.String, Price)
})
export type PriceList = typeof PriceList.Type

const listed = Schema.decodeUnknownSync(PriceList)(list)

/** When the built-in list was last compared with the providers' price pages. */
export const pricesAsOf = listed.asOf

export const builtIn: { readonly [model: string]: Price } = listed.models

export class PriceTable extends Context.Reference<{
  /** The date of the newest list in it. */
  readonly asOf: string
  readonly models: { readonly [model: string]: Price }
}>("baton/agents/PriceTable", {
  defaultValue: () => ({ asOf: pricesAsOf, models: builtIn })
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
