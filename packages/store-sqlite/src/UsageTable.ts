/** What runs have used, kept when the runs themselves are gone. */
import type { UsageGroup, UsageQuery, UsageRow } from "@baton/engine/RunStore"
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"

export const write = (connection: Connection, runNo: number, rows: ReadonlyArray<UsageRow>): void => {
  for (const row of rows) {
    connection.run(
      `INSERT INTO usage (tenant, run, flow, path, node, attempt, at, agent, model, calls, tokens, input_tokens,
        output_tokens, cached_tokens, nano_usd, unpriced, estimated)
        SELECT tenant, run, flow, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM run WHERE run_no = ?`,
      row.path,
      row.node,
      row.attempt,
      row.at,
      row.agent ?? null,
      row.model ?? null,
      row.calls,
      row.tokens,
      row.inputTokens ?? null,
      row.outputTokens ?? null,
      row.cachedTokens ?? null,
      row.nanoUsd,
      row.isUnpriced ? 1 : 0,
      row.isEstimated ? 1 : 0,
      runNo
    )
  }
}

/** What rows are gathered by; a name of ours, never of a caller. */
const keys: { readonly [by in UsageQuery["by"]]: string } = {
  flow: "flow",
  run: "run",
  model: "coalesce(model, '')",
  agent: "coalesce(agent, '')",
  day: "strftime('%Y-%m-%d', at / 1000, 'unixepoch')"
}

const Columns = Schema.Struct({
  key: Schema.String,
  runs: Schema.Int,
  calls: Schema.Int,
  tokens: Schema.Int,
  input: Schema.Int,
  output: Schema.Int,
  cached: Schema.Int,
  nano: Schema.Int,
  unpriced: Schema.Int,
  estimated: Schema.Int
})
const decode = Schema.decodeUnknownSync(Columns)

export const list = (connection: Connection, query: UsageQuery): ReadonlyArray<UsageGroup> => {
  const conditions: Array<readonly [sql: string, value: string | number]> = [["tenant = ?", query.tenant]]
  if (query.since !== undefined) conditions.push(["at >= ?", query.since])
  if (query.run !== undefined) conditions.push(["run = ?", query.run])
  if (query.flow !== undefined) conditions.push(["flow = ?", query.flow])
  const order = query.by === "day" ? "key DESC" : "nano DESC, tokens DESC, key"
  return connection.all(
    `SELECT ${keys[query.by]} AS key, count(DISTINCT run) AS runs, sum(calls) AS calls, sum(tokens) AS tokens,
      coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output,
      coalesce(sum(cached_tokens), 0) AS cached, sum(nano_usd) AS nano, max(unpriced) AS unpriced,
      max(estimated) AS estimated FROM usage
      WHERE ${conditions.map(([sql]) => sql).join(" AND ")} GROUP BY 1 ORDER BY ${order} LIMIT ?`,
    ...conditions.map(([, value]) => value),
    query.limit
  ).map((row) => {
    const { cached, estimated, input, nano, output, unpriced, ...rest } = decode(row)
    return {
      ...rest,
      inputTokens: input,
      outputTokens: output,
      cachedTokens: cached,
      nanoUsd: nano,
      isUnpriced: unpriced === 1,
      isEstimated: estimated === 1
    }
  })
}
