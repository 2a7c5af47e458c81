/** What is read of runs: their rows, records, timers and dead letters; and how they go. */
import * as RecordHash from "@baton/engine/RecordHash"
import { type JournalRecord, type RunQuery, type RunRow, RunStoreError, type TimerRow } from "@baton/engine/RunStore"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"

const Tags = Schema.Record(Schema.String, Schema.String)

const RunColumns = Schema.Struct({
  run_no: Schema.Int,
  tenant: Schema.String,
  run: Schema.String,
  flow: Schema.String,
  version: Schema.String,
  flow_hash: Schema.String,
  status: Schema.Literals([
    "pending",
    "planning",
    "running",
    "waiting",
    "succeeded",
    "warned",
    "failed",
    "cancelled"
  ]),
  paused: Schema.Int,
  code: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String),
  semantics: Schema.Int,
  created_at: Schema.Number,
  ended_at: Schema.NullOr(Schema.Number),
  tags: Schema.fromJsonString(Tags),
  parent_run: Schema.NullOr(Schema.String),
  parent_path: Schema.NullOr(Schema.String),
  parent_attempt: Schema.NullOr(Schema.Int),
  depth: Schema.Int,
  owner: Schema.NullOr(Schema.String),
  epoch: Schema.Int,
  head: Schema.Int,
  hash: Schema.Uint8Array
})
const decodeRun = Schema.decodeUnknownSync(RunColumns)

const selectRun = `SELECT r.*, j.seq + j.n - 1 AS head, j.hash FROM run r
  JOIN journal j ON j.record_no =
    (SELECT record_no FROM journal WHERE run_no = r.run_no ORDER BY seq DESC LIMIT 1)`

const toRun = (row: Row): RunRow => {
  const { code, created_at, ended_at, flow_hash, owner, paused, reason, run_no: _, ...columns } = decodeRun(row)
  const { depth, parent_attempt: attempt, parent_path: path, parent_run: parent, ...rest } = columns
  return {
    ...rest,
    ...(parent === null || path === null || attempt === null ? {} : { parent: { run: parent, path, attempt, depth } }),
    flowHash: flow_hash,
    paused: paused === 1,
    code: code ?? undefined,
    reason: reason ?? undefined,
    createdAt: created_at,
    endedAt: ended_at ?? undefined,
    owner: owner ?? undefined
  }
}

export const numberOf = (connection: Connection, tenant: string, run: string): number | undefined => {
  const row = connection.get("SELECT run_no FROM run WHERE tenant = ? AND run = ?", tenant, run)
  return row === undefined ? undefined : Number(row["run_no"])
}

export const find = (connection: Connection, tenant: string, run: string): RunRow | undefined => {
  const row = connection.get(`${selectRun} WHERE r.tenant = ? AND r.run = ?`, tenant, run)
  return row === undefined ? undefined : toRun(row)
}

export const list = (connection: Connection, query: RunQuery): ReadonlyArray<RunRow> => {
  const after = query.after === undefined ? undefined : numberOf(connection, query.tenant, query.after)
  if (query.after !== undefined && after === undefined) return []
  const conditions: Array<readonly [sql: string, ...values: ReadonlyArray<string | number>]> = [
    ["r.tenant = ?", query.tenant]
  ]
  if (after !== undefined) conditions.push(["r.run_no < ?", after])
  if (query.flow !== undefined) conditions.push(["r.flow = ?", query.flow])
  if (query.parent !== undefined) conditions.push(["r.parent_run = ?", query.parent])
  if (query.roots === true) conditions.push(["r.parent_run IS NULL"])
  if (query.createdAfter !== undefined) conditions.push(["r.created_at > ?", query.createdAfter])
  if (query.createdBefore !== undefined) conditions.push(["r.created_at < ?", query.createdBefore])
  if (query.status !== undefined) {
    conditions.push(["r.status IN (SELECT value FROM json_each(?))", JSON.stringify(query.status)])
  }
  const where = conditions.map(([sql]) => sql).join(" AND ")
  return connection.all(
    `${selectRun} WHERE ${where} ORDER BY r.run_no DESC LIMIT ?`,
    ...conditions.flatMap(([, ...values]) => values),
    query.limit
  ).map(toRun)
}

const RecordColumns = Schema.Struct({
  seq: Schema.Int,
  n: Schema.Int,
  hash: Schema.Uint8Array,
  bytes: Schema.Uint8Array
})
const decodeRecord = Schema.decodeUnknownSync(RecordColumns)

/** The hash of the record before the one that begins at or after `after + 1`; empty at the start. */
const hashBefore = (connection: Connection, runNo: number, after: number): Uint8Array => {
  const row = connection.get(
    "SELECT hash FROM journal WHERE run_no = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
    runNo,
    after
  )
  return row?.["hash"] instanceof Uint8Array ? row["hash"] : new Uint8Array()
}

const damaged = (run: string, seq: number): RunStoreError =>
  new RunStoreError({
    reason: "corrupt",
    message: `Record ${seq} of run ${run} does not match its hash. Restore the store from a backup.`
  })

/** The chain after `after`, verified record by record. */
export const records = (
  connection: Connection,
  tenant: string,
  run: string,
  after: number,
  limit: number
): ReadonlyArray<JournalRecord> => {
  const runNo = numberOf(connection, tenant, run)
  if (runNo === undefined) return []
  const rows = connection.all(
    "SELECT seq, n, hash, bytes FROM journal WHERE run_no = ? AND seq > ? ORDER BY seq LIMIT ?",
    runNo,
    after,
    limit
  )
  let previous = rows.length === 0 ? new Uint8Array() : hashBefore(connection, runNo, after)
  return rows.map((row) => {
    const record = decodeRecord(row)
    if (!RecordHash.equals(RecordHash.next(previous, record.bytes), record.hash)) throw damaged(run, record.seq)
    previous = record.hash
    return record
  })
}

/** Records that `firstFault` holds in memory at a time. */
const verifiedAtOnce = 256

/** The first record of a run whose hash, or place in the sequence, is not what it must be. */
export const firstFault = (
  connection: Connection,
  tenant: string,
  run: string
): { readonly tenant: string; readonly run: string; readonly seq: number } | undefined => {
  const runNo = numberOf(connection, tenant, run)
  if (runNo === undefined) return undefined
  let previous: Uint8Array = new Uint8Array()
  let next = 1
  while (true) {
    const rows = connection.all(
      "SELECT seq, n, hash, bytes FROM journal WHERE run_no = ? AND seq >= ? ORDER BY seq LIMIT ?",
      runNo,
      next,
      verifiedAtOnce
    )
    if (rows.length === 0) return next === 1 ? { tenant, run, seq: 1 } : undefined
    for (const { bytes, hash, n, seq } of rows.map((row) => decodeRecord(row))) {
      if (seq !== next || !RecordHash.equals(RecordHash.next(previous, bytes), hash)) return { tenant, run, seq: next }
      previous = hash
      next = seq + n
    }
  }
}

export const names = (connection: Connection): ReadonlyArray<{ readonly tenant: string; readonly run: string }> =>
  connection.all("SELECT tenant, run FROM run WHERE tenant <> '' ORDER BY run_no")
    .map((row) => ({ tenant: String(row["tenant"]), run: String(row["run"]) }))

const toTimer = (row: Row): TimerRow & { tenant: string; run: string } => ({
  tenant: String(row["tenant"]),
  run: String(row["run"]),
  path: String(row["path"]),
  kind: String(row["kind"]),
  n: Number(row["n"]),
  due: Number(row["due"])
})

export const dueTimers = (connection: Connection, now: number, limit: number, owner: string | undefined) =>
  connection.all(
    `SELECT r.tenant, r.run, t.path, t.kind, t.n, t.due FROM timer t JOIN run r ON r.run_no = t.run_no
      WHERE t.due <= ? ${owner === undefined ? "" : "AND r.owner = ?"} ORDER BY t.due LIMIT ?`,
    now,
    ...owner === undefined ? [] : [owner],
    limit
  ).map(toTimer)

export const nextTimer = (connection: Connection, owner: string | undefined): number | undefined => {
  const row = owner === undefined
    ? connection.get("SELECT due FROM timer ORDER BY due LIMIT 1")
    : connection.get(
      "SELECT t.due FROM timer t JOIN run r ON r.run_no = t.run_no WHERE r.owner = ? ORDER BY t.due LIMIT 1",
      owner
    )
  return row === undefined ? undefined : Number(row["due"])
}
