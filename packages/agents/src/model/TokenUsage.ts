/** Token counts, in the shape of `effect/ai`; what a provider does not say stays unknown. */
import type { Usage } from "@baton/kernel/Usage"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import type { ModelNotes } from "./ModelNotes.ts"
import * as Prices from "./Prices.ts"

type Counts = typeof Response.Usage.Encoded

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : a + b

export const add = (a: Counts, b: Counts): Counts => ({
  inputTokens: {
    uncached: sum(a.inputTokens.uncached, b.inputTokens.uncached),
    total: sum(a.inputTokens.total, b.inputTokens.total),
    cacheRead: sum(a.inputTokens.cacheRead, b.inputTokens.cacheRead),
    cacheWrite: sum(a.inputTokens.cacheWrite, b.inputTokens.cacheWrite)
  },
  outputTokens: {
    total: sum(a.outputTokens.total, b.outputTokens.total),
    text: sum(a.outputTokens.text, b.outputTokens.text),
    reasoning: sum(a.outputTokens.reasoning, b.outputTokens.reasoning)
  }
})

/** What one call used, priced; the provider's own price wins over the table. */
export const toUsage = Effect.fnUntraced(function*(provider: string, model: string, counts: Counts, notes: ModelNotes) {
  const price = Prices.modelPrice((yield* Prices.PriceTable).models, `${provider}/${model}`)
  const costUsd = notes.costUsd ?? (price === undefined ? undefined : Prices.cost(price, counts))
  const usage: Usage = {
    calls: notes.calls ?? 1,
    model: `${provider}/${model}`,
    ...optional("inputTokens", counts.inputTokens.total),
    ...optional("outputTokens", counts.outputTokens.total),
    ...optional("cachedTokens", counts.inputTokens.cacheRead),
    ...optional("costUsd", costUsd)
  }
  return usage
})

/** The usage of several calls of one model; a cost is known only when each of them is. */
export const total = (usages: ReadonlyArray<Usage>): Usage | undefined => {
  const [first, ...rest] = usages
  if (first === undefined) return undefined
  return rest.reduce((all, one): Usage => ({
    ...(all.model === undefined ? {} : { model: all.model }),
    calls: (all.calls ?? 1) + (one.calls ?? 1),
    ...optional("inputTokens", sum(all.inputTokens, one.inputTokens)),
    ...optional("outputTokens", sum(all.outputTokens, one.outputTokens)),
    ...optional("cachedTokens", sum(all.cachedTokens, one.cachedTokens)),
    ...(all.costUsd === undefined || one.costUsd === undefined ? {} : { costUsd: all.costUsd + one.costUsd })
  }), first)
}

const optional = <K extends string>(key: K, value: number | undefined): { readonly [_ in K]?: number } =>
  value === undefined ? {} : { [key]: value } as { readonly [_ in K]: number }
