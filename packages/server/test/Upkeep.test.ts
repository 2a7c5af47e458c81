/** What is removed, what is kept, and that reading goes on where it stopped. */
import { Client } from "@baton/contract/Client"
import { StoreClient } from "@baton/contract/StoreClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Local from "../src/Local.ts"

const flow = `name: hello
nodes:
  greet: { value: "\${ input }" }
`

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-upkeep-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const baton = (data: string) =>
  Local.layer({ data, handlers: undefined, adopt: false, outputRoot: join(data, "output") })

const finished = Effect.fnUntraced(function*(input: string) {
  const client = yield* Client
  const { id } = yield* client.start({ flow: { text: flow, file: "flow.yaml" }, input })
  yield* Stream.runDrain(client.events(id, { after: 0, follow: true }))
  return id
})

describe("pruning", () => {
  it.live("removes every run that ended before, however many pages of them there are", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const client = yield* Client
        yield* Effect.forEach(Array.from({ length: 600 }, (_, index) => String(index)), finished, {
          concurrency: 100,
          discard: true
        })
        assert.strictEqual(yield* client.prune(Number.MAX_SAFE_INTEGER), 600)
        assert.deepStrictEqual(yield* client.list({ limit: 10 }), [])
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))
})

const blobs = (data: string, sql: string): number => {
  const db = new DatabaseSync(join(data, "baton.db"))
  try {
    if (sql !== "") db.exec(sql)
    return Number(db.prepare("SELECT count(*) AS n FROM blob").get()?.["n"])
  } finally {
    db.close()
  }
}

describe("deleting a run", () => {
  it.live("gives back the room of what only it named, once that has rested for a day", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const client = yield* Client
        const [first, second] = [yield* finished("x".repeat(5000)), yield* finished("y".repeat(5000))]
        const stored = blobs(data, "")
        assert.isAbove(stored, 1)
        yield* client.remove(first)
        assert.strictEqual(blobs(data, ""), stored)
        assert.isAbove(blobs(data, "UPDATE blob SET put_at = 0"), 1)
        yield* client.remove(second)
        assert.strictEqual(blobs(data, ""), 0)
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))
})

describe("the data folder", () => {
  it.live("and what is in it are for their owner only, whatever the umask", () =>
    Effect.gen(function*() {
      const parent = yield* folder
      const data = join(parent, "data")
      const copy = join(parent, "copy.db")
      yield* Effect.gen(function*() {
        yield* finished("x")
        yield* Effect.flatMap(StoreClient, (store) => store.backup(copy))
        assert.strictEqual(statSync(data).mode & 0o077, 0)
        assert.strictEqual(statSync(copy).mode & 0o077, 0)
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))
})

describe("the events of a run", () => {
  it.live("go on after any event, also one in the middle of a record", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const client = yield* Client
        const id = yield* finished("x")
        const all = yield* Stream.runCollect(client.events(id, { after: 0, follow: false }))
        for (const { seq } of all) {
          const rest = yield* Stream.runCollect(client.events(id, { after: seq ?? 0, follow: false }))
          assert.deepStrictEqual(rest.map((event) => event.seq), all.map((event) => event.seq).slice(seq))
        }
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))
})
