/** What every run store promises about places of concurrency keys, and about runs that may go because of their age. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { PlaceChange } from "../RunPlace.ts"
import { RunStore } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import { accepted, creation, fate, following, summary, tenant } from "./Journals.ts"
import type { Ports } from "./RunStoreSuite.ts"

type Test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) => void

const session = Effect.map(Sessions, ({ id }) => id)

const change = (then: PlaceChange["then"], changes: Partial<PlaceChange> = {}): { readonly place: PlaceChange } => ({
  place: { flow: "review", key: "acme", max: 1, takes: false, then, ...changes }
})
const takes = { takes: true }
const ended = { summary: summary({ status: "succeeded", endedAt: 3000 }) }

const look = Effect.flatMap(RunStore, (store) => store.places({ tenant, flow: "review", key: "acme", limit: 10 })).pipe(
  Effect.map(({ held, holders, max, waiting }) =>
    `${held} of ${max}: ${holders.join(" ")} | ${waiting.map(({ run }) => run).join(" ")}`
  )
)

export const places = (test: Test): void => {
  test("gives a place to one run more only while one is free, to others of the same batch as well", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const a = yield* accepted(creation("a", owner, change("waiting")))
      const b = yield* accepted(creation("b", owner, change("waiting")))
      assert.strictEqual(yield* look, "0 of 1:  | a b")
      const outcomes = yield* store.commit([
        following("a", owner, a, change("held", takes)),
        following("b", owner, b, change("held", takes))
      ])
      assert.deepStrictEqual(outcomes.map((one) => one.ok ? "ok" : one), ["ok", {
        ok: false,
        reason: "full",
        holders: ["a"]
      }])
      assert.strictEqual(yield* look, "1 of 1: a | b")
      assert.strictEqual(yield* fate(following("b", owner, b)), "ok")
    }))

  test("frees the place with the record that ends the run, and no sooner", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const a = yield* accepted(creation("a", owner, change("held", takes)))
      assert.strictEqual(yield* fate(creation("b", owner, change("held", takes))), "full")
      assert.isUndefined(yield* Effect.flatMap(RunStore, (store) => store.find(tenant, "b")))
      const next = yield* accepted(following("a", owner, a))
      assert.strictEqual(yield* fate(creation("b", owner, change("held", takes))), "full")
      yield* accepted(following("a", owner, next, { ...ended, ...change("gone") }))
      assert.strictEqual(yield* look, "0 of 0:  | ")
      assert.strictEqual(yield* fate(creation("b", owner, change("held", takes))), "ok")
    }))

  test("counts runs of one tenant, flow and key together, and no others", () =>
    Effect.gen(function*() {
      const owner = yield* session
      yield* accepted(creation("a", owner, change("held", takes)))
      const other = { ...change("held", { ...takes, flow: "other" }), summary: summary({ flow: "other" }) }
      yield* accepted(creation("b", owner, other))
      yield* accepted(creation("c", owner, change("held", { ...takes, key: "beta" })))
      yield* accepted(creation("a", owner, { tenant: "other", ...change("held", takes) }))
      assert.strictEqual(yield* look, "1 of 1: a | ")
    }))

  test("lets the run that was created last say how many may be under way", () =>
    Effect.gen(function*() {
      const owner = yield* session
      yield* accepted(creation("a", owner, change("held", takes)))
      const b = yield* accepted(creation("b", owner, change("waiting")))
      assert.strictEqual(yield* fate(following("b", owner, b, change("held", takes))), "full")
      const c = yield* accepted(creation("c", owner, change("waiting", { max: 2 })))
      assert.strictEqual(yield* look, "1 of 2: a | b c")
      assert.strictEqual(yield* fate(following("b", owner, b, change("held", takes))), "ok")
      assert.strictEqual(yield* fate(following("c", owner, c, change("held", { ...takes, max: 2 }))), "full")
    }))

  test("tells who waits in order of creation, in pages, with the owner and the pause", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      for (const run of ["c", "a", "b"]) yield* accepted(creation(run, owner, change("waiting")))
      const paused = summary({ status: "waiting", paused: true })
      yield* accepted(creation("d", owner, { ...change("waiting"), summary: paused }))
      const query = { tenant, flow: "review", key: "acme", limit: 2 }
      assert.deepStrictEqual((yield* store.places(query)).waiting.map(({ run }) => run), ["c", "a"])
      assert.deepStrictEqual((yield* store.places({ ...query, after: "a" })).waiting, [
        { run: "b", owner, paused: false },
        { run: "d", owner, paused: true }
      ])
    }))
}

const old = (run: string, owner: string, changes: Partial<ReturnType<typeof summary>> = {}) =>
  creation(run, owner, { summary: summary({ status: "succeeded", createdAt: 1000, endedAt: 2000, ...changes }) })

export const ages = (test: Test): void => {
  test("names finished runs of a tenant that are old enough and that nobody needs, oldest first, in pages", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const link = { path: "call", attempt: 1, depth: 1 }
      yield* accepted(old("first", owner))
      yield* accepted(creation("open", owner))
      yield* accepted(old("parent", owner))
      yield* accepted(old("child", owner, { parent: { run: "parent", ...link } }))
      yield* accepted(old("orphan", owner, { parent: { run: "nowhere", ...link } }))
      yield* accepted(old("source", owner))
      yield* accepted(old("again", owner, { madeFrom: "source", endedAt: 6000 }))
      yield* accepted(old("late", owner, { endedAt: 5000 }))
      yield* accepted(old("young", owner, { createdAt: 5000, endedAt: 5001 }))
      yield* accepted({ ...old("theirs", owner), tenant: "other" })
      const query = { tenant, before: 5000, limit: 2 }
      const one = yield* store.aged(query)
      assert.deepStrictEqual(one.runs, ["first", "parent"])
      assert.isDefined(one.next)
      assert.deepStrictEqual((yield* store.aged({ ...query, after: one.next ?? 0 })).runs, ["orphan"])
      assert.deepStrictEqual((yield* store.aged({ ...query, before: 6000, limit: 9 })).runs, [
        "first",
        "parent",
        "orphan",
        "late",
        "young"
      ])
      assert.deepStrictEqual((yield* store.aged({ ...query, before: 9000, limit: 9 })).runs.at(-3), "again")
      assert.deepStrictEqual(yield* store.tenants, [tenant, "other"])
    }))

  test("goes on behind runs that were made while a clock was ahead", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      yield* accepted(old("before", owner))
      for (const run of ["ahead", "too"]) {
        yield* accepted(old(run, owner, { createdAt: 9_000_000, endedAt: 9_000_001 }))
      }
      yield* accepted(old("behind", owner))
      const found = yield* store.aged({ tenant, before: 5000, limit: 9 })
      assert.deepStrictEqual(found, { runs: ["before", "behind"] })
      const pages: Array<string> = []
      for (let after: number | undefined = 0; after !== undefined;) {
        const { next, runs }: { readonly next?: number; readonly runs: ReadonlyArray<string> } = yield* store.aged({
          tenant,
          before: 5000,
          after,
          limit: 1
        })
        pages.push(...runs)
        after = next
      }
      assert.deepStrictEqual(pages, ["before", "behind"])
    }))

  test("removes a run at once, gives back its space in small steps, and leaves the others alone", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      yield* accepted(creation("stays", owner))
      let last = yield* accepted(creation("gone", owner))
      for (let record = 0; record < 20; record++) last = yield* accepted(following("gone", owner, last))
      yield* accepted(following("gone", owner, last, ended))
      assert.strictEqual(yield* store.removeAll(tenant, ["nowhere", "gone", "stays", "gone"]), 1)
      assert.isFalse(yield* store.remove(tenant, "gone"))
      assert.isUndefined(yield* store.find(tenant, "gone"))
      assert.deepStrictEqual(yield* store.records(tenant, "gone", 0, 9), [])
      assert.deepStrictEqual((yield* store.list({ tenant, limit: 9 })).map(({ run }) => run), ["stays"])
      // The name is free before its space is.
      const again = yield* accepted(creation("gone", owner))
      assert.strictEqual(again.head, 1)
      let steps = 1
      while (yield* store.purge(6)) steps++
      assert.isBelow(steps, 9)
      assert.isFalse(yield* store.purge(6))
      assert.lengthOf(yield* store.records(tenant, "gone", 0, 9), 1)
      assert.lengthOf(yield* store.records(tenant, "stays", 0, 9), 1)
    }))
}
