/** What every blob store promises. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { BlobStore } from "../BlobStore.ts"
import { blob, bytes, tenant } from "./Journals.ts"

export const suite = <E>(name: string, layer: Layer.Layer<BlobStore, E>): void => {
  const test = <A, E2>(title: string, body: (store: typeof BlobStore.Service) => Effect.Effect<A, E2>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(BlobStore, body), layer), 30_000)

  describe(`BlobStore (${name})`, () => {
    test("addresses bytes by their SHA-256 and gives back the very bytes", (store) =>
      Effect.gen(function*() {
        const ref = yield* store.put(tenant, bytes("hello"))
        assert.strictEqual(ref, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        assert.strictEqual(Buffer.from(yield* store.get(tenant, ref)).toString(), "hello")
        assert.isTrue(yield* store.has(tenant, ref))
      }))

    test("keeps empty and large blobs", (store) =>
      Effect.gen(function*() {
        for (const size of [0, 1, 5_000_000]) {
          const content = new Uint8Array(size).fill(size % 251)
          const ref = yield* store.put(tenant, content)
          assert.isTrue(Buffer.from(yield* store.get(tenant, ref)).equals(content))
        }
      }))

    test("is not changed by what the caller does with the bytes it put or got", (store) =>
      Effect.gen(function*() {
        const mine = bytes("mine")
        const ref = yield* store.put(tenant, mine)
        mine.fill(0)
        const got = yield* store.get(tenant, ref)
        got.fill(0)
        assert.strictEqual(Buffer.from(yield* store.get(tenant, ref)).toString(), "mine")
      }))

    test("stores the same bytes once", (store) =>
      Effect.gen(function*() {
        const refs = yield* Effect.forEach([1, 2, 3, 4], () => store.put(tenant, bytes("same")), {
          concurrency: "unbounded"
        })
        assert.strictEqual(new Set(refs).size, 1)
        assert.strictEqual(yield* store.collect(Number.MAX_SAFE_INTEGER), 1)
      }))

    test("takes knowing a hash for no permission: tenants do not see each other's blobs", (store) =>
      Effect.gen(function*() {
        const ref = yield* store.put("other", bytes("theirs"))
        assert.isFalse(yield* store.has(tenant, ref))
        const error = yield* Effect.flip(store.get(tenant, ref))
        assert.strictEqual(error.reason, "missing")
      }))

    test("says which blob is missing", (store) =>
      Effect.gen(function*() {
        const { ref } = blob("never put")
        const error = yield* Effect.flip(store.get(tenant, ref))
        assert.strictEqual(error.reason, "missing")
        assert.strictEqual(error.ref, ref)
      }))

    test("collects what nobody has put since the given time, and a new put renews it", (store) =>
      Effect.gen(function*() {
        const old = yield* store.put(tenant, bytes("old"))
        const renewed = yield* store.put(tenant, bytes("renewed"))
        yield* TestClock.adjust("1 hour")
        const before = yield* Clock.currentTimeMillis
        assert.strictEqual(yield* store.collect(0), 0)
        yield* store.put(tenant, bytes("renewed"))
        assert.strictEqual(yield* store.collect(before), 1)
        assert.isFalse(yield* store.has(tenant, old))
        assert.isTrue(yield* store.has(tenant, renewed))
      }))
  })
}
