/** Rows of `webhook`: who is to be told what. Their secrets are sealed, bound to the URL they may go to. */
import type { Webhook, WebhookChange } from "@baton/engine/WebhookStore"
import { webhooksMax } from "@baton/engine/WebhookStore"
import { SignatureForm, WebhookState } from "@baton/kernel/Webhook"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"

/** Secrets as they lie in the file. */
export interface Sealed {
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

const Text = Schema.NullOr(Schema.String)

const Columns = Schema.Struct({
  tenant: Schema.String,
  id: Schema.String,
  scope: Schema.Literals(["tenant", "run", "environment"]),
  run: Text,
  url: Schema.String,
  events: Schema.fromJsonString(Schema.Array(Schema.String)),
  flow: Text,
  tags: Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)),
  body: Schema.Literals(["event", "lifecycle"]),
  forms: Schema.fromJsonString(Schema.Array(SignatureForm)),
  issuer: Text,
  audience: Text,
  state: WebhookState,
  reason: Text,
  created_at: Schema.Number,
  created_by: Schema.String,
  updated_at: Schema.Number
})
const decode = Schema.decodeUnknownSync(Columns)

/** All but the numbers; `w` is the table. */
export const columns = Object.keys(Columns.fields).map((name) => `w.${name}`).join(", ")

export const toWebhook = (row: Row): Webhook => {
  const { audience, created_at, created_by, flow, issuer, reason, run, updated_at, ...rest } = decode(row)
  return {
    ...rest,
    run: run ?? undefined,
    flow: flow ?? undefined,
    issuer: issuer ?? undefined,
    audience: audience ?? undefined,
    reason: reason ?? undefined,
    createdAt: created_at,
    createdBy: created_by,
    updatedAt: updated_at
  }
}

const lastRecord = "(SELECT coalesce(max(record_no), 0) FROM journal)"

/** Without another active webhook nobody has moved the cursor: nothing before this moment is anybody's. */
const skipUnread = (connection: Connection): void => {
  if (isUsed(connection)) return
  connection.run(`UPDATE webhook_relay SET record_no = ${lastRecord}`)
}

export const isUsed = (connection: Connection): boolean =>
  connection.get("SELECT 1 AS found FROM webhook WHERE state = 'active' LIMIT 1") !== undefined

/** Whether there is anything to do for one that sends: somebody is told, or somebody has asked for a delivery once more. */
export const isWanted = (connection: Connection): boolean =>
  isUsed(connection) || connection.get(
      `SELECT 1 AS found FROM webhook_delivery d JOIN webhook w ON w.webhook_no = d.webhook_no
        WHERE d.state = 'queued' AND w.state <> 'disabled' LIMIT 1`
    ) !== undefined

const isFull = (connection: Connection, tenant: string): boolean =>
  Number(
    connection.get("SELECT count(*) AS n FROM webhook WHERE tenant = ? AND run IS NULL AND scope = 'tenant'", tenant)
      ?.["n"]
  ) >= webhooksMax

/** One of this id that was disabled begins anew: who puts it there again says so. */
export const put = (connection: Connection, webhook: Webhook, { nonce, sealed }: Sealed): boolean =>
  connection.write(() => {
    if (webhook.scope === "tenant" && isFull(connection, webhook.tenant)) return false
    skipUnread(connection)
    const before = connection.get("SELECT webhook_no, state FROM webhook WHERE id = ?", webhook.id)
    if (before !== undefined) {
      changeState(connection, Number(before["webhook_no"]), String(before["state"]), webhook.state)
    }
    connection.run(
      `INSERT INTO webhook (tenant, id, scope, run, url, events, flow, tags, body, forms, issuer, audience, state, reason,
          created_at, created_by, updated_at, from_record, nonce, sealed)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${lastRecord}, ?, ?)
        ON CONFLICT (id) DO UPDATE SET url = excluded.url, events = excluded.events, body = excluded.body,
          forms = excluded.forms, state = excluded.state, reason = excluded.reason, updated_at = excluded.updated_at, nonce = excluded.nonce, sealed = excluded.sealed`,
      webhook.tenant,
      webhook.id,
      webhook.scope,
      webhook.run ?? null,
      webhook.url,
      JSON.stringify(webhook.events),
      webhook.flow ?? null,
      JSON.stringify(webhook.tags),
      webhook.body,
      JSON.stringify(webhook.forms),
      webhook.issuer ?? null,
      webhook.audience ?? null,
      webhook.state,
      webhook.reason ?? null,
      webhook.createdAt,
      webhook.createdBy,
      webhook.updatedAt,
      nonce,
      sealed
    )
    return true
  })

const fields = {
  url: "url",
  events: "events",
  flow: "flow",
  tags: "tags",
  state: "state",
  reason: "reason",
  issuer: "issuer",
  audience: "audience"
} as const

const toColumn = (value: unknown): string | null =>
  value === undefined ? null : typeof value === "string" ? value : JSON.stringify(value)

/** What is not active loses its lanes; what becomes active begins with what is committed from now on. */
const changeState = (connection: Connection, no: number, before: string, after: string): void => {
  if (after === "active" && before !== "active") {
    skipUnread(connection)
    connection.run(`UPDATE webhook SET from_record = ${lastRecord} WHERE webhook_no = ?`, no)
  }
  if (after !== "active") connection.run("DELETE FROM webhook_lane WHERE webhook_no = ?", no)
}

/** `sealed` comes with a new URL: the secrets are bound to it. */
export const change = (
  connection: Connection,
  tenant: string,
  id: string,
  { sealed, ...change }: WebhookChange & { readonly sealed?: Sealed | undefined },
  now: number
): boolean =>
  connection.write(() => {
    const row = connection.get("SELECT webhook_no, state FROM webhook WHERE tenant = ? AND id = ?", tenant, id)
    if (row === undefined) return false
    const no = Number(row["webhook_no"])
    if (change.state !== undefined) changeState(connection, no, String(row["state"]), change.state)
    for (const [field, column] of Object.entries(fields)) {
      if (!(field in change)) continue
      const value = toColumn(change[field as keyof typeof fields])
      connection.run(`UPDATE webhook SET ${column} = ? WHERE webhook_no = ?`, value, no)
    }
    if (sealed !== undefined) setSealed(connection, no, sealed)
    connection.run("UPDATE webhook SET updated_at = ? WHERE webhook_no = ?", now, no)
    return true
  })

const setSealed = (connection: Connection, no: number, { nonce, sealed }: Sealed): void => {
  connection.run("UPDATE webhook SET nonce = ?, sealed = ? WHERE webhook_no = ?", nonce, sealed, no)
}

/** False when its URL is not the one that the secrets were sealed for. */
export const seal = (
  connection: Connection,
  { id, tenant, url }: Pick<Webhook, "tenant" | "id" | "url">,
  sealed: Sealed,
  now: number
): boolean =>
  connection.write(() => {
    const row = connection.get(
      "SELECT webhook_no FROM webhook WHERE tenant = ? AND id = ? AND url = ?",
      tenant,
      id,
      url
    )
    if (row === undefined) return false
    setSealed(connection, Number(row["webhook_no"]), sealed)
    connection.run("UPDATE webhook SET updated_at = ? WHERE webhook_no = ?", now, Number(row["webhook_no"]))
    return true
  })

export const remove = (connection: Connection, tenant: string, id: string): boolean =>
  connection.write(() => {
    const row = connection.get("SELECT webhook_no FROM webhook WHERE tenant = ? AND id = ?", tenant, id)
    if (row === undefined) return false
    removeNumber(connection, Number(row["webhook_no"]))
    return true
  })

const removeNumber = (connection: Connection, no: number): void => {
  for (const table of ["webhook_lane", "webhook_delivery", "webhook"]) {
    connection.run(`DELETE FROM ${table} WHERE webhook_no = ?`, no)
  }
}

export const find = (connection: Connection, tenant: string, id: string): Webhook | undefined => {
  const row = connection.get(`SELECT ${columns} FROM webhook w WHERE w.tenant = ? AND w.id = ?`, tenant, id)
  return row === undefined ? undefined : toWebhook(row)
}

/** The sealed secrets with the URL they are bound to. */
export const findSealed = (
  connection: Connection,
  tenant: string,
  id: string
): (Sealed & { readonly url: string }) | undefined => {
  const row = connection.get("SELECT url, nonce, sealed FROM webhook WHERE tenant = ? AND id = ?", tenant, id)
  return row?.["nonce"] instanceof Uint8Array && row["sealed"] instanceof Uint8Array
    ? { url: String(row["url"]), nonce: row["nonce"], sealed: row["sealed"] }
    : undefined
}

export const list = (connection: Connection, tenant: string, run: string | undefined): ReadonlyArray<Webhook> =>
  connection.all(
    `SELECT ${columns} FROM webhook w WHERE w.tenant = ? AND w.run IS ? ORDER BY w.webhook_no`,
    tenant,
    run ?? null
  ).map(toWebhook)

/** The run is going: so does all that was to be told of it. */
export const forgetRun = (connection: Connection, tenant: string, run: string, runNo: number): void => {
  connection.run("DELETE FROM webhook_lane WHERE run_no = ?", runNo)
  connection.run("DELETE FROM webhook_delivery WHERE tenant = ? AND run = ?", tenant, run)
  for (const row of connection.all("SELECT webhook_no FROM webhook WHERE tenant = ? AND run = ?", tenant, run)) {
    removeNumber(connection, Number(row["webhook_no"]))
  }
}

/**
 * SQLite gives the numbers of the last records out again once these are gone: no cursor may lie beyond the last one that
 * is there, else the next records would be taken for read.
 */
export const rewind = (connection: Connection): void => {
  connection.run(`UPDATE webhook_relay SET record_no = min(record_no, ${lastRecord})`)
  connection.run(`UPDATE webhook SET from_record = min(from_record, ${lastRecord})`)
}
