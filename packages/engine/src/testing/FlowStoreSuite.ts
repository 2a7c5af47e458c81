/** What every flow store promises. */
import type * as Flow from "@baton/kernel/Flow"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { FlowStore } from "../FlowStore.ts"
import { tenant } from "./Journals.ts"

const flow = (version: string, value: string): Flow.Flow => ({
  name: "review",
  version,
  nodes: [{ id: "a", type: "transform", value }],
  edges: []
})

export const suite = <E>(name: string, layer: Layer.Layer<FlowStore, E>): void => {
  const test = <A, E2>(title: string, body: (store: typeof FlowStore.Service) => Effect.Effect<A, E2>) =>
    it.live(title, () => Effect.provide(Effect.flatMap(FlowStore, body), layer), 30_000)

  describe(`FlowStore (${name})`, () => {
    test("freezes a document under one address, whatever the order of its members", (store) =>
      Effect.gen(function*() {
        const { edges, name, nodes, version } = flow("1.0.0", "x")
        const hash = yield* store.freeze(tenant, flow("1.0.0", "x"))
        assert.match(hash, /^sha256:[0-9a-f]{64}$/)
        assert.strictEqual(yield* store.freeze(tenant, { edges, nodes, version: version ?? "", name }), hash)
        assert.notStrictEqual(yield* store.freeze(tenant, flow("1.0.0", "y")), hash)
        assert.deepStrictEqual(yield* store.frozen(tenant, hash), flow("1.0.0", "x"))
        assert.strictEqual((yield* Effect.flip(store.frozen("other", hash))).reason, "missing")
      }))

    test("never changes a published version", (store) =>
      Effect.gen(function*() {
        const first = yield* store.publish(tenant, flow("1.0.0", "x"), 10)
        assert.deepStrictEqual(yield* store.publish(tenant, flow("1.0.0", "x"), 20), first)
        const error = yield* Effect.flip(store.publish(tenant, flow("1.0.0", "y"), 30))
        assert.strictEqual(error.reason, "exists")
        assert.include(error.message, "new version")
        assert.deepStrictEqual((yield* store.find(tenant, "review", "1.0.0")).flow, flow("1.0.0", "x"))
      }))

    test("lets one of many concurrent publishers of a version win", (store) =>
      Effect.gen(function*() {
        const outcomes = yield* Effect.forEach(
          ["a", "b", "c", "d"],
          (value) => Effect.result(store.publish(tenant, flow("1.0.0", value), 1)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Success").length, 1)
      }))

    test("finds the named version, or the newest by semantic version, whatever came last", (store) =>
      Effect.gen(function*() {
        yield* store.publish(tenant, flow("2.0.0", "two"), 10)
        yield* store.publish(tenant, flow("1.5.0", "fix"), 20)
        assert.strictEqual((yield* store.find(tenant, "review", undefined)).published.version, "2.0.0")
        assert.strictEqual((yield* store.find(tenant, "review", "2.0.0")).flow.version, "2.0.0")
        assert.strictEqual((yield* Effect.flip(store.find(tenant, "review", "3.0.0"))).reason, "missing")
        assert.strictEqual((yield* Effect.flip(store.find("other", "review", undefined))).reason, "missing")
        yield* store.publish("third", flow("draft", "d"), 1)
        yield* store.publish("third", flow("2.0.0-rc.1", "rc"), 2)
        yield* store.publish("third", flow("1.10.0", "ten"), 3)
        yield* store.publish("third", flow("1.9.0", "nine"), 4)
        assert.strictEqual((yield* store.find("third", "review", undefined)).published.version, "2.0.0-rc.1")
        const listed = yield* store.list(tenant)
        assert.deepStrictEqual(listed.map(({ publishedAt, version }) => [version, publishedAt]), [["2.0.0", 10], [
          "1.5.0",
          20
        ]])
        assert.deepStrictEqual(yield* store.list("other"), [])
      }))

    test("gives each content of a flow without a version a version of its own", (store) =>
      Effect.gen(function*() {
        const { version: _, ...unversioned } = flow("", "x")
        const first = yield* store.publish(tenant, unversioned, 10)
        const other = yield* store.publish(tenant, { ...unversioned, description: "changed" }, 20)
        assert.notStrictEqual(first.version, other.version)
        assert.deepStrictEqual(yield* store.publish(tenant, unversioned, 30), first)
      }))
  })
}
