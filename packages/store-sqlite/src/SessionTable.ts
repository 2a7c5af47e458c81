/** Owners of runs, and the commands handed in to them. */
import { type HandedCommand, type OwnedRun } from "@baton/engine/Sessions"
import type { Connection } from "./Connection.ts"
import * as SessionLock from "./SessionLock.ts"

/** Commands are kept this long, answered or not, in milliseconds. */
const commandsKeptMs = 24 * 60 * 60 * 1000

const openStatuses = "('pending', 'planning', 'running', 'waiting')"

export interface Adoption {
  readonly session: string
  /** Folder of the session files; none in memory, where there is no other session. */
  readonly folder: string | undefined
  readonly limit: number
  readonly only: { readonly tenant: string; readonly run: string } | undefined
}

const isDead = ({ folder, session }: Adoption) => (owner: string): boolean =>
  owner !== session && (folder === undefined || !SessionLock.isAlive(folder, owner))

/** One transaction: of several adopters each run goes to one. */
export const adopt = (connection: Connection, adoption: Adoption): ReadonlyArray<OwnedRun> =>
  connection.write(() => {
    const dead = connection
      .all(`SELECT DISTINCT owner FROM run WHERE owner IS NOT NULL AND status IN ${openStatuses}`)
      .map((row) => String(row["owner"]))
      .filter(isDead(adoption))
    const free = connection.all(
      `SELECT run_no, tenant, run, epoch, owner FROM run
        WHERE status IN ${openStatuses} AND (owner IS NULL OR owner IN (SELECT value FROM json_each(?)))
          AND (? IS NULL OR (tenant = ? AND run = ?))
        ORDER BY run_no LIMIT ?`,
      JSON.stringify(dead),
      adoption.only?.run ?? null,
      adoption.only?.tenant ?? null,
      adoption.only?.run ?? null,
      adoption.limit
    )
    return free.map((row) => {
      connection.run(
        "UPDATE run SET owner = ?, epoch = epoch + 1 WHERE run_no = ?",
        adoption.session,
        Number(row["run_no"])
      )
      return {
        tenant: String(row["tenant"]),
        run: String(row["run"]),
        epoch: Number(row["epoch"]) + 1,
        orderly: row["owner"] === null
      }
    })
  })

/** Unfinished runs without a living owner; `session` is asked by itself. */
export const unowned = (connection: Connection, asking: Pick<Adoption, "session" | "folder">): number => {
  const dead = isDead({ ...asking, limit: 0, only: undefined })
  return connection
    .all(`SELECT owner, count(*) AS n FROM run WHERE status IN ${openStatuses} GROUP BY owner`)
    .filter(({ owner }) => owner === null || dead(String(owner)))
    .reduce((sum, { n }) => sum + Number(n), 0)
}

export const release = (
  connection: Connection,
  session: string,
  runs: ReadonlyArray<{ tenant: string; run: string }>
): void =>
  connection.write(() => {
    for (const { run, tenant } of runs) {
      connection.run("UPDATE run SET owner = NULL WHERE tenant = ? AND run = ? AND owner = ?", tenant, run, session)
    }
  })

export const give = (connection: Connection, tenant: string, run: string, command: string, now: number): number =>
  connection.write(() => {
    connection.run("DELETE FROM command WHERE at < ?", now - commandsKeptMs)
    return connection.insert(
      "INSERT INTO command (tenant, run, body, at) VALUES (?, ?, ?, ?)",
      tenant,
      run,
      command,
      now
    )
  })

export const reply = (connection: Connection, id: number, answer: string): void =>
  connection.write(() => {
    connection.run("UPDATE command SET answer = ? WHERE id = ? AND answer IS NULL", answer, id)
  })

export const answer = (connection: Connection, id: number): string | undefined => {
  const found = connection.get("SELECT answer FROM command WHERE id = ?", id)?.["answer"]
  return typeof found === "string" ? found : undefined
}

/** Costs one look into an index that is empty when there is nothing to do. */
export const taken = (connection: Connection, session: string, limit: number): ReadonlyArray<HandedCommand> => {
  if (connection.get("SELECT 1 AS found FROM command WHERE answer IS NULL LIMIT 1") === undefined) return []
  return connection.all(
    `SELECT c.id, c.tenant, c.run, c.body FROM command c JOIN run r ON r.tenant = c.tenant AND r.run = c.run
      WHERE c.answer IS NULL AND r.owner = ? ORDER BY c.id LIMIT ?`,
    session,
    limit
  ).map((row) => ({
    id: Number(row["id"]),
    tenant: String(row["tenant"]),
    run: String(row["run"]),
    command: String(row["body"])
  }))
}
