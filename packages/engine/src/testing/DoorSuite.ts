/** What every run store promises about doors: written with their record, listed over all runs, gone with their run. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type DoorQuery, type DoorRow, RunStore } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import { accepted, creation, fate, following, summary, tenant } from "./Journals.ts"
import type { Ports } from "./RunStoreSuite.ts"

type Test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) => void

const session = Effect.map(Sessions, ({ id }) => id)

const door = (id: string, since: number, changes: Partial<DoorRow> = {}): DoorRow => ({
  path: "review",
  kind: "operator",
  id,
  since,
  dueAt: undefined,
  title: "it broke",
  data: { attempt: 1, nested: { list: [1, "two", null] } },
  ...changes
})

const ids = (query: Omit<DoorQuery, "tenant" | "limit"> & { readonly limit?: number } = {}) =>
  Effect.flatMap(RunStore, (store) => store.doors({ tenant, limit: 100, ...query })).pipe(
    Effect.map((found) => found.map(({ id }) => id).join(" "))
  )

export const doors = (test: Test): void => {
  test("lists doors over all runs of the tenant, oldest first, in pages, by run, id and kind", () =>
    Effect.gen(function*() {
      const owner = yield* session
      yield* accepted(
        creation("one", owner, { doors: { set: [door("c", 30), door("a", 10, { path: "x" })], clear: [] } })
      )
      yield* accepted(creation("two", owner, { doors: { set: [door("b", 10, { kind: "approval" })], clear: [] } }))
      yield* accepted(creation("two", owner, { tenant: "other", doors: { set: [door("z", 1)], clear: [] } }))
      assert.strictEqual(yield* ids(), "a b c")
      assert.strictEqual(yield* ids({ limit: 2 }), "a b")
      assert.strictEqual(yield* ids({ after: "a", limit: 1 }), "b")
      assert.strictEqual(yield* ids({ after: "b" }), "c")
      assert.strictEqual(yield* ids({ after: "nowhere" }), "")
      assert.strictEqual(yield* ids({ run: "one" }), "a c")
      assert.strictEqual(yield* ids({ kinds: ["approval", "patch"] }), "b")
      assert.strictEqual(yield* ids({ kinds: [] }), "")
      assert.strictEqual(yield* ids({ id: "z" }), "")
      const store = yield* RunStore
      assert.deepStrictEqual(yield* store.doors({ tenant, id: "b", limit: 1 }), [{
        ...door("b", 10, { kind: "approval" }),
        tenant,
        run: "two",
        flow: "review",
        closedAt: undefined
      }])
    }))

  test("changes and closes doors with the record that does so; a closed one is found only by who asks for it", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const made = yield* accepted(creation("run", owner, { doors: { set: [door("a", 1), door("b", 2)], clear: [] } }))
      const next = yield* accepted(following("run", owner, made, {
        at: 77,
        doors: { set: [door("b", 2, { title: "one of two", dueAt: 9 })], clear: ["a", "nowhere"] }
      }))
      assert.strictEqual(yield* ids(), "b")
      assert.strictEqual(yield* ids({ closed: true }), "a b")
      const [closed, changed] = yield* store.doors({ tenant, closed: true, limit: 9 })
      assert.strictEqual(closed?.closedAt, 77)
      assert.deepStrictEqual([changed?.title, changed?.dueAt], ["one of two", 9])
      yield* accepted(following("run", owner, next, { at: 99, doors: { set: [door("a", 1)], clear: ["b"] } }))
      assert.strictEqual(yield* ids(), "a")
    }))

  test("writes no door of a record that is refused", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const made = yield* accepted(creation("run", owner, { doors: { set: [door("a", 1)], clear: [] } }))
      yield* accepted(following("run", owner, made))
      const late = following("run", owner, made, { doors: { set: [door("b", 2)], clear: ["a"] } })
      assert.strictEqual(yield* fate(late), "conflict")
      assert.strictEqual(yield* ids({ closed: true }), "a")
    }))

  test("removes doors with their run, open or closed", () =>
    Effect.gen(function*() {
      const owner = yield* session
      const store = yield* RunStore
      const ended = summary({ status: "failed", endedAt: 3000 })
      const made = yield* accepted(creation("gone", owner, { doors: { set: [door("a", 1), door("b", 1)], clear: [] } }))
      yield* accepted(following("gone", owner, made, { summary: ended, doors: { set: [], clear: ["a"] } }))
      yield* accepted(creation("stays", owner, { doors: { set: [door("c", 1)], clear: [] } }))
      assert.isTrue(yield* store.remove(tenant, "gone"))
      assert.strictEqual(yield* ids({ closed: true }), "c")
    }))
}
