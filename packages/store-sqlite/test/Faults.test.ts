/** Disks that are full, broken or read-only, locked and damaged files: what is said, and what is left. */
import { BlobStore } from "@baton/engine/BlobStore"
import { FlowStore } from "@baton/engine/FlowStore"
import { RunStore } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import { accepted, bytes, creation, following, tenant } from "@baton/engine/testing/Journals"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as SqliteUpkeep from "@baton/store-sqlite/SqliteUpkeep"
import { BusyWait } from "@baton/store-sqlite/StoreAccess"
import * as StoreFile from "@baton/store-sqlite/StoreFile"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, existsSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { DataFolder } from "./DataFolder.ts"
import * as Processes from "./processes/Processes.ts"

type Body = (folder: string) => Effect.Effect<unknown, unknown, Scope.Scope>

const register = (run: typeof it.live | typeof it.live.skip) => (title: string, body: Body) =>
  run(
    title,
    () =>
      Effect.gen(function*() {
        return yield* body((yield* DataFolder).path)
      }).pipe(Effect.scoped, Effect.provide(DataFolder.layer)),
    60_000
  )

const test = register(it.live)

/** A test that this machine can run, or one that is seen to be skipped. */
const testIf = (possible: boolean) => possible ? test : register(it.live.skip)

const onStore = <A, E>(
  data: string,
  body: Effect.Effect<A, E, SqliteStore.Ports>,
  commits: "auto" | "thread" = "auto"
) => Effect.provide(body, SqliteStore.layer({ data, commits }))

/** Changes the store's file behind its back. */
const tamper = (folder: string, sql: string) =>
  Effect.sync(() => {
    const db = new DatabaseSync(StoreFile.fileOf(folder))
    db.exec(sql)
    db.close()
  })

/** A file system of one MiB on the folder. */
const mounted = (folder: string, options: string) =>
  Effect.acquireRelease(
    Effect.sync(() => execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", folder])),
    () => Effect.sync(() => execFileSync("umount", ["-l", folder]))
  )

const mountable = process.getuid?.() === 0 && spawnSync("unshare", ["-m", "true"]).status === 0
const compilable = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0

describe("a full disk", () => {
  for (const commits of ["inline", "thread"]) {
    testIf(mountable)(
      `refuses the batch whole, says so, and goes on when there is space (${commits})`,
      (folder) =>
        Effect.gen(function*() {
          yield* mounted(folder, "size=1m")
          const child = yield* Processes.start(["committer", folder], { env: { ...process.env, COMMITS: commits } })
          yield* child.hear
          yield* child.tell("1000")
          assert.deepStrictEqual(yield* child.hear, { head: 2 })
          yield* Effect.sync(() => writeFileSync(join(folder, "ballast"), new Uint8Array(300_000)))
          yield* child.tell("900000")
          const refused = yield* child.hear
          assert.strictEqual(refused?.reason, "full")
          assert.include(refused?.message, "Free some space")
          yield* Effect.sync(() => rmSync(join(folder, "ballast")))
          yield* child.tell("1000")
          assert.deepStrictEqual(yield* child.hear, { head: 3 })
          yield* child.kill
          yield* onStore(
            folder,
            Effect.gen(function*() {
              assert.deepStrictEqual(yield* (yield* SqliteUpkeep.SqliteUpkeep).verifyAll, [])
              assert.strictEqual((yield* (yield* RunStore).find(tenant, "run"))?.head, 3)
            })
          )
        })
    )
  }
})

describe("a disk whose sync fails", () => {
  for (const commits of ["inline", "thread"]) {
    testIf(compilable)(
      `acknowledges nothing, and is opened anew before it is used again (${commits})`,
      (folder) =>
        Effect.gen(function*() {
          const library = join(folder, "failing-sync.so")
          const flag = join(folder, "fail")
          const source = new URL("processes/failing-sync.c", import.meta.url).pathname
          execFileSync("cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"])
          const child = yield* Processes.start(["committer", folder], {
            env: { ...process.env, COMMITS: commits, LD_PRELOAD: library, BATON_FAIL_SYNC: flag }
          })
          yield* child.hear
          yield* child.tell("100")
          assert.deepStrictEqual(yield* child.hear, { head: 2 })
          yield* Effect.sync(() => writeFileSync(flag, ""))
          yield* child.tell("100")
          const refused = yield* child.hear
          assert.strictEqual(refused?.reason, "unavailable")
          assert.include(refused?.message, "Check the disk")
          yield* Effect.sync(() => rmSync(flag))
          yield* child.tell("100")
          if (commits === "inline") assert.match((yield* child.hear)?.closed ?? "", /baton\.db$/)
          assert.deepStrictEqual(yield* child.hear, { head: 3 })
          yield* child.kill
          const faults = Effect.flatMap(SqliteUpkeep.SqliteUpkeep, ({ verifyAll }) => verifyAll)
          assert.deepStrictEqual(yield* onStore(folder, faults), [])
        })
    )
  }
})

describe("a folder that cannot be written", () => {
  testIf(mountable)("is refused with what to do about it", (folder) =>
    Effect.gen(function*() {
      yield* mounted(folder, "size=1m,ro")
      const error = yield* Effect.flip(onStore(join(folder, "data"), Effect.void))
      assert.strictEqual(error.reason, "read_only")
      assert.include(error.message, "permissions")
    }))

  testIf(mountable)("is refused when the store in it was made earlier", (folder) =>
    Effect.gen(function*() {
      yield* mounted(folder, "size=4m")
      yield* onStore(folder, Effect.void)
      yield* Effect.sync(() => execFileSync("mount", ["-o", "remount,ro", folder]))
      const error = yield* Effect.flip(onStore(folder, Effect.void))
      assert.strictEqual(error.reason, "read_only")
    }))

  testIf(process.getuid?.() !== 0)("is refused by its permissions", (folder) =>
    Effect.gen(function*() {
      chmodSync(folder, 0o555)
      const error = yield* Effect.flip(onStore(folder, Effect.void))
      assert.strictEqual(error.reason, "read_only")
    }))
})

describe("a store that another program has locked", () => {
  test("is waited for", (folder) =>
    Effect.gen(function*() {
      yield* onStore(folder, Effect.void)
      const locker = yield* Processes.start(["locker", folder])
      yield* onStore(
        folder,
        Effect.gen(function*() {
          const { id } = yield* Sessions
          yield* locker.hear
          const commit = yield* Effect.forkChild(accepted(creation("run", id)), { startImmediately: true })
          yield* locker.tell("let go")
          assert.strictEqual((yield* Fiber.join(commit)).head, 1)
        })
      )
    }))

  for (const commits of ["inline", "thread"] as const) {
    test(`is given up after a while, with nothing written (${commits})`, (folder) =>
      Effect.gen(function*() {
        yield* onStore(folder, Effect.void)
        const locker = yield* Processes.start(["locker", folder])
        yield* locker.hear
        const layer = SqliteStore.layer({ data: folder, commits })
        yield* Effect.gen(function*() {
          const store = yield* RunStore
          const error = yield* store.commit([creation("run", undefined)]).pipe(
            Effect.provideService(BusyWait, Duration.millis(100)),
            Effect.flip
          )
          assert.strictEqual(error.reason, "busy")
          assert.include(error.message, "locked by another program")
          yield* locker.kill
          assert.isUndefined(yield* store.find(tenant, "run"))
          yield* accepted(creation("run", undefined))
        }).pipe(Effect.provide(layer))
      }))
  }
})

describe("a damaged store", () => {
  test("never gives wrong bytes: a flipped byte of a record, a blob or a flow is named", (folder) =>
    onStore(
      folder,
      Effect.gen(function*() {
        const store = yield* RunStore
        const blobs = yield* BlobStore
        const flows = yield* FlowStore
        const upkeep = yield* SqliteUpkeep.SqliteUpkeep
        const made = yield* accepted(creation("run", undefined))
        const second = yield* accepted(following("run", undefined, made))
        yield* accepted(following("run", undefined, second))
        const ref = yield* blobs.put(tenant, bytes("blob"))
        const hash = yield* flows.freeze(tenant, { name: "f", nodes: [], edges: [] })
        assert.isUndefined(yield* upkeep.verify(tenant, "run"))
        yield* tamper(
          folder,
          `UPDATE journal SET bytes = CAST(replace(CAST(bytes AS TEXT), 'after', 'aftes') AS BLOB) WHERE seq = 2;
          UPDATE blob SET bytes = CAST('blod' AS BLOB); UPDATE flow_document SET body = body || ' '`
        )
        assert.strictEqual((yield* Effect.flip(store.records(tenant, "run", 0, 10))).reason, "corrupt")
        assert.strictEqual((yield* store.records(tenant, "run", 0, 1)).length, 1)
        assert.strictEqual((yield* Effect.flip(blobs.get(tenant, ref))).reason, "corrupt")
        assert.strictEqual((yield* Effect.flip(flows.frozen(tenant, hash))).reason, "corrupt")
        assert.deepStrictEqual(yield* upkeep.verify(tenant, "run"), { tenant, run: "run", seq: 2 })
        assert.deepStrictEqual(yield* upkeep.verifyAll, [{ tenant, run: "run", seq: 2 }])
      })
    ))

  test("is seen when a record in the middle is gone", (folder) =>
    onStore(
      folder,
      Effect.gen(function*() {
        const upkeep = yield* SqliteUpkeep.SqliteUpkeep
        const made = yield* accepted(creation("run", undefined))
        yield* accepted(following("run", undefined, yield* accepted(following("run", undefined, made))))
        yield* tamper(folder, "DELETE FROM journal WHERE seq = 2")
        assert.deepStrictEqual(yield* upkeep.verify(tenant, "run"), { tenant, run: "run", seq: 2 })
      })
    ))

  test("is refused when its file was cut off", (folder) =>
    Effect.gen(function*() {
      const fill = Effect.gen(function*() {
        for (let i = 0; i < 20; i++) {
          yield* accepted(creation(`run-${i}`, undefined, { bytes: new Uint8Array(20_000) }))
        }
      })
      yield* onStore(folder, fill)
      const file = StoreFile.fileOf(folder)
      yield* Effect.sync(() => truncateSync(file, statSync(file).size >> 1))
      const faults = Effect.flatMap(SqliteUpkeep.SqliteUpkeep, ({ verifyAll }) => verifyAll)
      const error = yield* Effect.flip(onStore(folder, faults))
      assert.strictEqual(error.reason, "corrupt")
      assert.include(error.message, "backup")
      assert.isTrue(existsSync(file))
    }))
})

describe("a store that is no longer where it was opened", () => {
  const goings: ReadonlyArray<readonly [string, (folder: string) => void]> = [
    ["removed with its folder", (folder) => rmSync(folder, { recursive: true })],
    ["removed", (folder) => rmSync(StoreFile.fileOf(folder))],
    ["moved", (folder) => renameSync(StoreFile.fileOf(folder), join(folder, "elsewhere.db"))],
    ["replaced by another", (folder) => {
      const file = StoreFile.fileOf(folder)
      copyFileSync(file, `${file}.copy`)
      renameSync(`${file}.copy`, file)
    }]
  ]
  for (const commits of ["inline", "thread"] as const) {
    for (const [how, go] of goings) {
      test(`takes nothing more, and says so: ${how} (${commits})`, (folder) =>
        Effect.gen(function*() {
          const data = join(folder, "data")
          const body = Effect.gen(function*() {
            const store = yield* RunStore
            const upkeep = yield* SqliteUpkeep.SqliteUpkeep
            const first = yield* accepted(creation("first", undefined))
            yield* upkeep.writable
            go(data)
            assert.strictEqual(
              (yield* Effect.flip(store.commit([following("first", undefined, first)]))).reason,
              "gone"
            )
            assert.strictEqual((yield* Effect.flip(store.commit([creation("second", undefined)]))).reason, "gone")
            assert.strictEqual((yield* Effect.flip(upkeep.writable)).reason, "gone")
          })
          yield* Effect.provide(body, SqliteStore.layer({ data, commits }))
        }))
    }
  }

  test("is not made anew by the first write of a thread", (folder) =>
    onStore(
      folder,
      Effect.gen(function*() {
        const store = yield* RunStore
        rmSync(StoreFile.fileOf(folder))
        assert.strictEqual((yield* Effect.flip(store.commit([creation("first", undefined)]))).reason, "gone")
        assert.isFalse(existsSync(StoreFile.fileOf(folder)))
      }),
      "thread"
    ))

  test("serves again when it is put back", (folder) =>
    onStore(
      folder,
      Effect.gen(function*() {
        const store = yield* RunStore
        yield* accepted(creation("first", undefined))
        const aside = join(folder, "aside.db")
        renameSync(StoreFile.fileOf(folder), aside)
        assert.strictEqual((yield* Effect.flip(store.commit([creation("second", undefined)]))).reason, "gone")
        renameSync(aside, StoreFile.fileOf(folder))
        yield* accepted(creation("second", undefined))
      })
    ))

  test("is told to be of a newer program as soon as it is", (folder) =>
    onStore(
      folder,
      Effect.gen(function*() {
        const { writable } = yield* SqliteUpkeep.SqliteUpkeep
        yield* writable
        yield* tamper(folder, "PRAGMA user_version=999")
        assert.strictEqual((yield* Effect.flip(writable)).reason, "newer")
      })
    ))
})
