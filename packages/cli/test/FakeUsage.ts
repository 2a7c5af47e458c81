/** Usage for tests of the command line: two flows, one of them with a model without a price. */
import { UsageClient, type UsageDocument } from "@baton/contract/UsageClient"
import * as Effect from "effect/Effect"

const used = (calls: number, knownCostUsd: number, isPriced: boolean): UsageDocument["total"] => ({
  runs: 1,
  calls,
  tokens: calls * 1_000,
  inputTokens: calls * 900,
  outputTokens: calls * 100,
  cachedTokens: 0,
  costUsd: isPriced ? knownCostUsd : null,
  knownCostUsd,
  estimated: false
})

export const make = (): UsageClient["Service"] =>
  UsageClient.of({
    summary: ({ by, limit, since }) =>
      Effect.succeed({
        schema: "baton.usage/1",
        by,
        since: since === undefined ? null : "2026-01-01T00:00:00.000Z",
        groups: [{ key: "report", ...used(3, 0.25, true) }, { key: "", ...used(1, 0, false) }].slice(0, limit),
        total: used(4, 0.25, false)
      }),
    report: () => Effect.void
  })
