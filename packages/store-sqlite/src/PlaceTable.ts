/** Places of unfinished runs among those of their concurrency key: a row from the record that creates a run to the one that ends it. */
import type { PlaceChange, PlaceQuery, Places } from "@baton/engine/RunPlace"
import { holdersMax } from "@baton/engine/RunPlace"
import type { Connection } from "./Connection.ts"
import * as RunTable from "./RunTable.ts"

type Key = Pick<PlaceQuery, "tenant" | "flow" | "key">

const held = (connection: Connection, { flow, key, tenant }: Key): number =>
  Number(
    connection.get(
      "SELECT count(*) AS n FROM place WHERE tenant = ? AND flow = ? AND key = ? AND held = 1",
      tenant,
      flow,
      key
    )?.["n"] ?? 0
  )

/** The limit of the run that was created last. */
const maxOf = (connection: Connection, { flow, key, tenant }: Key): number | undefined => {
  const row = connection.get(
    "SELECT max FROM place WHERE tenant = ? AND flow = ? AND key = ? ORDER BY run_no DESC LIMIT 1",
    tenant,
    flow,
    key
  )
  return row === undefined ? undefined : Number(row["max"])
}

const holders = (connection: Connection, { flow, key, tenant }: Key): ReadonlyArray<string> =>
  connection.all(
    `SELECT r.run FROM place p JOIN run r ON r.run_no = p.run_no
      WHERE p.tenant = ? AND p.flow = ? AND p.key = ? AND p.held = 1 ORDER BY p.run_no LIMIT ?`,
    tenant,
    flow,
    key,
    holdersMax
  ).map((row) => String(row["run"]))

/** Under the write lock: nobody else takes a place meanwhile. Some of those that hold the places when none is free. */
export const occupied = (
  connection: Connection,
  tenant: string,
  { flow, key, max }: PlaceChange,
  isCreation: boolean
): ReadonlyArray<string> | undefined => {
  const runs = { tenant, flow, key }
  const limit = isCreation ? max : maxOf(connection, runs) ?? max
  return held(connection, runs) < limit ? undefined : holders(connection, runs)
}

export const write = (connection: Connection, runNo: number, tenant: string, change: PlaceChange): void => {
  const { flow, key, max, then } = change
  if (then === "gone") {
    connection.run(
      "DELETE FROM place WHERE tenant = ? AND flow = ? AND key = ? AND run_no = ?",
      tenant,
      flow,
      key,
      runNo
    )
    return
  }
  connection.run(
    `INSERT INTO place (tenant, flow, key, run_no, max, held) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant, flow, key, run_no) DO UPDATE SET held = excluded.held`,
    tenant,
    flow,
    key,
    runNo,
    max,
    then === "held" ? 1 : 0
  )
}

export const list = (connection: Connection, query: PlaceQuery): Places => {
  const { after, flow, key, limit, tenant } = query
  const first = after === undefined ? 0 : RunTable.numberOf(connection, tenant, after) ?? 0
  const waiting = connection.all(
    `SELECT r.run, r.owner, r.paused FROM place p JOIN run r ON r.run_no = p.run_no
      WHERE p.tenant = ? AND p.flow = ? AND p.key = ? AND p.run_no > ? AND p.held = 0 ORDER BY p.run_no LIMIT ?`,
    tenant,
    flow,
    key,
    first,
    limit
  )
  return {
    max: maxOf(connection, query) ?? 0,
    held: held(connection, query),
    holders: holders(connection, query),
    waiting: waiting.map((row) => ({
      run: String(row["run"]),
      owner: typeof row["owner"] === "string" ? row["owner"] : undefined,
      paused: Number(row["paused"]) === 1
    }))
  }
}
