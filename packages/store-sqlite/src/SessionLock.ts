/**
 * The operating system's proof that a process lives: an exclusive lock on a small file of its own.
 *
 * The lock is SQLite's own file lock, held by a transaction that stays open. The kernel takes it away when the process
 * ends, however it ends. Never open these files by other means: closing any handle on them would drop the lock (POSIX).
 */
import { existsSync, mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Failure from "./Failure.ts"

const idPattern = /^[0-9A-Za-z-]{1,64}$/

const fileOf = (folder: string, id: string): string => join(folder, `${id}.db`)

const tryLock = (file: string, waitMs: number): DatabaseSync | undefined => {
  const db = new DatabaseSync(file, { timeout: waitMs })
  try {
    db.exec("BEGIN EXCLUSIVE")
    return db
  } catch (thrown) {
    db.close()
    if (Failure.from(thrown, file)?.reason === "busy") return undefined
    throw thrown
  }
}

export interface SessionLock {
  readonly id: string
  /** Gives the lock back and removes the file. */
  readonly close: () => void
}

/** Takes the lock of a new session; `undefined` when somebody who looked for dead sessions got in between. */
export const open = (folder: string, id: string): SessionLock | undefined => {
  mkdirSync(folder, { recursive: true })
  const file = fileOf(folder, id)
  const db = tryLock(file, 0)
  if (db === undefined) return undefined
  if (!existsSync(file)) {
    db.close()
    return undefined
  }
  return {
    id,
    close: () => {
      rmSync(file, { force: true })
      db.close()
    }
  }
}

/** Whether a session's process lives. The file of a dead one is removed while its lock is held, then it is gone. */
export const isAlive = (folder: string, id: string): boolean => {
  const file = fileOf(folder, id)
  if (!idPattern.test(id) || !existsSync(file)) return false
  const db = tryLock(file, 0)
  if (db === undefined) return true
  rmSync(file, { force: true })
  rmSync(`${file}-journal`, { force: true })
  db.close()
  return false
}

/** Runs `body` while no other process is in its own `exclusive` of this file; waits for it up to `waitMs`. */
export const exclusive = <A>(file: string, waitMs: number, body: () => A): A => {
  const db = tryLock(file, waitMs)
  if (db === undefined) throw Failure.make("busy", file)
  try {
    return body()
  } finally {
    db.close()
  }
}
