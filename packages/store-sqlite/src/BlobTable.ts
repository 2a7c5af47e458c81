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

/** Blobs looked at in one transaction. */
const lookedMax = 1_000

export interface Collected {
  readonly removed: number
  /** Where to look on; absent: that was all. */
  readonly next?: number
}

/** Removes blobs after number `after` that nothing names and nobody has put since `before`, a bounded number in one go. */
export const collect = (connection: Connection, before: number, after: number): Collected =>
  connection.write(() => {
    const last = connection.get(
      "SELECT max(blob_no) AS last FROM (SELECT blob_no FROM blob WHERE blob_no > ? ORDER BY blob_no LIMIT ?)",
      after,
      lookedMax
    )?.["last"]
    if (typeof last !== "number") return { removed: 0 }
    const removed = connection.run(
      `DELETE FROM blob AS b WHERE blob_no > ? AND blob_no <= ? AND put_at < ?
        AND NOT EXISTS (SELECT 1 FROM blob_reference r WHERE r.blob_no = b.blob_no)`,
      after,
      last,
      before
    )
    return { removed, next: last }
  })
