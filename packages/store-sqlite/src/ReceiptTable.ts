/** Rows of `receipt` and `receipt_count`. A cache: written without a sync of its own. */
import type { Receipt, ReceiptQuery, ReceiptStats, ReceiptUse } from "@baton/engine/ReceiptStore"
import { receiptsMax } from "@baton/engine/ReceiptStore"
import { partNames } from "@baton/kernel/Receipt"
import { Value } from "@baton/kernel/Value"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"

const Columns = Schema.Struct({
  key: Schema.String,
  flow: Schema.String,
  node: Schema.String,
  parts: Schema.fromJsonString(Schema.Record(Schema.Literals(partNames), Schema.String)),
  output: Schema.fromJsonString(Value),
  agent: Schema.NullOr(Schema.String),
  run: Schema.String,
  path: Schema.String,
  at: Schema.Number,
  expires_at: Schema.Number
})
const decode = Schema.decodeUnknownSync(Columns)

const toReceipt = (row: Row | undefined): Receipt | undefined => {
  if (row === undefined) return undefined
  const { agent, expires_at, ...rest } = decode(row)
  return { ...rest, ...(agent === null ? {} : { agent }), expiresAt: expires_at }
}

const columns = "key, flow, node, parts, output, agent, run, path, at, expires_at"

export const find = (connection: Connection, tenant: string, key: string): Receipt | undefined =>
  toReceipt(connection.get(`SELECT ${columns} FROM receipt WHERE tenant = ? AND key = ?`, tenant, key))

export const last = (connection: Connection, tenant: string, flow: string, node: string): Receipt | undefined =>
  toReceipt(connection.get(
    `SELECT ${columns} FROM receipt WHERE tenant = ? AND flow = ? AND node = ? ORDER BY at DESC LIMIT 1`,
    tenant,
    flow,
    node
  ))

const nextUse = (connection: Connection, tenant: string): number =>
  Number(connection.get("SELECT max(used) AS used FROM receipt WHERE tenant = ?", tenant)?.["used"] ?? 0) + 1

export const put = (connection: Connection, tenant: string, receipt: Receipt): void =>
  connection.writeRelaxed(() => {
    const { agent = null, at, expiresAt, flow, key, node, output, parts, path, run } = receipt
    connection.run(
      `INSERT OR REPLACE INTO receipt (tenant, ${columns}, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      tenant,
      key,
      flow,
      node,
      JSON.stringify(parts),
      JSON.stringify(output),
      agent,
      run,
      path,
      at,
      expiresAt,
      nextUse(connection, tenant)
    )
    connection.run(
      `DELETE FROM receipt WHERE tenant = ?1 AND used <=
        (SELECT used FROM receipt WHERE tenant = ?1 ORDER BY used DESC LIMIT 1 OFFSET ?2)`,
      tenant,
      receiptsMax
    )
  })

export const use = (connection: Connection, tenant: string, { flow, hit, key, node }: ReceiptUse): void =>
  connection.writeRelaxed(() => {
    connection.run(
      `INSERT INTO receipt_count (tenant, flow, node, hits, misses) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (tenant, flow, node) DO UPDATE SET hits = hits + excluded.hits, misses = misses + excluded.misses`,
      tenant,
      flow,
      node,
      hit ? 1 : 0,
      hit ? 0 : 1
    )
    if (!hit) return
    connection.run(
      "UPDATE receipt SET used = ? WHERE tenant = ? AND key = ?",
      nextUse(connection, tenant),
      tenant,
      key
    )
  })

const StatsColumns = Schema.Struct({
  flow: Schema.String,
  node: Schema.String,
  entries: Schema.Number,
  hits: Schema.Number,
  misses: Schema.Number
})
const decodeStats = Schema.decodeUnknownSync(StatsColumns)

export const stats = (connection: Connection, tenant: string): ReadonlyArray<ReceiptStats> =>
  connection.all(
    `SELECT flow, node, sum(entries) AS entries, sum(hits) AS hits, sum(misses) AS misses FROM (
        SELECT flow, node, 1 AS entries, 0 AS hits, 0 AS misses FROM receipt WHERE tenant = ?1
        UNION ALL SELECT flow, node, 0, hits, misses FROM receipt_count WHERE tenant = ?1
      ) GROUP BY flow, node ORDER BY flow, node`,
    tenant
  ).map((row) => decodeStats(row))

export const clear = (connection: Connection, tenant: string, { flow, node }: ReceiptQuery): number =>
  connection.writeRelaxed(() => {
    const asked = "tenant = ?1 AND (?2 IS NULL OR flow = ?2) AND (?3 IS NULL OR node = ?3)"
    const values = [tenant, flow ?? null, node ?? null]
    connection.run(`DELETE FROM receipt_count WHERE ${asked}`, ...values)
    return connection.run(`DELETE FROM receipt WHERE ${asked}`, ...values)
  })
