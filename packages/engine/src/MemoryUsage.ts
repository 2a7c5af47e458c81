/** Usage in memory, added up. */
import * as DateTime from "effect/DateTime"
import type { MemoryUsage } from "./MemoryState.ts"
import type { UsageGroup, UsageQuery } from "./RunStore.ts"

const dayOf = (at: number): string => DateTime.formatIsoDateUtc(DateTime.makeUnsafe(at))

const keyOf = (row: MemoryUsage, by: UsageQuery["by"]): string => by === "day" ? dayOf(row.at) : row[by] ?? ""

const groupOf = (key: string, rows: ReadonlyArray<MemoryUsage>): UsageGroup => {
  const sum = (member: "calls" | "tokens" | "inputTokens" | "outputTokens" | "cachedTokens" | "nanoUsd"): number =>
    rows.reduce((total, row) => total + (row[member] ?? 0), 0)
  return {
    key,
    runs: new Set(rows.map(({ run }) => run)).size,
    calls: sum("calls"),
    tokens: sum("tokens"),
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cachedTokens: sum("cachedTokens"),
    nanoUsd: sum("nanoUsd"),
    isUnpriced: rows.some(({ isUnpriced }) => isUnpriced),
    isEstimated: rows.some(({ isEstimated }) => isEstimated)
  }
}

const newestFirst = (a: UsageGroup, b: UsageGroup): number => a.key < b.key ? 1 : -1
const dearestFirst = (a: UsageGroup, b: UsageGroup): number =>
  b.nanoUsd - a.nanoUsd || b.tokens - a.tokens || (a.key < b.key ? -1 : 1)

export const list = (rows: ReadonlyArray<MemoryUsage>, query: UsageQuery): ReadonlyArray<UsageGroup> => {
  const groups = new Map<string, Array<MemoryUsage>>()
  for (const row of rows) {
    if (row.tenant !== query.tenant || (query.since !== undefined && row.at < query.since)) continue
    if ((query.run ?? row.run) !== row.run || (query.flow ?? row.flow) !== row.flow) continue
    const key = keyOf(row, query.by)
    groups.set(key, [...groups.get(key) ?? [], row])
  }
  return [...groups]
    .map(([key, found]) => groupOf(key, found))
    .sort(query.by === "day" ? newestFirst : dearestFirst)
    .slice(0, query.limit)
}
