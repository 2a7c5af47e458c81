/**
 * One connection to a store file: settings, statements prepared once, transactions.
 *
 * Promise. A write transaction takes the write lock at its start (`BEGIN IMMEDIATE`), so that what it reads cannot change
 * under it and it never fails half way for want of the lock. When it throws, nothing of it is kept. After an I/O error the
 * connection is opened anew before its next use; a failed sync is never repeated blindly. A file that is no longer where it
 * was opened is not written to (`gone`): POSIX lets a process go on with a file that nobody else can find.
 */
import { statSync } from "node:fs"
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite"
import * as Failure from "./Failure.ts"

/** How long a statement itself waits for a lock, in milliseconds; it blocks the thread, so longer waits are made outside. */
const lockWaitMs = 10

/** Page cache in KiB, as SQLite's negative `cache_size` counts. */
const cacheKib = 32 * 1024

/** Pages in the write-ahead log at which it is copied back into the file. */
export const checkpointPages = 2000

export type Row = { readonly [column: string]: SQLOutputValue }

/** Which file a path names: its device and its number there. */
export interface Identity {
  readonly dev: number
  readonly ino: number
}

const identityOf = (file: string): Identity | undefined => {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? undefined : { dev: found.dev, ino: found.ino }
}

export class Connection {
  /** The file's path, or `:memory:`. */
  readonly file: string
  /** Raised whenever something else than this connection may have changed what was read. */
  generation = 0
  #db: DatabaseSync
  #broken = false
  /** Undefined in memory. */
  readonly identity: Identity | undefined
  readonly #statements = new Map<string, StatementSync>()

  /** `expected` is the file that another connection has open: opening its path must not make a new one there. */
  constructor(file: string, expected?: Identity) {
    this.file = file
    this.identity = expected
    this.requirePresent()
    this.#db = open(file)
    this.identity ??= file === ":memory:" ? undefined : identityOf(file)
  }

  /** The file that is open is the one that others find. */
  requirePresent(): void {
    const opened = this.identity
    if (opened === undefined) return
    const now = identityOf(this.file)
    if (now === undefined || now.ino !== opened.ino || now.dev !== opened.dev) throw Failure.make("gone", this.file)
  }

  #prepared(sql: string): StatementSync {
    const found = this.#statements.get(sql)
    if (found !== undefined) return found
    if (this.#broken) this.#reopen()
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #reopen() {
    this.requirePresent()
    try {
      this.#db.close()
    } catch {
      // It is broken; what counts is whether it opens again.
    }
    this.#db = open(this.file)
    this.#broken = false
  }

  #failed(thrown: unknown) {
    this.generation += 1
    if (!Failure.losesConnection(thrown) || this.file === ":memory:") return
    this.#broken = true
    this.#statements.clear()
  }

  exec(sql: string): void {
    if (this.#broken) this.#reopen()
    this.#db.exec(sql)
  }

  /** Executes a statement; returns how many rows it changed. */
  run(sql: string, ...values: ReadonlyArray<SQLInputValue>): number {
    return Number(this.#prepared(sql).run(...values).changes)
  }

  /** Executes an insertion; returns the row's number. */
  insert(sql: string, ...values: ReadonlyArray<SQLInputValue>): number {
    return Number(this.#prepared(sql).run(...values).lastInsertRowid)
  }

  /** Executes an insertion that leaves alone what is there, and then returns `undefined`. */
  insertNew(sql: string, ...values: ReadonlyArray<SQLInputValue>): number | undefined {
    const { changes, lastInsertRowid } = this.#prepared(sql).run(...values)
    return changes === 0 ? undefined : Number(lastInsertRowid)
  }

  get(sql: string, ...values: ReadonlyArray<SQLInputValue>): Row | undefined {
    return this.#prepared(sql).get(...values)
  }

  all(sql: string, ...values: ReadonlyArray<SQLInputValue>): ReadonlyArray<Row> {
    return this.#prepared(sql).all(...values)
  }

  /** A durable transaction: when this returns, it survives power loss. */
  write<A>(body: () => A): A {
    try {
      this.requirePresent()
      this.run("BEGIN IMMEDIATE")
      const result = body()
      this.run("COMMIT")
      return result
    } catch (thrown) {
      this.#failed(thrown)
      this.#rollback()
      throw thrown
    }
  }

  /** A transaction that may be lost with the power, but never torn: no sync of its own. */
  writeRelaxed<A>(body: () => A): A {
    this.exec("PRAGMA synchronous=NORMAL")
    try {
      return this.write(body)
    } finally {
      this.exec("PRAGMA synchronous=FULL")
    }
  }

  #rollback() {
    if (this.#broken || !this.#db.isTransaction) return
    try {
      this.#db.exec("ROLLBACK")
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  close(): void {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }
}

const open = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file, { timeout: lockWaitMs })
  try {
    db.exec(`
      PRAGMA journal_mode=WAL;
      PRAGMA synchronous=FULL;
      PRAGMA fullfsync=1;
      PRAGMA cache_size=-${cacheKib};
      PRAGMA wal_autocheckpoint=${checkpointPages};
      PRAGMA journal_size_limit=67108864;
      PRAGMA temp_store=MEMORY;
      PRAGMA cell_size_check=1;
      PRAGMA trusted_schema=0
    `)
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}
