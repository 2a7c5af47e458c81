/** Rows of `blob` and `blob_reference`: one row per bytes and tenant, one reference per run that names them. */
import type { BlobRef } from "@baton/kernel/Value"
import type { Connection } from "./Connection.ts"

const digest = (ref: BlobRef): Uint8Array => Buffer.from(ref.slice("sha256:".length), "hex")

export const find = (connection: Connection, tenant: string, ref: BlobRef): number | undefined => {
  const row = connection.get("SELECT blob_no FROM blob WHERE tenant = ? AND hash = ?", tenant, digest(ref))
  return row === undefined ? undefined : Number(row["blob_no"])
}

/** Stores the bytes, or renews the time of those that are there; returns their number. */
export const write = (connection: Connection, tenant: string, ref: BlobRef, bytes: Uint8Array, now: number): number => {
  const found = find(connection, tenant, ref)
  if (found === undefined) {
    return connection.insert(
      "INSERT INTO blob (tenant, hash, put_at, bytes) VALUES (?, ?, ?, ?)",
      tenant,
      digest(ref),
      now,
      bytes
    )
  }
  connection.run("UPDATE blob SET put_at = max(put_at, ?) WHERE blob_no = ?", now, found)
  return found
}

export const refer = (connection: Connection, runNo: number, blobNo: number): void => {
  connection.run("INSERT OR IGNORE INTO blob_reference (run_no, blob_no) VALUES (?, ?)", runNo, blobNo)
}

export const put = (connection: Connection, tenant: string, ref: BlobRef, bytes: Uint8Array, now: number): void =>
  connection.write(() => {
    write(connection, tenant, ref, bytes, now)
  })

/** The bytes as stored, or nothing; whoever reads verifies them. */
export const read = (connection: Connection, tenant: string, ref: BlobRef): Uint8Array | undefined => {
  const bytes = connection.get("SELECT bytes FROM blob WHERE tenant = ? AND hash = ?", tenant, digest(ref))?.["bytes"]
  return bytes instanceof Uint8Array ? bytes : undefined
}

/** Removes blobs, and flow documents, that nothing names and nobody has put since `before`; counts the blobs. */
export const collect = (connection: Connection, before: number): number =>
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
    return connection.run(
      `DELETE FROM blob AS b WHERE put_at < ?
        AND NOT EXISTS (SELECT 1 FROM blob_reference r WHERE r.blob_no = b.blob_no)`,
      before
    )
  })
