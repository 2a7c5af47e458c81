/** What a disk does to a store: it loses power, and somebody reads for ever. See also `packages/store-sqlite/test/Faults.test.ts`. */
import { RunStore } from "@baton/engine/RunStore"
import { accepted, creation, following, tenant } from "@baton/engine/testing/Journals"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as SqliteUpkeep from "@baton/store-sqlite/SqliteUpkeep"
import * as StoreFile from "@baton/store-sqlite/StoreFile"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Chance } from "../../packages/kernel/test/random/Chance.ts"
import { DataFolder } from "../../packages/store-sqlite/test/DataFolder.ts"
import * as Processes from "../../packages/store-sqlite/test/processes/Processes.ts"
import type { Luck, Operation } from "./PowerLoss.ts"
import * as PowerLoss from "./PowerLoss.ts"

const compilable = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0

const onStore = <A, E>(data: string, body: Effect.Effect<A, E, SqliteStore.Ports>) =>
  Effect.provide(body, SqliteStore.layer({ data, commits: "inline" }))

/** Two lives of a program that commits and says each head once it is acknowledged. */
const recorded = (folder: string) =>
  Effect.gen(function*() {
    const library = join(folder, "recording-io.so")
    const log = join(folder, "io.log")
    const data = join(folder, "data")
    execFileSync("cc", ["-shared", "-fPIC", "-o", library, new URL("recording-io.c", import.meta.url).pathname, "-ldl"])
    const env = { ...process.env, LD_PRELOAD: library, BATON_IO_LOG: log, BATON_IO_FOLDER: `${data}/` }
    for (const run of ["a", "b"]) {
      const child = yield* Processes.start(["writer", data, run, "5"], { env })
      yield* child.hear
      yield* child.tell("go")
      yield* Processes.hearUntil(child, ({ done }) => done !== undefined)
      yield* child.ended
    }
    return PowerLoss.read(log)
  })

interface Point {
  readonly disk: PowerLoss.Disk
  /** Heads acknowledged so far, by run. */
  readonly heads: ReadonlyMap<string, number>
}

/** Replays the history; calls `at` before each operation that changes the disk, and at the end. */
const replay = Effect.fnUntraced(function*<E>(
  operations: ReadonlyArray<Operation>,
  at: (point: Point) => Effect.Effect<void, E>
) {
  const disk = new PowerLoss.Disk()
  const heads = new Map<string, number>()
  let runs = 0
  for (const operation of operations) {
    if (operation.op === "say") {
      const { head, ready } = JSON.parse(Buffer.from(operation.bytes).toString("utf8")) as Processes.Said
      if (ready !== undefined) runs++
      if (head !== undefined) heads.set(runs === 1 ? "a" : "b", head)
    } else {
      yield* at({ disk, heads })
      disk.do(operation)
    }
  }
  yield* at({ disk, heads })
})

const check = (folder: string, { disk, heads }: Point, luck: Luck) =>
  Effect.gen(function*() {
    const data = join(folder, "image")
    rmSync(data, { recursive: true, force: true })
    mkdirSync(data)
    disk.image(data, luck)
    yield* onStore(
      data,
      Effect.gen(function*() {
        const store = yield* RunStore
        assert.deepStrictEqual(yield* (yield* SqliteUpkeep.SqliteUpkeep).verifyAll, [])
        for (const [run, head] of heads) assert.isAtLeast((yield* store.find(tenant, run))?.head ?? 0, head, run)
      })
    )
  })

describe("a disk", () => {
  const test = compilable ? it.live : it.live.skip
  test(
    "fault 29: loses power at any write: what was acknowledged is there, and the chain is whole",
    () =>
      Effect.gen(function*() {
        const { path: folder } = yield* DataFolder
        const operations = yield* recorded(folder)
        assert.isAbove(operations.filter(({ op }) => op === "sync").length, 10)
        const chance = new Chance(29)
        let images = 0
        yield* replay(operations, (point) =>
          Effect.gen(function*() {
            // Before the first sync there is nothing to lose; every point after it in one of three ways.
            const luck = (["nothing", "everything", chance] as const)[images++ % 3] ?? "nothing"
            yield* check(folder, point, luck)
          }))
        assert.isAbove(images, 50)
      }).pipe(Effect.scoped, Effect.provide(DataFolder.layer)),
    60_000
  )

  it.live("fault 31: a reader that stays lets the log grow, and no longer than it stays", () =>
    Effect.gen(function*() {
      const { path: data } = yield* DataFolder
      const wal = (): number => statSync(`${StoreFile.fileOf(data)}-wal`).size
      yield* onStore(
        data,
        Effect.gen(function*() {
          const upkeep = yield* SqliteUpkeep.SqliteUpkeep
          let last = yield* accepted(creation("run", undefined))
          const write = Effect.fnUntraced(function*(records: number) {
            for (let index = 0; index < records; index++) {
              last = yield* accepted(following("run", undefined, last, { bytes: new Uint8Array(100_000) }))
            }
          })
          const reader = new DatabaseSync(StoreFile.fileOf(data), { readOnly: true })
          reader.exec("BEGIN")
          reader.prepare("SELECT count(*) FROM journal").get()
          yield* write(250)
          const grown = wal()
          assert.isAbove(grown, 20_000_000)
          reader.exec("COMMIT")
          reader.close()
          yield* write(250)
          assert.isBelow(wal(), grown + 10_000_000)
          assert.deepStrictEqual(yield* upkeep.verifyAll, [])
        })
      )
    }).pipe(Effect.scoped, Effect.provide(DataFolder.layer)), 60_000)
})
