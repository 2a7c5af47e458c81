/** Rows of `access_key`. */
import { type AccessKey, keysMax } from "@baton/engine/AccessKeys"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"

const Texts = Schema.fromJsonString(Schema.Array(Schema.String))
const Columns = Schema.Struct({
  id: Schema.String,
  tenant: Schema.String,
  name: Schema.String,
  owner: Schema.NullOr(Schema.String),
  groups: Texts,
  scopes: Texts,
  digest: Schema.String,
  created_at: Schema.Number,
  created_by: Schema.String,
  expires_at: Schema.NullOr(Schema.Number),
  revoked_at: Schema.NullOr(Schema.Number),
  last_used_at: Schema.NullOr(Schema.Number),
  replaces: Schema.NullOr(Schema.String)
})
const decode = Schema.decodeUnknownSync(Columns)

const columns =
  "id, tenant, name, owner, groups, scopes, digest, created_at, created_by, expires_at, revoked_at, last_used_at, replaces"

const toKey = (row: Row): AccessKey => {
  const { created_at, created_by, expires_at, last_used_at, owner, replaces, revoked_at, ...rest } = decode(row)
  return {
    ...rest,
    createdAt: created_at,
    createdBy: created_by,
    ...(owner === null ? {} : { owner }),
    ...(expires_at === null ? {} : { expiresAt: expires_at }),
    ...(revoked_at === null ? {} : { revokedAt: revoked_at }),
    ...(last_used_at === null ? {} : { lastUsedAt: last_used_at }),
    ...(replaces === null ? {} : { replaces })
  }
}

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
