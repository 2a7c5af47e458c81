/** What waits for people: written with the record that opens or closes it, listed over all runs of a tenant. */
import type { Commit, DoorQuery, OpenDoor } from "@baton/engine/RunStore"
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"

export const write = (
  connection: Connection,
  runNo: number,
  at: number,
  { clear, set }: NonNullable<Commit["doors"]>
): void => {
  for (const id of clear) {
    connection.run("UPDATE door SET closed_at = ? WHERE run_no = ? AND id = ? AND closed_at IS NULL", at, runNo, id)
  }
  for (const { data, dueAt, id, kind, path, since, title } of set) {
    connection.run(
      `INSERT INTO door (run_no, id, path, kind, since, due_at, closed_at, title, data)
        VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?)
        ON CONFLICT (run_no, id) DO UPDATE SET path = excluded.path, kind = excluded.kind, since = excluded.since,
          due_at = excluded.due_at, closed_at = NULL, title = excluded.title, data = excluded.data`,
      runNo,
      id,
      path,
      kind,
      since,
      dueAt ?? null,
      title,
      JSON.stringify(data)
    )
  }
}

const DoorColumns = Schema.Struct({
  tenant: Schema.String,
  run: Schema.String,
  flow: Schema.String,
  id: Schema.String,
  path: Schema.String,
  kind: Schema.String,
  since: Schema.Number,
  due_at: Schema.NullOr(Schema.Number),
  closed_at: Schema.NullOr(Schema.Number),
  title: Schema.String,
  data: Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))
})
const decodeDoor = Schema.decodeUnknownSync(DoorColumns)

type Condition = readonly [sql: string, ...values: ReadonlyArray<string | number>]

export const list = (connection: Connection, query: DoorQuery): ReadonlyArray<OpenDoor> => {
  const conditions: Array<Condition> = [["r.tenant = ?", query.tenant]]
  if (query.after !== undefined) {
    const after = connection.get(
      "SELECT d.since FROM door d JOIN run r ON r.run_no = d.run_no WHERE r.tenant = ? AND d.id = ?",
      query.tenant,
      query.after
    )
    if (after === undefined) return []
    conditions.push(["(d.since, d.id) > (?, ?)", Number(after["since"]), query.after])
  }
  if (query.closed !== true) conditions.push(["d.closed_at IS NULL"])
  if (query.id !== undefined) conditions.push(["d.id = ?", query.id])
  if (query.run !== undefined) conditions.push(["r.run = ?", query.run])
  if (query.kinds !== undefined) {
    conditions.push(["d.kind IN (SELECT value FROM json_each(?))", JSON.stringify(query.kinds)])
  }
  const rows = connection.all(
    `SELECT r.tenant, r.run, r.flow, d.id, d.path, d.kind, d.since, d.due_at, d.closed_at, d.title, d.data
      FROM door d JOIN run r ON r.run_no = d.run_no
      WHERE ${conditions.map(([sql]) => sql).join(" AND ")} ORDER BY d.since, d.id LIMIT ?`,
    ...conditions.flatMap(([, ...values]) => values),
    query.limit
  )
  return rows.map((row) => {
    const { closed_at, due_at, ...rest } = decodeDoor(row)
    return { ...rest, dueAt: due_at ?? undefined, closedAt: closed_at ?? undefined }
  })
}
