/**
 * Which runs have moved, by the number of their last record. SQLite gives the number after the highest one that is there:
 * so that none is given twice, the highest stays, empty, when its run is removed.
 */
import type { MoveQuery, Moves } from "@baton/engine/RunStore"
import type { Connection } from "./Connection.ts"

const highest = (connection: Connection): number =>
  Number(connection.get("SELECT MAX(record_no) AS position FROM journal")?.["position"] ?? 0)

/** Only a run's last record counts, so that a run with a long journal is told once. */
const select = (where: string): string =>
  `SELECT r.tenant, r.run, j.record_no AS position, j.seq + j.n - 1 AS head
    FROM journal j JOIN run r ON r.run_no = j.run_no
    WHERE j.record_no > ? AND r.tenant <> '' ${where}
      AND j.seq = (SELECT seq FROM journal WHERE run_no = j.run_no ORDER BY seq DESC LIMIT 1)
    ORDER BY j.record_no LIMIT ?`
const ofAll = select("")
const ofTenant = select("AND r.tenant = ?")

export const list = (connection: Connection, { after, limit, tenant }: MoveQuery): Moves => {
  // Asked first: what is written between the two is told again.
  const position = highest(connection)
  if (after === undefined || after === position) return { position, moves: [] }
  const rows = tenant === undefined
    ? connection.all(ofAll, after, limit)
    : connection.all(ofTenant, after, tenant, limit)
  const moves = rows.map((row) => ({
    tenant: String(row["tenant"]),
    run: String(row["run"]),
    head: Number(row["head"]),
    position: Number(row["position"])
  }))
  return { position: moves.length < limit ? position : moves.at(-1)?.position ?? position, moves }
}

/** Before a run's records go. */
export const keepHighest = (connection: Connection, runNo: number): void => {
  connection.run(
    "UPDATE journal SET run_no = -record_no, bytes = x'' WHERE run_no = ? AND record_no = ?",
    runNo,
    highest(connection)
  )
  connection.run("DELETE FROM journal WHERE run_no < 0 AND record_no < ?", highest(connection))
}
