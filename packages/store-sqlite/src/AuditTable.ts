/** Rows of `audit`: one chain per tenant. An entry is written with what it tells of, or in a batch of its own. */
import {
  AuditDraft,
  type AuditEntry,
  type AuditHead,
  type AuditVerdict,
  bodyOf,
  ChainCheck,
  hashOf,
  type StoredEntry
} from "@baton/engine/AuditLog"
import * as Schema from "effect/Schema"
import type { Connection, Row } from "./Connection.ts"

/** Entries that a check reads at a time. */
const pageEntries = 1000

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(AuditDraft))

const toStored = (row: Row): StoredEntry => ({
  seq: Number(row["seq"]),
  body: String(row["body"]),
  hash: String(row["hash"])
})

const headOf = (connection: Connection, tenant: string): AuditHead => {
  const row = connection.get("SELECT seq, hash FROM audit WHERE tenant = ? ORDER BY seq DESC LIMIT 1", tenant)
  return row === undefined ? { seq: 0, hash: "" } : { seq: Number(row["seq"]), hash: String(row["hash"]) }
}

/** Within a transaction: another process may have written meanwhile, so the ends are read under its lock. */
export const write = (connection: Connection, drafts: ReadonlyArray<AuditDraft>): void => {
  const heads = new Map<string, AuditHead>()
  for (const draft of drafts) {
    const last = heads.get(draft.tenant) ?? headOf(connection, draft.tenant)
    const seq = last.seq + 1
    const body = bodyOf(draft)
    const hash = hashOf(last.hash, seq, body)
    connection.run("INSERT INTO audit (tenant, seq, body, hash) VALUES (?, ?, ?, ?)", draft.tenant, seq, body, hash)
    heads.set(draft.tenant, { seq, hash })
  }
}

export const append = (connection: Connection, drafts: ReadonlyArray<AuditDraft>): void =>
  connection.write(() => write(connection, drafts))

export const list = (
  connection: Connection,
  tenant: string,
  before: number,
  limit: number
): ReadonlyArray<AuditEntry> =>
  connection.all(
    "SELECT seq, body, hash FROM audit WHERE tenant = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    tenant,
    before,
    limit
  ).map((row) => {
    const { body, hash, seq } = toStored(row)
    return { ...decode(body), seq, hash }
  })

export const verify = (connection: Connection, tenant: string, expected: AuditHead | undefined): AuditVerdict => {
  const check = new ChainCheck(expected)
  for (;;) {
    const rows = connection.all(
      "SELECT seq, body, hash FROM audit WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?",
      tenant,
      check.seq,
      pageEntries
    )
    for (const row of rows) check.add(toStored(row))
    if (check.isOver || rows.length < pageEntries) return check.verdict
  }
}
