import { creation, following, summary, tenant, word } from "@baton/engine/testing/Journals"
import { Connection } from "@baton/store-sqlite/Connection"
import * as Failure from "@baton/store-sqlite/Failure"
import { JournalWriter } from "@baton/store-sqlite/JournalWriter"
import * as RemovalTable from "@baton/store-sqlite/RemovalTable"
import * as RunTable from "@baton/store-sqlite/RunTable"
import * as StoreFile from "@baton/store-sqlite/StoreFile"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { DataFolder } from "./DataFolder.ts"

const withStore = (title: string, body: (opened: StoreFile.Opened) => void) =>
  it.effect(title, () =>
    Effect.gen(function*() {
      const { path } = yield* DataFolder
      const opened = yield* Effect.acquireRelease(
        Effect.sync(() => StoreFile.open(path, "test")),
        ({ connection }) => Effect.sync(() => connection.close())
      )
      body(opened)
    }).pipe(Effect.provide(DataFolder.layer)))

const pragma = (connection: Connection, name: string) => connection.get(`PRAGMA ${name}`)?.[name]

/** What a write throws, in the port's words. */
const thrown = (write: () => unknown) => {
  try {
    write()
  } catch (error) {
    return Failure.from(error, "store")?.reason
  }
  return undefined
}

describe("connection", () => {
  withStore("syncs every commit, also after one that needed none", ({ connection }) => {
    const full = 2
    assert.strictEqual(pragma(connection, "synchronous"), full)
    assert.strictEqual(pragma(connection, "journal_mode"), "wal")
    assert.strictEqual(pragma(connection, "fullfsync"), 1)
    const during = connection.writeRelaxed(() => pragma(connection, "synchronous"))
    assert.strictEqual(during, 1)
    assert.throws(() =>
      connection.writeRelaxed(() => {
        throw new Error("bug")
      })
    )
    assert.strictEqual(pragma(connection, "synchronous"), full)
  })

  withStore("keeps nothing of a transaction that throws, and works on", ({ connection }) => {
    assert.throws(() =>
      connection.write(() => {
        connection.run("INSERT INTO meta (key, value) VALUES ('half', '')")
        throw new Error("bug")
      }), "bug")
    assert.isUndefined(connection.get("SELECT 1 FROM meta WHERE key = 'half'"))
    connection.write(() => connection.run("INSERT INTO meta (key, value) VALUES ('whole', '')"))
    assert.isDefined(connection.get("SELECT 1 FROM meta WHERE key = 'whole'"))
  })
})

describe("commit", () => {
  withStore("writes nothing of a batch that the store fails on, and its fences are right afterwards", (opened) => {
    const { connection, version } = opened
    const writer = new JournalWriter(connection, version)
    const [made] = writer.commit([creation("a", "me")])
    if (made?.ok !== true) return assert.fail("not made")
    const next = following("a", "me", made)
    const pages = Number(pragma(connection, "page_count"))
    connection.exec(`PRAGMA max_page_count=${pages + 4}`)
    const batch = [next, creation("b", "me"), creation("c", "me", { bytes: new Uint8Array(1_000_000) })]
    assert.strictEqual(thrown(() => writer.commit(batch)), "full")
    assert.strictEqual(RunTable.find(connection, tenant, "a")?.head, 1)
    assert.isUndefined(RunTable.find(connection, tenant, "b"))
    connection.exec("PRAGMA max_page_count=1000000")
    assert.deepStrictEqual(writer.commit(batch).map(word), ["ok", "ok", "ok"])
    assert.deepStrictEqual(writer.commit([next]).map(word), ["conflict"])
  })

  withStore("sees what another connection has written since: records, owners, removal", ({ connection, version }) => {
    const writer = new JournalWriter(connection, version)
    const other = new Connection(connection.file)
    const [made] = writer.commit([creation("a", "me")])
    if (made?.ok !== true) return assert.fail("not made")
    const [theirs] = new JournalWriter(other, version).commit([following("a", "me", made)])
    if (theirs?.ok !== true) return assert.fail("not written")
    assert.deepStrictEqual(writer.commit([following("a", "me", made)]).map(word), ["conflict"])
    other.write(() => other.run("UPDATE run SET owner = 'you'"))
    assert.deepStrictEqual(writer.commit([following("a", "me", theirs)]).map(word), ["not_owner"])
    const ended = following("a", "you", theirs, { summary: summary({ status: "failed", endedAt: 5 }) })
    assert.deepStrictEqual(writer.commit([ended]).map(word), ["ok"])
    assert.deepStrictEqual(RemovalTable.remove(other, tenant, ["a"]), [["a"]])
    assert.deepStrictEqual(writer.commit([creation("a", "me")]).map(word), ["ok"])
    other.close()
  })
})
