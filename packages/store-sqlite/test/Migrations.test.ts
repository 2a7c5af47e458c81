/** The schema's steps: from nothing, from an older store, killed, refused. */
import type { RunStoreError } from "@baton/engine/RunStore"
import { creation, tenant } from "@baton/engine/testing/Journals"
import { Connection } from "@baton/store-sqlite/Connection"
import { JournalWriter } from "@baton/store-sqlite/JournalWriter"
import * as Migrations from "@baton/store-sqlite/Migrations"
import * as RunTable from "@baton/store-sqlite/RunTable"
import * as StoreFile from "@baton/store-sqlite/StoreFile"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { DataFolder } from "./DataFolder.ts"
import * as Processes from "./processes/Processes.ts"

const laterNumber = Migrations.migrations.length + 1
const later: Migrations.Migration = { number: laterNumber, sql: "CREATE TABLE later (a); INSERT INTO later VALUES (1)" }
const steps = [...Migrations.migrations, later]

const inFolder = (title: string, body: (folder: string) => Effect.Effect<void, never, DataFolder>) =>
  it.live(title, () =>
    Effect.gen(function*() {
      return yield* body((yield* DataFolder).path)
    }).pipe(Effect.provide(DataFolder.layer)), 30_000)

const sync = (title: string, body: (folder: string) => void) =>
  inFolder(title, (folder) => Effect.sync(() => body(folder)))

/** What opening throws, in the port's words. */
const refusal = (open: () => unknown): RunStoreError => {
  try {
    open()
  } catch (thrown) {
    return thrown as RunStoreError
  }
  return assert.fail("was not refused")
}

const makeOld = (folder: string) => {
  const { connection, version } = StoreFile.open(folder, "old")
  new JournalWriter(connection, version).commit([creation("run", "me")])
  return connection
}

/** Digests of released steps: a released step never changes. */
const released = ["72e7031e0cdca2fc"]

describe("migrations", () => {
  it("are numbered from 1 without a gap", () => {
    assert.deepStrictEqual(
      Migrations.migrations.map(({ number }) => number),
      Migrations.migrations.map((_, i) => i + 1)
    )
  })

  it("have not changed since they were released", () => {
    assert.deepStrictEqual(
      Migrations.migrations.slice(0, released.length).map(({ sql }) =>
        hash("sha256", sql.replaceAll(/\s+/g, " ")).slice(0, 16)
      ),
      released
    )
  })

  sync("copy the store before they change it, and leave the same schema as a fresh start", (folder) => {
    makeOld(folder).close()
    const { connection } = StoreFile.open(folder, "new", steps)
    const schema = (from: Connection) => from.all("SELECT name, sql FROM sqlite_schema ORDER BY name")
    const fresh = StoreFile.open(StoreFile.inMemory, "new", steps).connection
    assert.deepStrictEqual(schema(connection), schema(fresh))
    assert.strictEqual(Migrations.versionOf(connection), laterNumber)
    assert.strictEqual(RunTable.find(connection, tenant, "run")?.head, 1)
    const copy = new Connection(`${StoreFile.fileOf(folder)}.before-v${laterNumber}`)
    assert.strictEqual(Migrations.versionOf(copy), laterNumber - 1)
    assert.strictEqual(RunTable.find(copy, tenant, "run")?.head, 1)
    for (const open of [connection, fresh, copy]) open.close()
  })

  sync("make no copy of a new store", (folder) => {
    StoreFile.open(folder, "new", steps).connection.close()
    assert.isFalse(existsSync(`${StoreFile.fileOf(folder)}.before-v${laterNumber}`))
  })

  inFolder("killed in the middle are undone, and go on at the next start", (folder) =>
    Effect.gen(function*() {
      yield* Effect.sync(() => makeOld(folder).close())
      const child = yield* Processes.start(["dying-migration", folder])
      yield* child.ended
      assert.isTrue(existsSync(`${StoreFile.fileOf(folder)}.before-v${laterNumber}`))
      const between = new Connection(StoreFile.fileOf(folder))
      assert.strictEqual(Migrations.versionOf(between), laterNumber - 1)
      assert.isUndefined(between.get("SELECT 1 FROM sqlite_schema WHERE name = 'half'"))
      between.close()
      const { connection } = StoreFile.open(folder, "new", steps)
      assert.strictEqual(Migrations.versionOf(connection), laterNumber)
      assert.strictEqual(RunTable.find(connection, tenant, "run")?.head, 1)
      connection.close()
    }).pipe(Effect.scoped))

  sync("of a newer program are refused, and the store is left as it was", (folder) => {
    StoreFile.open(folder, "new", steps).connection.close()
    const before = readFileSync(StoreFile.fileOf(folder))
    const error = refusal(() => StoreFile.open(folder, "old"))
    assert.strictEqual(error.reason, "newer")
    assert.include(error.message, "newer version of Baton")
    assert.isTrue(readFileSync(StoreFile.fileOf(folder)).equals(before))
  })

  sync("stop the commits of an older program that is still running", (folder) => {
    const { connection, version } = StoreFile.open(folder, "old")
    const writer = new JournalWriter(connection, version)
    writer.commit([creation("before", "me")])
    StoreFile.open(folder, "new", steps).connection.close()
    assert.strictEqual(refusal(() => writer.commit([creation("after", "me")])).reason, "newer")
    assert.isUndefined(RunTable.find(connection, tenant, "after"))
    connection.close()
  })

  sync("leave the database of another program alone", (folder) => {
    const theirs = new DatabaseSync(StoreFile.fileOf(folder))
    theirs.exec("CREATE TABLE theirs (a)")
    theirs.close()
    const error = refusal(() => StoreFile.open(folder, "baton"))
    assert.strictEqual(error.reason, "corrupt")
    assert.include(error.message, "another program")
    const after = new DatabaseSync(StoreFile.fileOf(folder))
    assert.deepStrictEqual(after.prepare("SELECT name FROM sqlite_schema").all().map(({ name }) => name), ["theirs"])
    after.close()
  })

  sync("refuse a file that is no database", (folder) => {
    writeFileSync(StoreFile.fileOf(folder), "this is not a database, whatever its name says\n".repeat(100))
    assert.match(String(refusal(() => StoreFile.open(folder, "baton"))), /not a database|damaged/)
  })
})
