/** Frozen flow documents and published versions. */
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import { newest, type PublishedFlow, versionOf } from "@baton/engine/FlowStore"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"

export interface Named {
  readonly name: string
  readonly version?: string
}

const write = (connection: Connection, tenant: string, text: string, now: number): string => {
  const hash = CanonicalJson.address(text)
  connection.run(
    `INSERT INTO flow_document (tenant, hash, frozen_at, body) VALUES (?, ?, ?, ?)
      ON CONFLICT (tenant, hash) DO UPDATE SET frozen_at = max(frozen_at, excluded.frozen_at)`,
    tenant,
    hash,
    now,
    text
  )
  for (const [, called = ""] of text.matchAll(addresses)) {
    connection.run("INSERT OR IGNORE INTO flow_call (tenant, hash, called) VALUES (?, ?, ?)", tenant, hash, called)
  }
  return hash
}

/** Addresses of documents that a canonical document may call: it is kept as long as they are. */
const addresses = /"hash":"(sha256:[0-9a-f]{64})"/g

export const freeze = (connection: Connection, tenant: string, text: string, now: number): string =>
  connection.write(() => write(connection, tenant, text, now))

export const frozen = (connection: Connection, tenant: string, hash: string): string | undefined => {
  const row = connection.get("SELECT body FROM flow_document WHERE tenant = ? AND hash = ?", tenant, hash)
  return row === undefined ? undefined : String(row["body"])
}

const VersionColumns = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  hash: Schema.String,
  published_at: Schema.Number
})
const decodeVersion = Schema.decodeUnknownSync(VersionColumns)

const toPublished = (row: Row): PublishedFlow => {
  const { hash, name, published_at, version } = decodeVersion(row)
  return { name, version, hash, publishedAt: published_at }
}

/** The published version; `undefined` when it is there with other content. */
export const publish = (
  connection: Connection,
  tenant: string,
  flow: Named,
  text: string,
  at: number
): PublishedFlow | undefined =>
  connection.write(() => {
    const hash = CanonicalJson.address(text)
    const version = flow.version ?? versionOf(hash)
    const row = connection.get(
      "SELECT name, version, hash, published_at FROM flow_version WHERE tenant = ? AND name = ? AND version = ?",
      tenant,
      flow.name,
      version
    )
    if (row !== undefined) {
      const found = toPublished(row)
      return found.hash === hash ? found : undefined
    }
    write(connection, tenant, text, at)
    connection.run(
      "INSERT INTO flow_version (tenant, name, version, hash, published_at) VALUES (?, ?, ?, ?, ?)",
      tenant,
      flow.name,
      version,
      hash,
      at
    )
    return { name: flow.name, version, hash, publishedAt: at }
  })

export const find = (
  connection: Connection,
  tenant: string,
  name: string,
  version: string | undefined
): { readonly published: PublishedFlow; readonly text: string | undefined } | undefined => {
  const rows = connection.all(
    `SELECT name, version, hash, published_at FROM flow_version
      WHERE tenant = ? AND name = ? AND (? IS NULL OR version = ?) ORDER BY version_no`,
    tenant,
    name,
    version ?? null,
    version ?? null
  )
  const published = newest(rows.map(toPublished))
  if (published === undefined) return undefined
  return { published, text: frozen(connection, tenant, published.hash) }
}

export const list = (connection: Connection, tenant: string): ReadonlyArray<PublishedFlow> =>
  connection.all(
    "SELECT name, version, hash, published_at FROM flow_version WHERE tenant = ? ORDER BY version_no",
    tenant
  ).map(toPublished)

/** Removes documents that nothing names and that nobody has frozen since `before`. */
export const collect = (connection: Connection, before: number): void =>
  connection.write(() => {
    connection.run(
      `WITH RECURSIVE named (tenant, hash) AS (
          SELECT tenant, hash FROM flow_version UNION SELECT tenant, flow_hash FROM run
          UNION SELECT r.tenant, f.hash FROM run_flow f JOIN run r ON r.run_no = f.run_no
          UNION SELECT tenant, hash FROM flow_document WHERE frozen_at >= ?1
          UNION SELECT c.tenant, c.called FROM flow_call c JOIN named n ON n.tenant = c.tenant AND n.hash = c.hash)
        DELETE FROM flow_document WHERE frozen_at < ?1 AND (tenant, hash) NOT IN (SELECT tenant, hash FROM named)`,
      before
    )
    connection.run(
      `DELETE FROM flow_call AS c WHERE NOT EXISTS
        (SELECT 1 FROM flow_document d WHERE d.tenant = c.tenant AND d.hash = c.hash)`
    )
  })
