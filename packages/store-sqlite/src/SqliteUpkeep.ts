/** What an operator does with a store: copy it, check it, see how large it is. */
import { RunStoreError } from "@baton/engine/RunStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { existsSync, linkSync, rmSync, statSync, writeFileSync } from "node:fs"
import * as Failure from "./Failure.ts"
import * as Migrations from "./Migrations.ts"
import * as RunTable from "./RunTable.ts"
import { attempt, type StoreAccess } from "./StoreAccess.ts"

export interface Fault {
  readonly tenant: string
  readonly run: string
  /** Sequence of the first event of the first record that is not what was written, or that is missing. */
  readonly seq: number
}

export interface Size {
  /** Bytes of the store file. */
  readonly file: number
  /** Bytes of the write-ahead log; one that keeps growing means that a reader has been open for long. */
  readonly log: number
}

export class SqliteUpkeep extends Context.Service<SqliteUpkeep, {
  /** A consistent copy while the store is in use, complete or not there. Refuses to overwrite. The key is not in it. */
  readonly backup: (path: string) => Effect.Effect<void, RunStoreError>
  /** Walks a run's hash chain; tells the first bad record. */
  readonly verify: (tenant: string, run: string) => Effect.Effect<Fault | undefined, RunStoreError>
  /** The file's structure, then every run's chain: the first fault of each. */
  readonly verifyAll: Effect.Effect<ReadonlyArray<Fault>, RunStoreError>
  readonly size: Effect.Effect<Size, RunStoreError>
  /** Whether a write can begin now; nothing is written. */
  readonly writable: Effect.Effect<void, RunStoreError>
}>()("baton/store-sqlite/SqliteUpkeep") {}

const taken = (path: string): RunStoreError =>
  new RunStoreError({
    reason: "unavailable",
    message: `${path} exists already and is not overwritten. Choose another name for the backup.`
  })

/** The copy goes into a file that is there and empty, and that only its owner may read. */
const makePrivate = (file: string): void => {
  try {
    writeFileSync(file, "", { flag: "wx", mode: 0o600 })
  } catch (thrown) {
    throw Failure.make(Failure.from(thrown, file)?.reason ?? "read_only", file)
  }
}

const backup = ({ read }: StoreAccess, path: string): Effect.Effect<void, RunStoreError> => {
  if (existsSync(path)) return Effect.fail(taken(path))
  const partial = `${path}.partial`
  const copied = read((connection) => {
    rmSync(partial, { force: true })
    makePrivate(partial)
    connection.run("VACUUM INTO ?", partial)
  })
  const named = attempt(path, () => {
    try {
      linkSync(partial, path)
    } catch (thrown) {
      throw existsSync(path) ? taken(path) : thrown
    }
  })
  return copied.pipe(
    Effect.andThen(named),
    Effect.ensuring(Effect.sync(() => rmSync(partial, { force: true })))
  )
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

export const make = (access: StoreAccess, file: string) =>
  SqliteUpkeep.of({
    backup: (path) => Effect.suspend(() => backup(access, path)),
    verify: (tenant, run) => access.read((connection) => RunTable.firstFault(connection, tenant, run)),
    verifyAll: access.read((connection) => {
      const broken = connection.get("PRAGMA quick_check(1)")?.["quick_check"]
      if (broken !== "ok") throw Failure.make("corrupt", file)
      return RunTable.names(connection).flatMap(({ run, tenant }) => RunTable.firstFault(connection, tenant, run) ?? [])
    }),
    writable: access.read((connection) => {
      connection.requirePresent()
      Migrations.requireVersion(connection, Migrations.latest)
      connection.run("BEGIN IMMEDIATE")
      connection.run("ROLLBACK")
    }),
    size: attempt(file, () => ({ file: sizeOf(file), log: sizeOf(`${file}-wal`) }))
  })
