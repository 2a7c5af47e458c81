/** What every receipt store promises. */
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { type Receipt, receiptsMax, ReceiptStore } from "../ReceiptStore.ts"

const tenant = "acme"

export const receiptOf = (key: string, more: Partial<Receipt> = {}): Receipt => ({
  key: `sha256:${key}`,
  flow: "brief",
  node: "fetch",
  parts: { definition: "d", model: "m", prompt: "p", tools: "t", version: "v", input: key },
  output: inline({ of: key }),
  run: "run_1",
  path: "fetch[2]",
  at: 5,
  expiresAt: 10,
  ...more
})

export const suite = <E>(name: string, layer: Layer.Layer<ReceiptStore, E>): void => {
  const test = <A, E2>(title: string, body: (store: ReceiptStore["Service"]) => Effect.Effect<A, E2>) =>
    it.live(title, () => Effect.flatMap(ReceiptStore, body).pipe(Effect.provide(layer)), 60_000)

  describe(`ReceiptStore (${name})`, () => {
    test("gives a receipt back as it was put, to its tenant only", (store) =>
      Effect.gen(function*() {
        const whole = receiptOf("a", { agent: "clerk" })
        yield* store.put(tenant, whole)
        assert.deepStrictEqual(yield* store.find(tenant, "sha256:a"), whole)
        assert.isUndefined(yield* store.find("other", "sha256:a"))
        assert.isUndefined(yield* store.find(tenant, "sha256:b"))
        const newer = receiptOf("a", { at: 9, output: inline(2) })
        yield* store.put(tenant, newer)
        assert.deepStrictEqual(yield* store.find(tenant, "sha256:a"), newer)
      }))

    test("knows the newest receipt of a node", (store) =>
      Effect.gen(function*() {
        yield* store.put(tenant, receiptOf("new", { at: 9 }))
        yield* store.put(tenant, receiptOf("old", { at: 3 }))
        yield* store.put(tenant, receiptOf("other", { at: 11, node: "write" }))
        assert.strictEqual((yield* store.last(tenant, "brief", "fetch"))?.key, "sha256:new")
        assert.isUndefined(yield* store.last(tenant, "brief", "nothing"))
        assert.isUndefined(yield* store.last("other", "brief", "fetch"))
      }))

    test("counts look-ups and entries by node, and forgets what it is told to", (store) =>
      Effect.gen(function*() {
        const use = (node: string, hit: boolean) => store.use(tenant, { flow: "brief", node, key: "sha256:a", hit })
        yield* use("fetch", false)
        yield* store.put(tenant, receiptOf("a"))
        yield* use("fetch", true)
        yield* use("fetch", true)
        yield* use("write", false)
        assert.deepStrictEqual(yield* store.stats(tenant), [
          { flow: "brief", node: "fetch", entries: 1, hits: 2, misses: 1 },
          { flow: "brief", node: "write", entries: 0, hits: 0, misses: 1 }
        ])
        assert.strictEqual(yield* store.clear(tenant, { flow: "brief", node: "write" }), 0)
        assert.strictEqual(yield* store.clear(tenant, { flow: "another" }), 0)
        assert.strictEqual((yield* store.stats(tenant)).length, 1)
        assert.strictEqual(yield* store.clear(tenant, {}), 1)
        assert.deepStrictEqual(yield* store.stats(tenant), [])
        assert.isUndefined(yield* store.find(tenant, "sha256:a"))
      }))

    test("pushes out what was unused longest, and nothing of another tenant", (store) =>
      Effect.gen(function*() {
        yield* store.put("other", receiptOf("theirs"))
        for (let n = 0; n < receiptsMax; n++) yield* store.put(tenant, receiptOf(String(n), { at: n }))
        yield* store.use(tenant, { flow: "brief", node: "fetch", key: "sha256:0", hit: true })
        yield* store.put(tenant, receiptOf("one more"))
        assert.isDefined(yield* store.find(tenant, "sha256:0"))
        assert.isUndefined(yield* store.find(tenant, "sha256:1"))
        assert.isDefined(yield* store.find(tenant, "sha256:2"))
        assert.strictEqual((yield* store.stats(tenant))[0]?.entries, receiptsMax)
        assert.isDefined(yield* store.find("other", "sha256:theirs"))
      }))
  })
}
