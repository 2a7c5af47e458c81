/** Rows of `webhook_delivery`: the log of deliveries, bounded per webhook; an event has one line however often it is sent. */
import type { Delivery, DeliveryQuery, Webhook } from "@baton/engine/WebhookStore"
import { deliveriesKept } from "@baton/engine/WebhookStore"
import { DeliveryState } from "@baton/kernel/Webhook"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"
import * as WebhookTable from "./WebhookTable.ts"

/** The log is cut back once in so many lines. */
const cutEvery = 64

/** The line of an event keeps its id and counts its attempts on. */
export const write = (connection: Connection, webhookNo: number, delivery: Delivery): void => {
  const no = connection.insert(
    `INSERT INTO webhook_delivery (id, webhook_no, tenant, run, seq, type, state, attempts, status, code, message,
        latency_ms, at, due_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET state = excluded.state, attempts = excluded.attempts, status = excluded.status,
        code = excluded.code, message = excluded.message, latency_ms = excluded.latency_ms, at = excluded.at,
        due_at = excluded.due_at`,
    delivery.id,
    webhookNo,
    delivery.tenant,
    delivery.run ?? null,
    delivery.seq ?? null,
    delivery.type,
    delivery.state,
    delivery.attempts,
    delivery.status ?? null,
    delivery.code ?? null,
    delivery.message ?? null,
    delivery.latencyMs ?? null,
    delivery.at,
    delivery.dueAt ?? null
  )
  if (no % cutEvery !== 0) return
  connection.run(
    `DELETE FROM webhook_delivery WHERE webhook_no = ?1 AND delivery_no <=
      (SELECT delivery_no FROM webhook_delivery WHERE webhook_no = ?1 ORDER BY delivery_no DESC LIMIT 1 OFFSET ?2)`,
    webhookNo,
    deliveriesKept
  )
}

export const note = (connection: Connection, delivery: Delivery): void =>
  connection.writeRelaxed(() => {
    const no = connection.get("SELECT webhook_no FROM webhook WHERE id = ?", delivery.webhook)?.["webhook_no"]
    if (no !== undefined) write(connection, Number(no), delivery)
  })

const Columns = Schema.Struct({
  delivery_id: Schema.String,
  webhook: Schema.String,
  delivery_tenant: Schema.String,
  delivery_run: Schema.NullOr(Schema.String),
  seq: Schema.NullOr(Schema.Number),
  type: Schema.String,
  delivery_state: DeliveryState,
  attempts: Schema.Number,
  status: Schema.NullOr(Schema.Number),
  code: Schema.NullOr(Schema.String),
  message: Schema.NullOr(Schema.String),
  latency_ms: Schema.NullOr(Schema.Number),
  at: Schema.Number,
  due_at: Schema.NullOr(Schema.Number)
})
const decode = Schema.decodeUnknownSync(Columns)

const selected =
  `d.id AS delivery_id, w.id AS webhook, d.tenant AS delivery_tenant, d.run AS delivery_run, d.seq, d.type,
  d.state AS delivery_state, d.attempts, d.status, d.code, d.message, d.latency_ms, d.at, d.due_at`
const joined = "webhook_delivery d JOIN webhook w ON w.webhook_no = d.webhook_no"

const toDelivery = (row: Row): Delivery => {
  const found = decode(row)
  return {
    id: found.delivery_id,
    webhook: found.webhook,
    tenant: found.delivery_tenant,
    run: found.delivery_run ?? undefined,
    seq: found.seq ?? undefined,
    type: found.type,
    state: found.delivery_state,
    attempts: found.attempts,
    status: found.status ?? undefined,
    code: found.code ?? undefined,
    message: found.message ?? undefined,
    latencyMs: found.latency_ms ?? undefined,
    at: found.at,
    dueAt: found.due_at ?? undefined
  }
}

export const list = (connection: Connection, query: DeliveryQuery): ReadonlyArray<Delivery> => {
  const conditions: Array<readonly [sql: string, value: string]> = [
    ["w.tenant = ?", query.tenant],
    // A hook of the environment hears of every tenant's runs; its log shows each tenant their own.
    ["d.tenant = ?", query.tenant],
    ["w.id = ?", query.webhook]
  ]
  if (query.state !== undefined) conditions.push(["d.state = ?", query.state])
  if (query.run !== undefined) conditions.push(["d.run = ?", query.run])
  if (query.after !== undefined) {
    conditions.push(["d.delivery_no < (SELECT delivery_no FROM webhook_delivery WHERE id = ?)", query.after])
  }
  return connection.all(
    `SELECT ${selected} FROM ${joined} WHERE ${conditions.map(([sql]) => sql).join(" AND ")}
      ORDER BY d.delivery_no DESC LIMIT ?`,
    ...conditions.map(([, value]) => value),
    query.limit
  ).map(toDelivery)
}

export const find = (connection: Connection, tenant: string, id: string): Delivery | undefined => {
  const row = connection.get(
    `SELECT ${selected} FROM ${joined} WHERE w.tenant = ?1 AND d.tenant = ?1 AND d.id = ?2`,
    tenant,
    id
  )
  return row === undefined ? undefined : toDelivery(row)
}

/** Only what is an event, and not under way: a lane sends that of its own accord. Until it is sent, `at` is this moment. */
export const resend = (connection: Connection, tenant: string, id: string, now: number): boolean =>
  connection.write(() =>
    connection.run(
      `UPDATE webhook_delivery SET state = 'queued', at = ?1, due_at = ?1
        WHERE id = ?2 AND tenant = ?3 AND state IN ('delivered', 'failed', 'given_up') AND run IS NOT NULL
          AND webhook_no IN (SELECT webhook_no FROM webhook WHERE tenant = ?3 AND state <> 'disabled')`,
      now,
      id,
      tenant
    ) > 0
  )

export const queued = (
  connection: Connection,
  now: number,
  limit: number
): ReadonlyArray<Delivery & { readonly owner: Webhook }> =>
  connection.all(
    `SELECT ${selected}, ${WebhookTable.columns} FROM ${joined}
      WHERE d.state = 'queued' AND d.due_at <= ? AND w.state <> 'disabled' ORDER BY d.due_at LIMIT ?`,
    now,
    limit
  ).map((row) => ({ ...toDelivery(row), owner: WebhookTable.toWebhook(row) }))
