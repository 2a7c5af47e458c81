/** Several operating-system processes on one data folder, some of them killed. */
import { RunStore } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import { accepted, creation, fate, following, isChain, tenant } from "@baton/engine/testing/Journals"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as SqliteUpkeep from "@baton/store-sqlite/SqliteUpkeep"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { DataFolder } from "./DataFolder.ts"
import * as Processes from "./processes/Processes.ts"

const test = <E>(title: string, body: (folder: string) => Effect.Effect<unknown, E, Scope.Scope>) =>
  it.live(
    title,
    () =>
      Effect.gen(function*() {
        const { path } = yield* DataFolder
        return yield* body(path)
      }).pipe(Effect.scoped, Effect.provide(DataFolder.layer)),
    60_000
  )

const onStore = <A, E>(
  folder: string,
  body: Effect.Effect<A, E, SqliteStore.Ports>
) => Effect.provide(body, SqliteStore.layer({ data: folder }))

describe("several processes on one store", () => {
  test("eight starting at once on an empty folder all open it", (folder) =>
    Effect.gen(function*() {
      const children = yield* Effect.forEach(
        Array.from({ length: 8 }),
        () => Processes.start(["starter", folder])
      )
      yield* Effect.forEach(children, ({ hear }) => hear)
      yield* Effect.forEach(children, ({ tell }) => tell("open"))
      const said = yield* Effect.forEach(children, ({ hear }) => hear, { concurrency: "unbounded" })
      const ids = said.map((line) => line?.ready)
      assert.isTrue(ids.every((id) => typeof id === "string"))
      assert.strictEqual(new Set(ids).size, 8)
    }))

  for (const commits of ["inline", "thread"]) {
    test(`two writing at once lose nothing (${commits})`, (folder) =>
      Effect.gen(function*() {
        const env = { ...process.env, COMMITS: commits }
        const children = yield* Effect.forEach(
          ["a", "b"],
          (run) => Processes.start(["writer", folder, run, "400"], { env })
        )
        yield* Effect.forEach(children, ({ hear }) => hear, { concurrency: "unbounded" })
        yield* Effect.forEach(children, ({ tell }) => tell("go"))
        const said = yield* Effect.forEach(
          children,
          (child) => Processes.hearUntil(child, ({ done }) => done !== undefined),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(said.map((lines) => lines.at(-1)), [{ done: 400 }, { done: 400 }])
        yield* onStore(
          folder,
          Effect.gen(function*() {
            const store = yield* RunStore
            for (const run of ["a", "b"]) {
              const records = yield* store.records(tenant, run, 0, 1000)
              assert.strictEqual(records.length, 400)
              assert.isTrue(isChain(records))
            }
          })
        )
      }))
  }

  test("every acknowledged record of a process killed in the middle of its commits is there", (folder) =>
    Effect.gen(function*() {
      for (const [round, stopAt] of [3, 40, 111].entries()) {
        const run = `run-${round}`
        const child = yield* Processes.start(["writer", folder, run, "100000"])
        yield* child.hear
        yield* child.tell("go")
        yield* Processes.hearUntil(child, ({ head = 0 }) => head >= stopAt)
        yield* child.kill
        const rest = yield* Processes.hearUntil(child, () => false)
        const acknowledged = rest.at(-1)?.head ?? stopAt
        yield* onStore(
          folder,
          Effect.gen(function*() {
            const store = yield* RunStore
            const row = yield* store.find(tenant, run)
            assert.isAtLeast(row?.head ?? 0, acknowledged)
            assert.isAtMost(row?.head ?? 0, acknowledged + 1)
            assert.isUndefined(yield* (yield* SqliteUpkeep.SqliteUpkeep).verify(tenant, run))
          })
        )
      }
    }))

  test("the runs of a process that was killed are adopted at once, those of a living one never", (folder) =>
    Effect.gen(function*() {
      const victim = yield* Processes.start(["holder", folder, "a", "b"])
      const survivor = yield* Processes.start(["holder", folder, "c"])
      const victimId = (yield* victim.hear)?.ready ?? ""
      const survivorId = (yield* survivor.hear)?.ready ?? ""
      yield* onStore(
        folder,
        Effect.gen(function*() {
          const sessions = yield* Sessions
          const store = yield* RunStore
          assert.isTrue(yield* sessions.isAlive(victimId))
          assert.deepStrictEqual(yield* sessions.adopt(10), [])
          const before = yield* store.find(tenant, "a")
          yield* victim.kill
          assert.deepStrictEqual((yield* sessions.adopt(10)).map(({ run }) => run), ["a", "b"])
          assert.isFalse(yield* sessions.isAlive(victimId))
          assert.isTrue(yield* sessions.isAlive(survivorId))
          const after = yield* store.find(tenant, "a")
          assert.strictEqual(after?.owner, sessions.id)
          assert.strictEqual(after?.epoch, (before?.epoch ?? 0) + 1)
          assert.isFalse(existsSync(join(folder, "sessions", `${victimId}.db`)))
        })
      )
    }))

  test("a process that the system has stopped is not dead: it keeps its runs and goes on", (folder) =>
    Effect.gen(function*() {
      const child = yield* Processes.start(["committer", folder])
      const id = (yield* child.hear)?.ready ?? ""
      yield* child.signal("SIGSTOP")
      yield* onStore(
        folder,
        Effect.gen(function*() {
          const sessions = yield* Sessions
          assert.isTrue(yield* sessions.isAlive(id))
          assert.deepStrictEqual(yield* sessions.adopt(10), [])
          const row = (yield* (yield* RunStore).find(tenant, "run")) ?? assert.fail("not found")
          assert.strictEqual(yield* fate(following("run", sessions.id, row)), "not_owner")
          yield* accepted(creation("other", sessions.id))
        })
      )
      yield* child.signal("SIGCONT")
      yield* child.tell("100")
      assert.deepStrictEqual(yield* child.hear, { head: 2 })
    }))

  test("a session that ended in order leaves no lock file behind", (folder) =>
    Effect.gen(function*() {
      yield* onStore(folder, Effect.flatMap(Sessions, ({ id }) => accepted(creation("run", id))))
      assert.deepStrictEqual(readdirSync(join(folder, "sessions")), [])
      const [adopted] = yield* onStore(folder, Effect.flatMap(Sessions, ({ adopt }) => adopt(1)))
      assert.strictEqual(adopted?.run, "run")
    }))
})
