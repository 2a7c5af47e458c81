/** Idempotency keys: who has them, and what was answered. */
import { keptMs, type Reservation, type Reserved } from "@baton/engine/IdempotencyStore"
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"

const Columns = Schema.Struct({
  key: Schema.String,
  fingerprint: Schema.String,
  made: Schema.String,
  at: Schema.Number,
  answer: Schema.NullOr(Schema.String)
})
const decode = Schema.decodeUnknownSync(Columns)

const find = (connection: Connection, tenant: string, key: string) => {
  const row = connection.get(
    "SELECT key, fingerprint, made, at, answer FROM idempotency WHERE tenant = ? AND key = ?",
    tenant,
    key
  )
  return row === undefined ? undefined : decode(row)
}

const put = (connection: Connection, tenant: string, { at, fingerprint, key, made }: Reservation, answer?: string) =>
  connection.run(
    `INSERT INTO idempotency (tenant, key, fingerprint, made, at, answer) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, made = excluded.made, at = excluded.at, answer = excluded.answer`,
    tenant,
    key,
    fingerprint,
    made,
    at,
    answer ?? null
  )

/** Old keys that each new one takes away. */
const sweptAtOnce = 20

const takeAway = (connection: Connection, now: number, keysMax: number) =>
  connection.run(
    `DELETE FROM idempotency WHERE (tenant, key) IN
      (SELECT tenant, key FROM idempotency WHERE at <= ? ORDER BY at LIMIT ?)`,
    now - keptMs,
    keysMax
  )

export const sweep = (connection: Connection, now: number, keysMax: number): boolean =>
  connection.write(() => {
    takeAway(connection, now, keysMax)
    return connection.get("SELECT 1 FROM idempotency WHERE at <= ? LIMIT 1", now - keptMs) !== undefined
  })

const reserve = (connection: Connection, tenant: string, wanted: Reservation): Reserved => {
  const row = find(connection, tenant, wanted.key)
  if (row !== undefined && row.at + keptMs > wanted.at) {
    return { ...row, answer: row.answer ?? undefined, isNew: false }
  }
  takeAway(connection, wanted.at, sweptAtOnce)
  put(connection, tenant, wanted)
  return { ...wanted, answer: undefined, isNew: true }
}

const release = (connection: Connection, tenant: string, { key, made }: Reservation): void => {
  connection.run(
    "DELETE FROM idempotency WHERE tenant = ? AND key = ? AND made = ? AND answer IS NULL",
    tenant,
    key,
    made
  )
}

/** What a request does to its key. */
export type Change =
  | { readonly kind: "reserve"; readonly tenant: string; readonly key: Reservation }
  | { readonly kind: "settle"; readonly tenant: string; readonly key: Reservation; readonly answer: string }
  | { readonly kind: "release"; readonly tenant: string; readonly key: Reservation }

/** In one commit, each as the one before has left the keys; what was reserved, for each that reserves. */
export const change = (connection: Connection, changes: ReadonlyArray<Change>): ReadonlyArray<Reserved | undefined> =>
  connection.write(() =>
    changes.map((one) => {
      const { key, tenant } = one
      if (one.kind === "reserve") return reserve(connection, tenant, key)
      if (one.kind === "settle") put(connection, tenant, key, one.answer)
      else release(connection, tenant, key)
      return undefined
    })
  )
