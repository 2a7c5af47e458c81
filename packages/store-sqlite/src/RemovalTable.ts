/**
 * How runs go. A removed run is gone at once: its row loses its name, in one small transaction. Its records and whatever
 * else has its number follow in bounded transactions, the row last, so that its number is not given to another run before
 * nothing of it is left; a process that dies between two of them leaves the rest to the next purge.
 */
import type { AgedQuery, AgedRuns } from "@baton/engine/RunRemoval"
import { lookedMax } from "@baton/engine/RunRemoval"
import { isFinished } from "@baton/engine/RunStore"
import type { Connection } from "./Connection.ts"
import * as MoveTable from "./MoveTable.ts"
import * as RunTable from "./RunTable.ts"
import * as WebhookTable from "./WebhookTable.ts"

/** The tenant of removed runs: no name of a tenant is empty. */
const nobody = ""

/** The run and all that it has started, at any depth. */
const familyOf = (connection: Connection, tenant: string, run: string): ReadonlyArray<string> => {
  const family = [run]
  for (const one of family) {
    const children = connection.all("SELECT run FROM run WHERE tenant = ? AND parent_run = ?", tenant, one)
    family.push(...children.map((row) => String(row["run"])))
  }
  return family
}

/**
 * Finished runs, their children among them: the names of each family that is gone. One that is not there, not finished or
 * still needed stays.
 */
export const remove = (
  connection: Connection,
  tenant: string,
  runs: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<string>> =>
  connection.write(() => runs.map((run) => removeOne(connection, tenant, run)).filter(({ length }) => length > 0))

const removeOne = (connection: Connection, tenant: string, run: string): ReadonlyArray<string> => {
  const found = RunTable.find(connection, tenant, run)
  if (found === undefined || !isFinished(found)) return []
  const parent = found.parent === undefined ? undefined : RunTable.find(connection, tenant, found.parent.run)
  if (parent !== undefined && !isFinished(parent)) return []
  const family = familyOf(connection, tenant, run)
  for (const one of family) {
    connection.run("DELETE FROM command WHERE tenant = ? AND run = ?", tenant, one)
    connection.run("DELETE FROM idempotency WHERE tenant = ? AND made = ?", tenant, one)
    const runNo = RunTable.numberOf(connection, tenant, one)
    if (runNo !== undefined) WebhookTable.forgetRun(connection, tenant, one, runNo)
    // What rings over all tenants must not ring for it.
    connection.run(
      "DELETE FROM timer WHERE run_no = (SELECT run_no FROM run WHERE tenant = ? AND run = ?)",
      tenant,
      one
    )
    connection.run(
      `UPDATE run SET tenant = ?, run = CAST(run_no AS TEXT), parent_run = NULL, lineage_run = NULL
          WHERE tenant = ? AND run = ?`,
      nobody,
      tenant,
      one
    )
  }
  return family
}

/** Where the rows of a run are, and what numbers them. */
const tables: ReadonlyArray<readonly [table: string, column: string]> = [
  ["journal", "record_no"],
  ["log_line", "n"],
  ["blob_reference", "blob_no"],
  ["door", "id"],
  ["dead_letter", "letter_no"],
  ["run_flow", "hash"],
  ["webhook_lane", "webhook_no"]
]

/** Deletes at most `rows` rows of one removed run; how many that were. */
const purgeOne = (connection: Connection, runNo: number, rows: number): number => {
  MoveTable.keepHighest(connection, runNo)
  let left = rows
  for (const [table, column] of tables) {
    left -= connection.run(
      `DELETE FROM ${table} WHERE run_no = ?1 AND ${column} IN
        (SELECT ${column} FROM ${table} WHERE run_no = ?1 LIMIT ?2)`,
      runNo,
      left
    )
    if (left <= 0) return rows
  }
  connection.run("DELETE FROM run WHERE run_no = ?", runNo)
  return rows - left + 1
}

/** At most about `rows` rows in one transaction; true when there is more. */
export const purge = (connection: Connection, rows: number): boolean => {
  const next = () => connection.get("SELECT run_no FROM run WHERE tenant = ? LIMIT 1", nobody)?.["run_no"]
  if (next() === undefined) return false
  // What is lost with the power is done again.
  return connection.writeRelaxed(() => {
    let left = rows
    for (let runNo = next(); runNo !== undefined; runNo = next()) {
      if (left <= 0) return true
      left -= purgeOne(connection, Number(runNo), left)
    }
    WebhookTable.rewind(connection)
    return false
  })
}

/** Whether nobody needs the run: neither what has started it, nor what was made from it or from what it has started. */
const mayGo = (connection: Connection, tenant: string, run: string, parent: string | undefined): boolean => {
  if (parent !== undefined && RunTable.numberOf(connection, tenant, parent) !== undefined) return false
  const family = familyOf(connection, tenant, run)
  const names = JSON.stringify(family)
  const open = connection.get(
    `SELECT 1 AS found FROM run
      WHERE tenant = ? AND run IN (SELECT value FROM json_each(?)) AND ended_at IS NULL LIMIT 1`,
    tenant,
    names
  )
  const made = connection.get(
    `SELECT 1 AS found FROM run
      WHERE tenant = ?1 AND lineage_run IN (SELECT value FROM json_each(?2))
        AND run NOT IN (SELECT value FROM json_each(?2)) LIMIT 1`,
    tenant,
    names
  )
  return open === undefined && made === undefined
}

/**
 * From the oldest on, up to a whole look at runs that are younger: a run ends after it was created. One whose clock was ahead
 * keeps none of those behind it.
 */
export const aged = (connection: Connection, { after = 0, before, limit, tenant }: AgedQuery): AgedRuns => {
  const rows = connection.all(
    `SELECT run_no, run, parent_run, created_at, ended_at FROM run WHERE tenant = ? AND run_no > ?
      ORDER BY run_no LIMIT ?`,
    tenant,
    after,
    lookedMax
  )
  const runs: Array<string> = []
  let looked = after
  let younger = 0
  for (const row of rows) {
    if (runs.length === limit) return { runs, next: looked }
    looked = Number(row["run_no"])
    if (Number(row["created_at"]) >= before) {
      younger += 1
      continue
    }
    const ended = row["ended_at"]
    if (ended === null || Number(ended) >= before) continue
    const parent = row["parent_run"]
    const run = String(row["run"])
    if (mayGo(connection, tenant, run, typeof parent === "string" ? parent : undefined)) runs.push(run)
  }
  return rows.length < lookedMax || younger === rows.length ? { runs } : { runs, next: looked }
}

/** One step of an index per tenant, however many runs there are. */
export const tenants = (connection: Connection): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let last = nobody;;) {
    const row = connection.get("SELECT tenant FROM run WHERE tenant > ? ORDER BY tenant LIMIT 1", last)
    if (row === undefined) return found
    last = String(row["tenant"])
    found.push(last)
  }
}
