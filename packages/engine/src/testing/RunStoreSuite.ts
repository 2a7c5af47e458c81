/** What every run store promises. Each test gets a store of its own. */
import { assert, describe, it } from "@effect/vitest"
import * as Array from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { AuditLog } from "../AuditLog.ts"
import { BlobStore } from "../BlobStore.ts"
import { openFate } from "../DeadLetter.ts"
import { RunStore } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import * as AuditSuite from "./AuditSuite.ts"
import * as DoorSuite from "./DoorSuite.ts"
import { accepted, blob, bytes, creation, fate, following, isChain, summary, tenant, word } from "./Journals.ts"
import * as MoveSuite from "./MoveSuite.ts"
import * as PlaceSuite from "./PlaceSuite.ts"
import * as UsageSuite from "./UsageSuite.ts"

export type Ports = RunStore | Sessions | BlobStore | AuditLog

export const suite = <E>(name: string, layer: Layer.Layer<Ports, E>): void => {
  const test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) =>
    it.live(title, () => Effect.provide(Effect.suspend(body), layer), 30_000)
  describe(`RunStore (${name})`, () => {
    describe("commit", () => commits(test))
    describe("blobs", () => blobs(test))
    describe("reading", () => reading(test))
    describe("timers", () => timers(test))
    describe("doors", () => DoorSuite.doors(test))
    describe("audit", () => AuditSuite.entries(test))
    describe("usage", () => UsageSuite.usage(test))
    describe("places", () => PlaceSuite.places(test))
    describe("age", () => PlaceSuite.ages(test))
    describe("moves", () => MoveSuite.moves(test))
    describe("removal", () => removal(test))
  })
}

type Test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) => void

const session = Effect.map(Sessions, ({ id }) => id)

const commits = (test: Test) => {
  test("lets exactly one of many concurrent writers with the same expected head win", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const made = yield* accepted(creation("race", owner))
      const fates = yield* Effect.forEach(
        Array.range(1, 50),
        (i) => fate(following("race", owner, made, { bytes: bytes(`[${i}]`) })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(fates.filter((word) => word === "ok").length, 1)
      assert.strictEqual(fates.filter((word) => word === "conflict").length, 49)
    }))

  test("lets exactly one of many concurrent creators of a run win", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const fates = yield* Effect.forEach(Array.range(1, 20), () => fate(creation("same", owner)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(fates.filter((word) => word === "ok").length, 1)
      assert.strictEqual(fates.filter((word) => word === "exists").length, 19)
    }))

  test("drops only the record whose fence is lost", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const a = yield* accepted(creation("a", owner))
      const b = yield* accepted(creation("b", owner))
      yield* accepted(following("b", owner, b))
      const outcomes = yield* store.commit([
        following("a", owner, a),
        following("b", owner, b),
        creation("c", owner),
        following("nowhere", owner, b)
      ])
      assert.deepStrictEqual(outcomes.map(word), ["ok", "conflict", "ok", "conflict"])
      assert.strictEqual((yield* store.find(tenant, "b"))?.head, 2)
      assert.strictEqual((yield* store.find(tenant, "c"))?.head, 1)
      assert.strictEqual(yield* store.find(tenant, "nowhere"), undefined)
    }))

  test("refuses a record whose previous hash is not the last one's", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const made = yield* accepted(creation("fork", owner))
      const other = { head: made.head, hash: new Uint8Array(32) }
      assert.strictEqual(yield* fate(following("fork", owner, other)), "conflict")
    }))

  test("keeps sequences dense and chains hashes over records of many events", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      let last = yield* accepted(creation("dense", owner, { n: 3 }))
      for (const n of [1, 5, 2]) {
        const next = yield* accepted(following("dense", owner, last, { n }))
        assert.strictEqual(next.head, last.head + n)
        last = next
      }
      const records = yield* store.records(tenant, "dense", 0, 100)
      assert.deepStrictEqual(records.map(({ seq }) => seq), [1, 4, 5, 10])
      assert.isTrue(isChain(records))
      assert.deepStrictEqual(Buffer.from(records[3]?.hash ?? []), Buffer.from(last.hash))
    }))

  test("refuses commits of who does not own the run", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const made = yield* accepted(creation("owned", owner))
      assert.strictEqual(yield* fate(following("owned", "somebody", made)), "not_owner")
      assert.strictEqual(yield* fate(following("owned", undefined, made)), "not_owner")
      assert.strictEqual(yield* fate(following("owned", owner, made)), "ok")
    }))

  test("refuses the commits of a session that has released the run", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const sessions = yield* Sessions
      const made = yield* accepted(creation("released", owner))
      yield* sessions.release([{ tenant, run: "released" }])
      assert.strictEqual(yield* fate(following("released", owner, made)), "not_owner")
    }))

  test("keeps runs of the same name in two tenants apart", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      yield* accepted(creation("shared", owner))
      yield* accepted(creation("shared", owner, { tenant: "other", summary: summary({ flow: "elsewhere" }) }))
      assert.strictEqual((yield* store.find(tenant, "shared"))?.flow, "review")
      assert.strictEqual((yield* store.find("other", "shared"))?.flow, "elsewhere")
      assert.strictEqual((yield* store.list({ tenant, limit: 10 })).length, 1)
    }))

  test("stores the caller's bytes as they were, whatever the caller does with them afterwards", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const mine = bytes("[\"as it was\"]")
      yield* accepted(creation("verbatim", owner, { bytes: mine }))
      mine.fill(0)
      const [record] = yield* store.records(tenant, "verbatim", 0, 1)
      assert.strictEqual(Buffer.from(record?.bytes ?? []).toString(), "[\"as it was\"]")
    }))
}

const blobs = (test: Test) => {
  test("refuses a record that names a blob which is not there, and writes nothing of it", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const made = yield* accepted(creation("names", owner))
      const missing = following("names", owner, made, {
        references: [blob("nowhere").ref],
        blobs: [blob("carried")],
        summary: summary({ status: "waiting" }),
        timers: { set: [{ path: "a", kind: "retry", n: 1, due: 5 }], clear: [] }
      })
      assert.strictEqual(yield* fate(missing), "blob_missing")
      assert.strictEqual((yield* store.find(tenant, "names"))?.status, "running")
      assert.strictEqual(yield* store.nextTimer(undefined), undefined)
      assert.isFalse(yield* (yield* BlobStore).has(tenant, blob("carried").ref))
    }))

  test("writes the blobs a record carries with it, and takes references to them in the same batch", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const blobStore = yield* BlobStore
      const outcomes = yield* store.commit([
        creation("carrier", owner, { blobs: [blob("cargo")], references: [blob("cargo").ref] }),
        creation("namer", owner, { references: [blob("cargo").ref] })
      ])
      assert.deepStrictEqual(outcomes.map(word), ["ok", "ok"])
      assert.strictEqual(Buffer.from(yield* blobStore.get(tenant, blob("cargo").ref)).toString(), "cargo")
    }))

  test("does not take another tenant's blob for its own", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const ref = yield* (yield* BlobStore).put("other", bytes("theirs"))
      assert.strictEqual(yield* fate(creation("thief", owner, { references: [ref] })), "blob_missing")
    }))

  test("keeps referenced blobs until their run is removed", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const blobStore = yield* BlobStore
      const ended = summary({ status: "succeeded", endedAt: 3000 })
      yield* accepted(creation("keeper", owner, { summary: ended, blobs: [blob("kept")] }))
      const later = Number.MAX_SAFE_INTEGER
      assert.strictEqual(yield* blobStore.collect(later), 0)
      assert.isTrue(yield* store.remove(tenant, "keeper"))
      while (yield* store.purge(10)) yield* Effect.yieldNow
      assert.strictEqual(yield* blobStore.collect(later), 1)
    }))
}

const reading = (test: Test) => {
  test("reads records in pages without gap or repeat", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      let last = yield* accepted(creation("paged", owner))
      for (let i = 0; i < 9; i++) last = yield* accepted(following("paged", owner, last, { n: 2 }))
      const seen: Array<number> = []
      let after = 0
      while (true) {
        const page = yield* store.records(tenant, "paged", after, 4)
        const end = page.at(-1)
        if (end === undefined) break
        seen.push(...page.map(({ seq }) => seq))
        after = end.seq + end.n - 1
      }
      assert.deepStrictEqual(seen, [1, 2, 4, 6, 8, 10, 12, 14, 16, 18])
      assert.deepStrictEqual(yield* store.records(tenant, "nowhere", 0, 4), [])
    }))

  test("gives back the summary as it was committed last", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const made = yield* accepted(creation("told", owner))
      const told = summary({
        status: "failed",
        code: "step_failed",
        reason: "no answer",
        endedAt: 9,
        paused: true,
        tags: {}
      })
      const last = yield* accepted(following("told", owner, made, { summary: told }))
      const { epoch: _, hash, ...row } = (yield* store.find(tenant, "told")) ?? assert.fail("not found")
      assert.deepStrictEqual(row, { ...told, tenant, run: "told", head: 2, owner })
      assert.deepStrictEqual(Buffer.from(hash), Buffer.from(last.hash))
    }))

  test("lists the newest runs first, in pages, by status, flow and time", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      for (let i = 1; i <= 6; i++) {
        const status = i % 2 === 0 ? "waiting" as const : "running" as const
        yield* accepted(creation(`r${i}`, owner, {
          summary: summary({ status, flow: i <= 3 ? "early" : "late", createdAt: i * 1000 })
        }))
      }
      const names = (query: Omit<Parameters<typeof store.list>[0], "tenant">) =>
        Effect.map(store.list({ tenant, ...query }), (rows) => rows.map(({ run }) => run).join(" "))
      assert.strictEqual(yield* names({ limit: 4 }), "r6 r5 r4 r3")
      assert.strictEqual(yield* names({ limit: 4, after: "r3" }), "r2 r1")
      assert.strictEqual(yield* names({ limit: 9, after: "nowhere" }), "")
      assert.strictEqual(yield* names({ limit: 9, status: ["waiting"] }), "r6 r4 r2")
      assert.strictEqual(yield* names({ limit: 9, status: [] }), "")
      assert.strictEqual(yield* names({ limit: 9, flow: "early", status: ["running", "failed"] }), "r3 r1")
      assert.strictEqual(yield* names({ limit: 9, createdAfter: 2000, createdBefore: 5000 }), "r4 r3")
    }))

  test("lists dead letters of the tenant, the latest first, and lets one caller settle each", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const letter = { path: "a[1]", attempt: 3, code: "poison", message: "lost three times", at: 10 }
      yield* accepted(creation("dead", owner, { deadLetters: [letter, { ...letter, path: "b", at: 20 }] }))
      yield* accepted(creation("dead", owner, { tenant: "other", deadLetters: [letter] }))
      const open = yield* store.deadLetters({ tenant, limit: 10 })
      assert.deepStrictEqual(open.map(({ path }) => path), ["b", "a[1]"])
      const [other] = yield* store.deadLetters({ tenant: "other", limit: 10 })
      assert.deepInclude(other, { ...letter, run: "dead", state: "open" })
      const [b, a] = open.map(({ id }) => id) as [number, number]
      const fate = { state: "discarded", settledAt: 30, by: "ana", note: "old", into: undefined } as const
      assert.isFalse(yield* store.settleLetter("other", b, openFate, fate))
      assert.isTrue(yield* store.settleLetter(tenant, b, openFate, fate))
      assert.isFalse(yield* store.settleLetter(tenant, b, openFate, fate))
      assert.deepStrictEqual((yield* store.deadLetters({ tenant, state: "open", limit: 9 })).map(({ id }) => id), [a])
      assert.deepInclude((yield* store.deadLetters({ tenant, id: b, limit: 9 }))[0], fate)
      assert.deepStrictEqual((yield* store.deadLetters({ tenant, after: b, limit: 9 })).map(({ id }) => id), [a])
    }))
}

const timers = (test: Test) => {
  const timer = (path: string, due: number, kind = "retry") => ({ path, kind, n: 1, due })

  test("gives due timers earliest first, each until a record clears it", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const late = yield* accepted(
        creation("late", owner, { timers: { set: [timer("x", 300), timer("y", 100)], clear: [] } })
      )
      yield* accepted(creation("soon", owner, { timers: { set: [timer("z", 200)], clear: [] } }))
      const due = (now: number, limit: number) =>
        Effect.map(store.dueTimers(now, limit, undefined), (rows) => rows.map(({ path, run }) => `${run}/${path}`))
      assert.deepStrictEqual(yield* due(99, 10), [])
      assert.deepStrictEqual(yield* due(300, 10), ["late/y", "soon/z", "late/x"])
      assert.deepStrictEqual(yield* due(300, 2), ["late/y", "soon/z"])
      assert.strictEqual(yield* store.nextTimer(undefined), 100)
      yield* accepted(following("late", owner, late, {
        timers: { set: [timer("x", 150)], clear: [{ path: "y", kind: "retry" }, { path: "x", kind: "deadline" }] }
      }))
      assert.deepStrictEqual(yield* due(300, 10), ["late/x", "soon/z"])
      assert.strictEqual(yield* store.nextTimer(owner), 150)
    }))

  test("tells timers of the same step by kind, and of sessions by owner", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      yield* accepted(
        creation("kinds", owner, { timers: { set: [timer("s", 5), timer("s", 7, "timeout")], clear: [] } })
      )
      yield* accepted(creation("theirs", "another", { timers: { set: [timer("t", 1)], clear: [] } }))
      const mine = yield* store.dueTimers(10, 10, owner)
      assert.deepStrictEqual(mine, [
        { tenant, run: "kinds", path: "s", kind: "retry", n: 1, due: 5 },
        { tenant, run: "kinds", path: "s", kind: "timeout", n: 1, due: 7 }
      ])
      assert.strictEqual(yield* store.nextTimer(owner), 5)
      assert.strictEqual(yield* store.nextTimer(undefined), 1)
      assert.strictEqual(yield* store.nextTimer("nobody"), undefined)
    }))
}

const removal = (test: Test) => {
  test("knows the runs that a run has started, and removes them with it, not before it", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const ended = { status: "warned" as const, endedAt: 3000 }
      const link = (run: string, depth: number) => ({ run, path: "call", attempt: 1, depth })
      const top = yield* accepted(creation("top", owner))
      yield* accepted(creation("middle", owner, { summary: summary({ ...ended, parent: link("top", 1) }) }))
      yield* accepted(creation("low", owner, { summary: summary({ ...ended, parent: link("middle", 2) }) }))
      assert.deepStrictEqual((yield* store.find(tenant, "low"))?.parent, link("middle", 2))
      const names = (query: object) =>
        Effect.map(store.list({ tenant, limit: 10, ...query }), (rows) => rows.map(({ run }) => run))
      assert.deepStrictEqual(yield* names({ parent: "top" }), ["middle"])
      assert.deepStrictEqual(yield* names({ roots: true }), ["top"])
      assert.isFalse(yield* store.remove(tenant, "middle"))
      yield* accepted(following("top", owner, top, { summary: summary(ended) }))
      assert.isTrue(yield* store.remove(tenant, "top"))
      assert.deepStrictEqual(yield* names({}), [])
    }))

  test("removes a finished run with everything that belongs to it, and no other", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const sessions = yield* Sessions
      const letter = { path: "a", attempt: 3, code: "poison", message: "lost", at: 10 }
      const ended = summary({ status: "warned", endedAt: 3000 })
      yield* accepted(creation("gone", owner, {
        summary: ended,
        deadLetters: [letter],
        timers: { set: [{ path: "a", kind: "retry", n: 1, due: 5 }], clear: [] }
      }))
      yield* accepted(creation("stays", owner))
      const command = yield* sessions.give(tenant, "gone", "{}")
      assert.isFalse(yield* store.remove(tenant, "stays"))
      assert.isFalse(yield* store.remove(tenant, "nowhere"))
      assert.isFalse(yield* store.remove("other", "gone"))
      assert.isTrue(yield* store.remove(tenant, "gone"))
      assert.isFalse(yield* store.remove(tenant, "gone"))
      assert.strictEqual(yield* store.find(tenant, "gone"), undefined)
      assert.deepStrictEqual(yield* store.records(tenant, "gone", 0, 10), [])
      assert.strictEqual(yield* store.nextTimer(undefined), undefined)
      assert.deepStrictEqual(yield* store.deadLetters({ tenant, limit: 10 }), [])
      assert.deepStrictEqual(yield* sessions.taken(10), [])
      assert.strictEqual(yield* sessions.answer(command), undefined)
      assert.strictEqual((yield* store.list({ tenant, limit: 10 })).length, 1)
      assert.strictEqual(yield* fate(creation("gone", owner)), "ok")
    }))
}
