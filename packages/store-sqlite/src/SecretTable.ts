/** Sealed secrets. What is in here without the key is noise. */
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"

export interface SealedRow {
  /** JSON: the list of host names it is bound to. */
  readonly hosts: string
  readonly nonce: Uint8Array
  /** Ciphertext and tag. */
  readonly sealed: Uint8Array
  readonly updatedAt: number
}

const Columns = Schema.Struct({
  hosts: Schema.String,
  nonce: Schema.Uint8Array,
  sealed: Schema.Uint8Array,
  updated_at: Schema.Number
})
const decode = Schema.decodeUnknownSync(Columns)

export const set = (connection: Connection, tenant: string, name: string, row: SealedRow): void =>
  connection.write(() => {
    connection.run(
      `INSERT INTO secret (tenant, name, hosts, nonce, sealed, updated_at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (tenant, name) DO UPDATE SET hosts = excluded.hosts, nonce = excluded.nonce,
          sealed = excluded.sealed, updated_at = excluded.updated_at`,
      tenant,
      name,
      row.hosts,
      row.nonce,
      row.sealed,
      row.updatedAt
    )
  })

export const get = (connection: Connection, tenant: string, name: string): SealedRow | undefined => {
  const row = connection.get(
    "SELECT hosts, nonce, sealed, updated_at FROM secret WHERE tenant = ? AND name = ?",
    tenant,
    name
  )
  if (row === undefined) return undefined
  const { updated_at, ...rest } = decode(row)
  return { ...rest, updatedAt: updated_at }
}

export const list = (connection: Connection, tenant: string) =>
  connection.all("SELECT name, hosts, updated_at FROM secret WHERE tenant = ? ORDER BY name", tenant).map((row) => ({
    name: String(row["name"]),
    hosts: String(row["hosts"]),
    updatedAt: Number(row["updated_at"])
  }))

export const remove = (connection: Connection, tenant: string, name: string): boolean =>
  connection.write(() => connection.run("DELETE FROM secret WHERE tenant = ? AND name = ?", tenant, name) > 0)
