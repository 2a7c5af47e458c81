/**
 * Rows of `webhook_relay` and `webhook_lane`: how far the journal was read for webhooks, and how far each run was sent to
 * each of them. All of it can be derived again from an older state, so that no write here waits for the disk.
 */
import type { Backlog, Full, Lane, Progress, Webhook } from "@baton/engine/WebhookStore"
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"
import * as DeliveryTable from "./DeliveryTable.ts"
import * as SessionLock from "./SessionLock.ts"
import * as WebhookTable from "./WebhookTable.ts"

const seatOf = (connection: Connection): string | undefined => {
  const session = connection.get("SELECT session FROM webhook_relay")?.["session"]
  return typeof session === "string" ? session : undefined
}

/** The seat is taken from nobody who lives. `folder` holds the session files; none in memory. */
export const takeSeat = (connection: Connection, session: string, folder: string | undefined): boolean => {
  if (seatOf(connection) === session) return true
  return connection.write(() => {
    const holder = seatOf(connection)
    if (holder !== undefined && folder !== undefined && SessionLock.isAlive(folder, holder)) return false
    connection.run("UPDATE webhook_relay SET session = ?", session)
    return true
  })
}

export const leaveSeat = (connection: Connection, session: string): void =>
  connection.write(() => {
    connection.run("UPDATE webhook_relay SET session = NULL WHERE session = ?", session)
  })

/** The newest of the next records: their numbers may have gaps. */
const nextRecord = (connection: Connection, after: number, limit: number) => {
  const row = connection.get(
    `SELECT count(*) AS records, max(record_no) AS last FROM
      (SELECT record_no FROM journal WHERE record_no > ? ORDER BY record_no LIMIT ?)`,
    after,
    limit
  )
  return { records: Number(row?.["records"] ?? 0), last: Number(row?.["last"] ?? after) }
}

const hasTags = `NOT EXISTS (SELECT 1 FROM json_each(w.tags) t WHERE NOT EXISTS
  (SELECT 1 FROM json_each(r.tags) s WHERE s.key = t.key AND s.value = t.value))`

/** Two ways to a webhook, each along its index: over all runs, and of the one run. */
const matches = [
  `w.scope IN ('tenant', 'environment') AND (w.scope = 'environment' OR w.tenant = r.tenant)
    AND (w.flow IS NULL OR w.flow = r.flow) AND ${hasTags}`,
  "w.scope = 'run' AND w.tenant = r.tenant AND w.run = r.run"
]

const relayed = (match: string) =>
  `INSERT INTO webhook_lane (webhook_no, run_no, sent, head, attempts, failing_since, due_at)
    SELECT w.webhook_no, j.run_no, min(j.seq) - 1, max(j.seq + j.n - 1), 0, NULL, ?
      FROM journal j JOIN run r ON r.run_no = j.run_no JOIN webhook w ON ${match}
      WHERE j.record_no > ? AND j.record_no <= ? AND j.record_no > w.from_record AND w.state = 'active'
      GROUP BY w.webhook_no, j.run_no
    ON CONFLICT (webhook_no, run_no) DO UPDATE SET head = max(head, excluded.head)`

export const relay = (connection: Connection, limit: number, now: number): number => {
  const read = () => Number(connection.get("SELECT record_no FROM webhook_relay")?.["record_no"] ?? 0)
  if (nextRecord(connection, read(), 1).records === 0) return 0
  return connection.writeRelaxed(() => {
    const after = read()
    const { last, records } = nextRecord(connection, after, limit)
    for (const match of matches) connection.run(relayed(match), now, after, last)
    connection.run("UPDATE webhook_relay SET record_no = ?", last)
    return records
  })
}

const LaneColumns = Schema.Struct({
  lane_tenant: Schema.String,
  lane_run: Schema.String,
  sent: Schema.Number,
  head: Schema.Number,
  attempts: Schema.Number,
  failing_since: Schema.NullOr(Schema.Number)
})
const decode = Schema.decodeUnknownSync(LaneColumns)

export const due = (
  connection: Connection,
  now: number,
  limit: number,
  except: Full
): ReadonlyArray<Lane & { readonly owner: Webhook }> => {
  const owners = new Map<unknown, Webhook>()
  return connection.all(
    `SELECT r.tenant AS lane_tenant, r.run AS lane_run, l.sent, l.head, l.attempts, l.failing_since,
        ${WebhookTable.columns}
      FROM webhook_lane l JOIN webhook w ON w.webhook_no = l.webhook_no JOIN run r ON r.run_no = l.run_no
      WHERE l.sent < l.head AND l.due_at <= ? AND w.state = 'active'
        AND w.id NOT IN (SELECT value FROM json_each(?)) AND w.tenant NOT IN (SELECT value FROM json_each(?))
      ORDER BY l.due_at LIMIT ?`,
    now,
    JSON.stringify(except.webhooks),
    JSON.stringify(except.tenants),
    limit
  ).map((row) => {
    const { attempts, failing_since, head, lane_run, lane_tenant, sent } = decode(row)
    const owner = owners.get(row["id"]) ?? WebhookTable.toWebhook(row)
    owners.set(owner.id, owner)
    const lane = { webhook: owner.id, tenant: lane_tenant, run: lane_run, sent, head, attempts }
    return { ...lane, failingSince: failing_since ?? undefined, owner }
  })
}

const numbers = (connection: Connection, { run, tenant, webhook }: Progress["lane"]) => {
  const row = connection.get(
    `SELECT w.webhook_no, r.run_no, r.ended_at FROM webhook w JOIN run r ON r.tenant = ? AND r.run = ? WHERE w.id = ?`,
    tenant,
    run,
    webhook
  )
  return row === undefined
    ? undefined
    : { webhook: Number(row["webhook_no"]), run: Number(row["run_no"]), isOver: row["ended_at"] !== null }
}

/** A run that has been removed meanwhile leaves nothing behind. */
export const progress = (connection: Connection, progress: Progress): void =>
  connection.writeRelaxed(() => {
    const no = numbers(connection, progress.lane)
    if (no === undefined) return
    connection.run(
      `UPDATE webhook_lane SET sent = ?, attempts = ?, failing_since = ?, due_at = ?
        WHERE webhook_no = ? AND run_no = ?`,
      progress.sent,
      progress.attempts,
      progress.failingSince ?? null,
      progress.dueAt,
      no.webhook,
      no.run
    )
    if (progress.delivery !== undefined) DeliveryTable.write(connection, no.webhook, progress.delivery)
    // What is noted of a run after its end (a delivery was given up) has a lane again, and leaves none either.
    if (no.isOver) {
      connection.run(
        "DELETE FROM webhook_lane WHERE webhook_no = ? AND run_no = ? AND sent >= head",
        no.webhook,
        no.run
      )
    }
    if (!progress.ended) return
    connection.run("UPDATE webhook SET state = 'ended' WHERE webhook_no = ? AND scope = 'run'", no.webhook)
  })

export const waiting = (connection: Connection): number =>
  Number(connection.get("SELECT coalesce(sum(head - sent), 0) AS n FROM webhook_lane WHERE sent < head")?.["n"])

export const backlog = (connection: Connection, tenant: string): ReadonlyArray<Backlog> =>
  connection.all(
    `SELECT w.id, count(*) AS runs, sum(l.attempts > 0) AS failing, min(l.failing_since) AS since
      FROM webhook_lane l JOIN webhook w ON w.webhook_no = l.webhook_no
      WHERE l.sent < l.head AND w.tenant = ? GROUP BY w.id ORDER BY w.id`,
    tenant
  ).map((row) => ({
    webhook: String(row["id"]),
    runs: Number(row["runs"]),
    failing: Number(row["failing"]),
    failingSince: row["since"] === null ? undefined : Number(row["since"])
  }))
