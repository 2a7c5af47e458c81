/** Rows of `access_key`. */
import { type AccessKey, keysMax } from "@baton/engine/AccessKeys"
import { RunStoreError } from "@baton/engine/RunStore"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"

const Texts = Schema.Array(Schema.String)
const isTexts = Schema.is(Texts)

const texts = (json: unknown): ReadonlyArray<string> => {
  const parsed: unknown = JSON.parse(String(json))
  if (isTexts(parsed)) return parsed
  throw new RunStoreError({ reason: "corrupt", message: "A row of access_key is damaged. Restore a backup." })
}

const columns =
  "id, tenant, name, owner, groups, scopes, digest, created_at, created_by, expires_at, revoked_at, last_used_at, replaces"

const number = <K extends string>(name: K, value: Row[string] | undefined) =>
  (typeof value === "number" ? { [name]: value } : {}) as { readonly [name in K]?: number }
const text = <K extends string>(name: K, value: Row[string] | undefined) =>
  (typeof value === "string" ? { [name]: value } : {}) as { readonly [name in K]?: string }

/** Every request comes by here: the columns, whose types the table holds, are taken one by one. */
const toKey = (row: Row): AccessKey => ({
  id: String(row["id"]),
  tenant: String(row["tenant"]),
  name: String(row["name"]),
  groups: texts(row["groups"]),
  scopes: texts(row["scopes"]),
  digest: String(row["digest"]),
  createdAt: Number(row["created_at"]),
  createdBy: String(row["created_by"]),
  ...text("owner", row["owner"]),
  ...number("expiresAt", row["expires_at"]),
  ...number("revokedAt", row["revoked_at"]),
  ...number("lastUsedAt", row["last_used_at"]),
  ...text("replaces", row["replaces"])
})

export type Added = "added" | "exists" | "full"

const insert = (connection: Connection, key: AccessKey): Added => {
  const { count } = connection.get("SELECT count(*) AS count FROM access_key WHERE tenant = ?", key.tenant) ?? {}
  if (Number(count) >= keysMax) return "full"
  const rows = connection.run(
    `INSERT OR IGNORE INTO access_key (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key.id,
    key.tenant,
    key.name,
    key.owner ?? null,
    JSON.stringify(key.groups),
    JSON.stringify(key.scopes),
    key.digest,
    key.createdAt,
    key.createdBy,
    key.expiresAt ?? null,
    key.revokedAt ?? null,
    key.lastUsedAt ?? null,
    key.replaces ?? null
  )
  return rows === 0 ? "exists" : "added"
}

export const add = (connection: Connection, key: AccessKey): Added => connection.write(() => insert(connection, key))

export const replace = (connection: Connection, key: AccessKey & { readonly replaces: string }, until: number): Added =>
  connection.write(() => {
    const added = insert(connection, key)
    if (added === "added") {
      connection.run(
        "UPDATE access_key SET expires_at = min(coalesce(expires_at, ?1), ?1) WHERE tenant = ?2 AND id = ?3",
        until,
        key.tenant,
        key.replaces
      )
    }
    return added
  })

export const find = (connection: Connection, id: string): AccessKey | undefined => {
  const row = connection.get(`SELECT ${columns} FROM access_key WHERE id = ?`, id)
  return row === undefined ? undefined : toKey(row)
}

export const list = (connection: Connection, tenant: string, after: string, limit: number): ReadonlyArray<AccessKey> =>
  connection.all(
    `SELECT ${columns} FROM access_key WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?`,
    tenant,
    after,
    limit
  ).map(toKey)

export const revoke = (connection: Connection, tenant: string, id: string, at: number): boolean =>
  connection.write(() =>
    connection.run(
      "UPDATE access_key SET revoked_at = coalesce(revoked_at, ?) WHERE tenant = ? AND id = ?",
      at,
      tenant,
      id
    ) > 0
  )

export const noteUse = (connection: Connection, id: string, at: number): void =>
  connection.writeRelaxed(() => {
    connection.run("UPDATE access_key SET last_used_at = ? WHERE id = ?", at, id)
  })
