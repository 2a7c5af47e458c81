/** What every idempotency store promises. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { IdempotencyStore, keptMs, type Reservation } from "../IdempotencyStore.ts"

const tenant = "acme"

const wanted = (more: Partial<Reservation> = {}): Reservation => ({
  key: "k1",
  fingerprint: "f1",
  made: "run_1",
  at: 1_000,
  ...more
})

export const suite = <E>(name: string, layer: Layer.Layer<IdempotencyStore, E>): void => {
  const test = <A, E2>(title: string, body: (store: IdempotencyStore["Service"]) => Effect.Effect<A, E2>) =>
    it.live(title, () => Effect.flatMap(IdempotencyStore, body).pipe(Effect.provide(layer)), 60_000)

  describe(`IdempotencyStore (${name})`, () => {
    test("gives a key to one of many, and tells all of them the same id", (store) =>
      Effect.gen(function*() {
        const all = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => wanted({ made: `run_${index}` })),
          (one) => store.reserve(tenant, one),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(all.filter(({ isNew }) => isNew).length, 1)
        assert.strictEqual(new Set(all.map(({ made }) => made)).size, 1)
      }))

    test("keeps what the first request was, and what it was answered, for its tenant only", (store) =>
      Effect.gen(function*() {
        const first = yield* store.reserve(tenant, wanted())
        assert.deepStrictEqual(first, { ...wanted(), answer: undefined, isNew: true })
        yield* store.settle(tenant, wanted(), "{\"id\":1}")
        const again = yield* store.reserve(tenant, wanted({ fingerprint: "f2", made: "run_2", at: 2_000 }))
        assert.deepStrictEqual(again, { ...wanted(), answer: "{\"id\":1}", isNew: false })
        const other = yield* store.reserve("other", wanted({ made: "run_3" }))
        assert.deepInclude(other, { made: "run_3", isNew: true })
      }))

    test("frees a key after 24 hours, or when nothing was made", (store) =>
      Effect.gen(function*() {
        yield* store.reserve(tenant, wanted())
        const late = wanted({ made: "run_2", at: 1_000 + keptMs })
        assert.deepInclude(yield* store.reserve(tenant, { ...late, at: late.at - 1 }), { made: "run_1", isNew: false })
        assert.deepInclude(yield* store.reserve(tenant, late), { made: "run_2", isNew: true })
        yield* store.release(tenant, late)
        assert.deepInclude(yield* store.reserve(tenant, wanted({ made: "run_3" })), { made: "run_3", isNew: true })
      }))

    test("takes old keys away in small steps, and no others", (store) =>
      Effect.gen(function*() {
        const old = Array.from({ length: 5 }, (_, index) => wanted({ key: `old_${index}`, made: `run_${index}` }))
        for (const one of old) yield* store.reserve(one.key === "old_4" ? "other" : tenant, one)
        yield* store.settle(tenant, wanted({ key: "old_0", made: "run_0" }), "answered")
        const now = 1_000 + keptMs
        yield* store.reserve(tenant, wanted({ key: "young", at: 1_001 }))
        const left: Array<boolean> = []
        for (let turn = 0; turn < 3; turn++) left.push(yield* store.sweep(now, 2))
        assert.deepStrictEqual(left, [true, true, false])
        const young = yield* store.reserve(tenant, wanted({ key: "young", made: "run_x", at: now }))
        assert.deepInclude(young, { made: "run_1", isNew: false })
        // Asked at a time at which it would still be kept.
        assert.isTrue((yield* store.reserve(tenant, wanted({ key: "old_0" }))).isNew)
      }))

    test("an answer outlives a release that comes too late", (store) =>
      Effect.gen(function*() {
        yield* store.reserve(tenant, wanted())
        yield* store.settle(tenant, wanted(), "answered")
        yield* store.release(tenant, wanted())
        assert.deepInclude(yield* store.reserve(tenant, wanted()), { answer: "answered", isNew: false })
        yield* store.release(tenant, wanted({ key: "k2" }))
        yield* store.settle(tenant, wanted({ key: "k2" }), "after")
        assert.deepInclude(yield* store.reserve(tenant, wanted({ key: "k2" })), { answer: "after", isNew: false })
      }))
  })
}
