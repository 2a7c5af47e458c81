/**
 * The store's schema, as numbered steps that only go forward.
 *
 * Promise. Each step is one transaction together with its number (`user_version`), so a process killed in one leaves the
 * step before it, and the next start goes on from there. Before a step changes a store that is in use, a copy is made
 * beside it: `baton.db.before-v<n>`. A store with a higher number is refused (`newer`), by running processes too. Any
 * number of processes may start at once. A released step never changes.
 */
import { RunStoreError } from "@baton/engine/RunStore"
import { existsSync, renameSync, rmSync } from "node:fs"
import type { Connection } from "./Connection.ts"
import * as Failure from "./Failure.ts"
import { type Migration, runMigrations } from "./RunMigrations.ts"
import * as WebhookSchema from "./WebhookSchema.ts"

export type { Migration } from "./RunMigrations.ts"

/** `BATN`, in the header of every store file. */
export const applicationId = 0x4241544e

export const migrations: ReadonlyArray<Migration> = [...runMigrations, {
  number: 8,
  sql: `
    CREATE TABLE access_key (
      id TEXT PRIMARY KEY,
      tenant TEXT NOT NULL,
      name TEXT NOT NULL,
      owner TEXT,
      groups TEXT NOT NULL,
      scopes TEXT NOT NULL,
      digest TEXT NOT NULL CHECK (length(digest) = 64),
      created_at INTEGER NOT NULL,
      created_by TEXT NOT NULL,
      expires_at INTEGER,
      revoked_at INTEGER,
      last_used_at INTEGER,
      replaces TEXT UNIQUE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX access_key_by_tenant ON access_key (tenant, id);
    CREATE TABLE access_token (
      digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
      kind TEXT NOT NULL,
      tenant TEXT NOT NULL,
      data TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      used_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX access_token_by_end ON access_token (expires_at);
    CREATE INDEX access_token_by_tenant ON access_token (tenant, kind);
    CREATE TABLE audit (
      tenant TEXT NOT NULL,
      seq INTEGER NOT NULL,
      body TEXT NOT NULL,
      hash TEXT NOT NULL CHECK (length(hash) = 64),
      PRIMARY KEY (tenant, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
    CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    `
}, {
  number: 9,
  sql: WebhookSchema.sql
}, {
  number: 10,
  sql: `
    CREATE TABLE idempotency (
      tenant TEXT NOT NULL,
      key TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      made TEXT NOT NULL,
      at INTEGER NOT NULL,
      answer TEXT,
      PRIMARY KEY (tenant, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX idempotency_by_time ON idempotency (at);
    CREATE INDEX idempotency_by_made ON idempotency (tenant, made)
    `
}, {
  number: 11,
  sql: `
    CREATE TABLE place (
      tenant TEXT NOT NULL,
      flow TEXT NOT NULL,
      key TEXT NOT NULL,
      run_no INTEGER NOT NULL,
      max INTEGER NOT NULL,
      held INTEGER NOT NULL,
      PRIMARY KEY (tenant, flow, key, run_no)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX place_held ON place (tenant, flow, key) WHERE held = 1;
    CREATE INDEX run_by_lineage ON run (tenant, lineage_run) WHERE lineage_run IS NOT NULL
  `
}]

/** The schema that this program writes. */
export const latest = migrations.at(-1)?.number ?? 0

export const versionOf = (connection: Connection): number =>
  Number(connection.get("PRAGMA user_version")?.["user_version"] ?? 0)

/** Refuses a store that a newer program has changed since, or that was never one. */
export const requireVersion = (connection: Connection, version: number): void => {
  if (versionOf(connection) > version) throw Failure.make("newer", connection.file)
}

const requireOurs = (connection: Connection): void => {
  const id = Number(connection.get("PRAGMA application_id")?.["application_id"] ?? 0)
  const isEmpty = connection.get("SELECT 1 AS found FROM sqlite_schema LIMIT 1") === undefined
  if (id === applicationId || (id === 0 && isEmpty)) return
  throw new RunStoreError({
    reason: "corrupt",
    message: `${connection.file} is a database of another program, not a Baton store. Choose another data folder.`
  })
}

/** The copy is complete or not there: it is written under another name first. */
const copyBefore = (connection: Connection, version: number): void => {
  if (connection.file === ":memory:") return
  const copy = `${connection.file}.before-v${version}`
  const partial = `${copy}.partial`
  rmSync(partial, { force: true })
  connection.run("VACUUM INTO ?", partial)
  if (existsSync(copy)) rmSync(copy)
  renameSync(partial, copy)
}

/**
 * Brings the store to the last of `steps`. The caller sees to it that only one process is in here.
 * `written` names the program in the store's `meta` table.
 */
export const migrate = (connection: Connection, steps: ReadonlyArray<Migration>, written: string): number => {
  const last = steps.at(-1)?.number ?? 0
  requireOurs(connection)
  requireVersion(connection, last)
  const first = versionOf(connection)
  if (first > 0 && first < last) copyBefore(connection, last)
  for (const step of steps) {
    if (step.number <= first) continue
    connection.write(() => {
      connection.exec(step.sql)
      connection.exec(`PRAGMA application_id=${applicationId}; PRAGMA user_version=${step.number}`)
      const setMeta =
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
      connection.run(setMeta, "schema", String(step.number))
      connection.run(setMeta, "writtenBy", written)
    })
  }
  return last
}
