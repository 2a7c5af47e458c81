import * as MemorySecrets from "@baton/engine/MemorySecrets"
import * as MemorySessions from "@baton/engine/MemorySessions"
import * as MemoryState from "@baton/engine/MemoryState"
import * as MemoryStore from "@baton/engine/MemoryStore"
import { RunStore, RunStoreError } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import * as AccessSuite from "@baton/engine/testing/AccessSuite"
import * as BlobStoreSuite from "@baton/engine/testing/BlobStoreSuite"
import * as ClaimSuite from "@baton/engine/testing/ClaimSuite"
import * as FlowStoreSuite from "@baton/engine/testing/FlowStoreSuite"
import { accepted, creation, tenant } from "@baton/engine/testing/Journals"
import * as ReceiptStoreSuite from "@baton/engine/testing/ReceiptStoreSuite"
import * as RunStoreSuite from "@baton/engine/testing/RunStoreSuite"
import * as SecretsSuite from "@baton/engine/testing/SecretsSuite"
import * as SessionsSuite from "@baton/engine/testing/SessionsSuite"
import * as StepLogSuite from "@baton/engine/testing/StepLogSuite"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const shared = MemoryState.MemoryState.layerWith({ dispatchRows: true })

RunStoreSuite.suite("memory", MemoryStore.layer)
RunStoreSuite.suite("memory, shared", MemoryStore.layerShared)
SessionsSuite.suite("memory", { store: MemoryState.MemoryState.layer, process: MemoryStore.layerOver })
SessionsSuite.suite("memory, shared", { store: shared, process: MemoryStore.layerOver })
ClaimSuite.suite("memory, shared", { store: shared, process: MemoryStore.layerOver })
BlobStoreSuite.suite("memory", MemoryStore.layer)
FlowStoreSuite.suite("memory", MemoryStore.layer)
StepLogSuite.suite("memory", MemoryStore.layer)
ReceiptStoreSuite.suite("memory", MemoryStore.layer)
SecretsSuite.suite("memory", MemorySecrets.layer)
AccessSuite.suite("memory", MemoryStore.layer)

describe("memory store", () => {
  it.effect("writes nothing of a batch that the store fails on", () =>
    Effect.gen(function*() {
      const state = yield* MemoryState.MemoryState
      const store = yield* RunStore
      state.faults.push(new RunStoreError({ reason: "full", message: "full" }))
      const error = yield* Effect.flip(store.commit([creation("a", undefined), creation("b", undefined)]))
      assert.strictEqual(error.reason, "full")
      assert.deepStrictEqual(yield* store.list({ tenant, limit: 9 }), [])
      yield* accepted(creation("a", undefined))
    }).pipe(Effect.provide(MemoryStore.layer)))

  it.effect("lets a killed session's runs be adopted, though it has not ended in order", () =>
    Effect.gen(function*() {
      const state = yield* MemoryState.MemoryState
      const sessions = yield* Sessions
      yield* accepted(creation("run", sessions.id))
      const other = Context.get(yield* Layer.build(MemorySessions.layer), Sessions)
      assert.deepStrictEqual(yield* other.adopt(1), [])
      MemoryState.kill(state, sessions.id)
      assert.deepStrictEqual((yield* other.adopt(1)).map(({ run }) => run), ["run"])
    }).pipe(Effect.scoped, Effect.provide(MemoryStore.layer)))
})
