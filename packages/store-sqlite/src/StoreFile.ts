/**
 * Opening a store: folder, connection, schema. Only one process at a time is in here, so that any number of them may
 * start at once on a folder that is empty or holds an older store.
 */
import { existsSync, mkdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { Connection } from "./Connection.ts"
import * as Failure from "./Failure.ts"
import * as Migrations from "./Migrations.ts"
import * as SessionLock from "./SessionLock.ts"

/** What `layer` calls the store that lives in memory only. */
export const inMemory = ":memory:"

/** How long a start waits for another one, which may be migrating a large store, in milliseconds. */
export const openWaitMs = 15_000

/** Commits that are measured when a store is opened. */
const syncsMeasured = 5

export interface Opened {
  readonly connection: Connection
  readonly version: number
}

export const fileOf = (data: string): string => data === inMemory ? inMemory : join(data, "baton.db")

export const sessionsOf = (data: string): string => join(data, "sessions")

export const keyOf = (data: string): string => join(data, "key")

/** Folder by folder: Node's own recursive way never ends where a file system denies that a parent it shows is there (`/proc`). */
const makeFolders = (path: string): void => {
  const missing: Array<string> = []
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at)
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (thrown) {
      // Another process, starting at the same time, was first.
      if (!isFolder(folder)) throw thrown
    }
  }
  if (!isFolder(path)) throw new Error("not a folder")
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/**
 * For its owner only: inputs and outputs of runs are in it. Whatever the reason given (a read-only disk answers ENOENT
 * here), the folder is not there and cannot be made.
 */
const makeFolder = (data: string): void => {
  try {
    makeFolders(data)
  } catch (thrown) {
    throw Failure.make(Failure.from(thrown, data)?.reason ?? "read_only", fileOf(data))
  }
}

const connect = (file: string, program: string, steps: ReadonlyArray<Migrations.Migration>): Opened => {
  const connection = new Connection(file)
  try {
    return { connection, version: Migrations.migrate(connection, steps, program) }
  } catch (thrown) {
    connection.close()
    throw thrown
  }
}

export const open = (
  data: string,
  program: string,
  steps: ReadonlyArray<Migrations.Migration> = Migrations.migrations
): Opened => {
  if (data === inMemory) return connect(inMemory, program, steps)
  makeFolder(data)
  return SessionLock.exclusive(
    join(data, "opening.db"),
    openWaitMs,
    () => connect(fileOf(data), program, steps)
  )
}

/** The fastest of a few durable commits, in milliseconds: other work on the machine makes a sync slower, never faster. */
export const measureSync = ({ connection }: Opened, enough: number): number => {
  let fastest = Number.POSITIVE_INFINITY
  for (let i = 0; i < syncsMeasured && fastest > enough; i++) {
    const started = performance.now()
    connection.write(() =>
      connection.run(
        "INSERT INTO meta (key, value) VALUES ('probe', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        String(i)
      )
    )
    fastest = Math.min(fastest, performance.now() - started)
  }
  return fastest
}
