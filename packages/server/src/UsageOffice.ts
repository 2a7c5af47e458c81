/** What runs have used, from the store's table of it. */
import { UsageClient, type UsageDocument } from "@baton/contract/UsageClient"
import { timeText } from "@baton/contract/Wire"
import type { UsageGroup } from "@baton/engine/RunStore"
import { usdOf } from "@baton/kernel/Amounts"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RunControl from "./RunControl.ts"

/** Groups that a total is added up from; there are no more runs, models or days that anybody looks at in one go. */
const groupsMax = 1_000_000

const shown = ({ isEstimated, isUnpriced, key: _, nanoUsd, ...counts }: UsageGroup) => ({
  ...counts,
  costUsd: isUnpriced ? null : usdOf(nanoUsd),
  knownCostUsd: usdOf(nanoUsd),
  estimated: isEstimated
})

const nothing: UsageGroup = {
  key: "",
  runs: 0,
  calls: 0,
  tokens: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  nanoUsd: 0,
  isUnpriced: false,
  isEstimated: false
}

const add = (a: UsageGroup, b: UsageGroup): UsageGroup => ({
  key: "",
  runs: a.runs + b.runs,
  calls: a.calls + b.calls,
  tokens: a.tokens + b.tokens,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedTokens: a.cachedTokens + b.cachedTokens,
  nanoUsd: a.nanoUsd + b.nanoUsd,
  isUnpriced: a.isUnpriced || b.isUnpriced,
  isEstimated: a.isEstimated || b.isEstimated
})

export const make = (parts: Parts): UsageClient["Service"] =>
  UsageClient.of({
    summary: Effect.fnUntraced(function*({ limit, ...request }) {
      const ask = (by: typeof request.by) =>
        Effect.mapError(
          parts.store.usage({ tenant: parts.tenant, ...request, by, limit: groupsMax }),
          Answers.fromStore
        )
      const groups = yield* ask(request.by)
      // A run is in one group of its own kind only: counted there, none is counted twice.
      const total = (yield* ask("run")).reduce(add, nothing)
      const document: UsageDocument = {
        schema: "baton.usage/1",
        by: request.by,
        since: request.since === undefined ? null : timeText(request.since),
        groups: groups.slice(0, limit).map((group) => ({ key: group.key, ...shown(group) })),
        total: shown(total)
      }
      return document
    }),
    report: (run, path, attempt, usage) =>
      Effect.asVoid(
        RunControl.ask(parts, run, (at) => ({ type: "ReportUsage", at, by: parts.by, path, attempt, usage }))
      )
  })
