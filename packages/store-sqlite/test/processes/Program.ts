/**
 * A process for tests to start, talk to and kill: `node Program.ts <role> <folder> …`. It says one JSON line for each thing
 * that has happened, and goes on when a line comes in.
 */
import { RunStore, type RunStoreError } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import * as Journals from "@baton/engine/testing/Journals"
import { Connection } from "@baton/store-sqlite/Connection"
import * as Migrations from "@baton/store-sqlite/Migrations"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as StoreFile from "@baton/store-sqlite/StoreFile"
import * as Effect from "effect/Effect"
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { DatabaseSync } from "node:sqlite"

const [role, folder = "", ...rest] = process.argv.slice(2)

/** Written at once: a line is either said or not when the process is killed. */
const say = (what: object) => writeSync(1, JSON.stringify(what) + "\n")

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const heard = Effect.promise(() => lines.next())

const tell = ({ message, reason }: RunStoreError) => Effect.sync(() => say({ reason, message }))

/** Opens the store when it is told to, and says how that went. */
const starter = Effect.gen(function*() {
  say({ ready: "waiting" })
  yield* heard
  yield* Effect.provide(Effect.map(Sessions, ({ id }) => say({ ready: id })), layer)
  yield* heard
})

/** Owns some runs until it is killed. */
const holder = Effect.gen(function*() {
  const { id } = yield* Sessions
  for (const run of rest) yield* Journals.accepted(Journals.creation(run, id))
  say({ ready: id })
  yield* heard
})

/** Appends to a run of its own, saying each head once it is acknowledged. */
const writer = Effect.gen(function*() {
  const { id } = yield* Sessions
  const [run = "run", count = "100"] = rest
  say({ ready: id })
  yield* heard
  let last = yield* Journals.accepted(Journals.creation(run, id))
  for (let i = 1; i < Number(count); i++) {
    last = yield* Journals.accepted(Journals.following(run, id, last))
    say({ head: last.head })
  }
  say({ done: last.head })
})

/** Holds the write lock of the store until it is told to let go. */
const locker = Effect.gen(function*() {
  const db = new DatabaseSync(StoreFile.fileOf(folder))
  db.exec("BEGIN IMMEDIATE")
  say({ ready: "locked" })
  yield* heard
  db.exec("COMMIT")
  db.close()
})

/** Says when a connection of this thread is closed. */
const watchClosing = () => {
  const { close } = DatabaseSync.prototype
  DatabaseSync.prototype.close = function(this: DatabaseSync) {
    say({ closed: this.location() ?? "" })
    close.call(this)
  }
}

/** Commits one record after another, each when it is told to, and says what became of it. */
const committer = Effect.gen(function*() {
  const { id } = yield* Sessions
  const store = yield* RunStore
  watchClosing()
  let last: { head: number; hash: Uint8Array } = yield* Journals.accepted(Journals.creation("run", id))
  say({ ready: id })
  while (true) {
    const { done, value } = yield* heard
    if (done === true) return
    const record = Journals.following("run", id, last, { bytes: new Uint8Array(Number(value)) })
    const outcome = yield* Effect.result(store.commit([record]))
    if (outcome._tag === "Failure") {
      yield* tell(outcome.failure)
    } else {
      const [first] = outcome.success
      if (first?.ok === true) last = first
      say(first?.ok === true ? { head: first.head } : { refused: first?.reason })
    }
  }
})

/** Is killed by itself in the transaction of the second migration, after its statements. */
const dyingMigration = () => {
  let asked = 0
  const dying: Migrations.Migration = {
    sql: "CREATE TABLE half (a); INSERT INTO half VALUES (1)",
    get number() {
      if (++asked === 4) process.kill(process.pid, "SIGKILL")
      return Migrations.migrations.length + 1
    }
  }
  const connection = new Connection(StoreFile.fileOf(folder))
  Migrations.migrate(connection, [...Migrations.migrations, dying], "test")
}

const commits = process.env["COMMITS"] === "thread" ? "thread" as const : "inline" as const
const layer = SqliteStore.layer({ data: folder, commits })
const run = (program: Effect.Effect<void, RunStoreError, RunStore | Sessions>) =>
  program.pipe(Effect.provide(layer), Effect.catchTag("RunStoreError", tell), Effect.runPromise)

switch (role) {
  case "starter":
    await Effect.runPromise(starter)
    break
  case "holder":
    await run(holder)
    break
  case "writer":
    await run(writer)
    break
  case "locker":
    await Effect.runPromise(locker)
    break
  case "committer":
    await run(committer)
    break
  case "dying-migration":
    dyingMigration()
    break
}
process.exit()
