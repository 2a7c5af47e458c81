/** Backups, and secrets as they lie on the disk. */
import { BlobStore } from "@baton/engine/BlobStore"
import { FlowStore } from "@baton/engine/FlowStore"
import { RunStore } from "@baton/engine/RunStore"
import { Secrets } from "@baton/engine/Secrets"
import { accepted, bytes, creation, following, summary, tenant } from "@baton/engine/testing/Journals"
import type * as Flow from "@baton/kernel/Flow"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as SqliteUpkeep from "@baton/store-sqlite/SqliteUpkeep"
import * as StoreFile from "@baton/store-sqlite/StoreFile"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { DataFolder } from "./DataFolder.ts"

const test = (title: string, body: (folder: string) => Effect.Effect<unknown, unknown>) =>
  it.live(title, () =>
    Effect.gen(function*() {
      return yield* body((yield* DataFolder).path)
    }).pipe(Effect.provide(DataFolder.layer)), 30_000)

const onStore = <A, E>(
  data: string,
  body: Effect.Effect<A, E, SqliteStore.Ports>,
  env: Record<string, string> = {}
) =>
  Effect.provide(body, SqliteStore.layer({ data })).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

describe("backup", () => {
  test("is a whole store of one moment, made while commits go on", (folder) =>
    Effect.gen(function*() {
      const copy = join(folder, "copy.db")
      const ref = yield* onStore(
        folder,
        Effect.gen(function*() {
          const { backup } = yield* SqliteUpkeep.SqliteUpkeep
          const ref = yield* (yield* BlobStore).put(tenant, bytes("kept"))
          let last = yield* accepted(creation("run", undefined))
          const commits = Effect.gen(function*() {
            for (let i = 0; i < 50; i++) last = yield* accepted(following("run", undefined, last))
          })
          yield* Effect.all([commits, Effect.andThen(Effect.yieldNow, backup(copy))], { concurrency: "unbounded" })
          return ref
        })
      )
      const restored = join(folder, "restored")
      mkdirSync(restored)
      copyFileSync(copy, StoreFile.fileOf(restored))
      yield* onStore(
        restored,
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* (yield* SqliteUpkeep.SqliteUpkeep).verifyAll, [])
          assert.isAtLeast((yield* (yield* RunStore).find(tenant, "run"))?.head ?? 0, 1)
          assert.strictEqual(Buffer.from(yield* (yield* BlobStore).get(tenant, ref)).toString(), "kept")
        })
      )
    }))

  test("overwrites nothing", (folder) =>
    Effect.gen(function*() {
      const copy = join(folder, "precious")
      yield* Effect.sync(() => writeFileSync(copy, "precious"))
      const error = yield* onStore(
        folder,
        Effect.flip(Effect.flatMap(SqliteUpkeep.SqliteUpkeep, ({ backup }) => backup(copy)))
      )
      assert.include(error.message, "not overwritten")
      assert.strictEqual(readFileSync(copy, "utf8"), "precious")
      assert.deepStrictEqual(readdirSync(folder).filter((name) => name.includes("partial")), [])
    }))

  test("into a folder that is not there says so", (folder) =>
    Effect.gen(function*() {
      const backup = Effect.flatMap(SqliteUpkeep.SqliteUpkeep, ({ backup }) => backup(join(folder, "no", "copy.db")))
      const error = yield* Effect.flip(onStore(folder, backup))
      assert.strictEqual(error.reason, "read_only")
    }))
})

describe("flow documents", () => {
  test("that a patch has brought into a run are kept as long as the run, with all that they call", (folder) =>
    onStore(
      folder,
      Effect.gen(function*() {
        const [blobs, flows, runs] = [yield* BlobStore, yield* FlowStore, yield* RunStore]
        const document = (name: string, nodes: Flow.Flow["nodes"] = []) =>
          flows.freeze(tenant, { name, nodes, edges: [] })
        const low = yield* document("low")
        const call = { id: "call", type: "flow", flow: { name: "low", version: "1", hash: low } } as const
        const patched = yield* document("patched", [call])
        const idle = yield* document("idle")
        const kept = Effect.forEach([low, patched, idle], (hash) => Effect.result(flows.frozen(tenant, hash))).pipe(
          Effect.map((found) => found.map(({ _tag }) => _tag === "Success"))
        )
        const first = yield* accepted(creation("run", undefined))
        const ended = summary({ status: "succeeded", endedAt: 3000 })
        yield* accepted(following("run", undefined, first, { flows: [patched], summary: ended }))
        yield* blobs.collect(Number.MAX_SAFE_INTEGER)
        assert.deepStrictEqual(yield* kept, [true, true, false])
        yield* runs.remove(tenant, "run")
        yield* blobs.collect(Number.MAX_SAFE_INTEGER)
        assert.deepStrictEqual(yield* kept, [false, false, false])
      })
    ))
})

const value = "correct horse battery staple"
const keep = Effect.flatMap(Secrets, (secrets) => secrets.set(tenant, "token", Redacted.make(value), ["a.com"]))
const look = Effect.flatMap(Secrets, (secrets) => secrets.reveal(tenant, "token", "a.com"))
const change = (folder: string, sql: string) =>
  Effect.sync(() => {
    const db = new DatabaseSync(StoreFile.fileOf(folder))
    db.exec(sql)
    db.close()
  })

describe("secrets on the disk", () => {
  test("are kept under a key that only its owner reads, and appear in no file", (folder) =>
    Effect.gen(function*() {
      yield* onStore(folder, keep)
      assert.strictEqual(statSync(StoreFile.keyOf(folder)).mode & 0o777, 0o600)
      assert.strictEqual(Redacted.value(yield* onStore(folder, look)), value)
      for (const name of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())) {
        assert.isFalse(readFileSync(join(folder, name.name)).includes(value), name.name)
      }
      assert.deepStrictEqual(readdirSync(folder).filter((name) => name.startsWith("key")), ["key"])
    }))

  for (
    const [what, sql] of [
      ["hosts", `UPDATE secret SET hosts = '["a.com","evil.net"]'`],
      ["ciphertext", "UPDATE secret SET sealed = zeroblob(length(sealed))"],
      ["nonce", "UPDATE secret SET nonce = zeroblob(12)"],
      ["tenant", "INSERT INTO secret SELECT 'other', name, hosts, nonce, sealed, updated_at FROM secret"]
    ] as const
  ) {
    test(`cannot be opened when somebody has changed their ${what}`, (folder) =>
      Effect.gen(function*() {
        yield* onStore(folder, keep)
        yield* change(folder, sql)
        const reader = what === "tenant"
          ? Effect.flatMap(Secrets, (secrets) => secrets.reveal("other", "token", "a.com"))
          : look
        const error = yield* Effect.flip(onStore(folder, reader))
        assert.strictEqual(error.reason, "undecryptable")
        assert.include(error.message, "Set it again")
      }))
  }

  test("cannot be opened with another key", (folder) =>
    Effect.gen(function*() {
      yield* onStore(folder, keep, { BATON_KEY: "ab".repeat(32) })
      assert.strictEqual(Redacted.value(yield* onStore(folder, look, { BATON_KEY: "AB".repeat(32) })), value)
      assert.strictEqual((yield* Effect.flip(onStore(folder, look))).reason, "undecryptable")
      const wrong = yield* Effect.flip(onStore(folder, look, { BATON_KEY: "too short" }))
      assert.strictEqual(wrong.reason, "unavailable")
      assert.notInclude(wrong.message, "too short")
    }))

  test("all use the key that the first of many made", (folder) =>
    Effect.gen(function*() {
      const names = ["a", "b", "c", "d"]
      yield* Effect.forEach(names, (name) =>
        onStore(
          folder,
          Effect.flatMap(Secrets, (secrets) => secrets.set(tenant, name, Redacted.make(name), ["a.com"]))
        ), {
        concurrency: "unbounded"
      })
      for (const name of names) {
        const found = yield* onStore(
          folder,
          Effect.flatMap(Secrets, (secrets) => secrets.reveal(tenant, name, "a.com"))
        )
        assert.strictEqual(Redacted.value(found), name)
      }
    }))
})
