/** Rows of `access_token`. */
import { type AccessToken, tokensMax } from "@baton/engine/AccessTokens"
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"

const Columns = Schema.Struct({
  digest: Schema.String,
  kind: Schema.Literals(["session", "link"]),
  tenant: Schema.String,
  data: Schema.fromJsonString(Schema.Json),
  created_at: Schema.Number,
  expires_at: Schema.Number,
  used_at: Schema.NullOr(Schema.Number)
})
const decode = Schema.decodeUnknownSync(Columns)

/** False when the tenant has too many. */
export const put = (connection: Connection, token: AccessToken): boolean =>
  connection.write(() => {
    connection.run("DELETE FROM access_token WHERE expires_at <= ?", token.createdAt)
    const { count } = connection.get(
      "SELECT count(*) AS count FROM access_token WHERE tenant = ? AND kind = ?",
      token.tenant,
      token.kind
    ) ?? {}
    if (Number(count) >= tokensMax) return false
    connection.run(
      `INSERT INTO access_token (digest, kind, tenant, data, created_at, expires_at, used_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      token.digest,
      token.kind,
      token.tenant,
      JSON.stringify(token.data),
      token.createdAt,
      token.expiresAt,
      token.usedAt ?? null
    )
    return true
  })

export const find = (connection: Connection, kind: AccessToken["kind"], digest: string): AccessToken | undefined => {
  const row = connection.get("SELECT * FROM access_token WHERE digest = ? AND kind = ?", digest, kind)
  if (row === undefined) return undefined
  const { created_at, expires_at, used_at, ...rest } = decode(row)
  return {
    ...rest,
    createdAt: created_at,
    expiresAt: expires_at,
    ...(used_at === null ? {} : { usedAt: used_at })
  }
}

export const claim = (connection: Connection, digest: string, at: number): boolean =>
  connection.write(() =>
    connection.run(
      "UPDATE access_token SET used_at = ?1 WHERE digest = ?2 AND used_at IS NULL AND expires_at > ?1",
      at,
      digest
    ) > 0
  )

export const unclaim = (connection: Connection, digest: string): void =>
  connection.write(() => {
    connection.run("UPDATE access_token SET used_at = NULL WHERE digest = ?", digest)
  })

export const remove = (connection: Connection, digest: string): void =>
  connection.write(() => {
    connection.run("DELETE FROM access_token WHERE digest = ?", digest)
  })
