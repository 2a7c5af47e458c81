/** How the store is doing, as its commits tell. */
import * as MemoryStepQueue from "@baton/engine/MemoryStepQueue"
import { RunStore, RunStoreError } from "@baton/engine/RunStore"
import { StepTypes } from "@baton/engine/StepType"
import { creation } from "@baton/engine/testing/Journals"
import * as StoreWatch from "@baton/server/gate/StoreWatch"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

/** A store whose disk is full while `disk.full` says so. */
const layer = (disk: { full: boolean }) =>
  StoreWatch.StoreWatch.layer.pipe(
    Layer.provideMerge(
      Layer.effect(
        RunStore,
        Effect.map(RunStore, (store) => ({
          ...store,
          commit: (batch) =>
            disk.full
              ? Effect.fail(new RunStoreError({ reason: "full", message: "The disk is full." }))
              : store.commit(batch)
        }))
      )
    ),
    Layer.provideMerge(SqliteStore.layer({ data: ":memory:" })),
    Layer.provideMerge(Layer.succeed(StepTypes, new Map())),
    Layer.provideMerge(MemoryStepQueue.layer)
  )

describe("a store whose disk was full", () => {
  it.effect("is not ready for five seconds after a commit was refused, and tells when it took the last one", () => {
    const disk = { full: false }
    return Effect.gen(function*() {
      const store = yield* RunStore
      const health = yield* StoreWatch.health(":memory:")
      const look = Effect.andThen(TestClock.adjust("1 second"), health)
      assert.isUndefined((yield* look).lastCommitAt)
      yield* store.commit([creation("first", undefined)])
      const { lastCommitAt = 0 } = yield* look
      assert.isAbove(lastCommitAt, 0)
      disk.full = true
      yield* Effect.flip(store.commit([creation("second", undefined)]))
      assert.deepInclude(yield* look, { writable: false, reason: "full", lastCommitAt })
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* look, { writable: true, lastCommitAt })
      yield* Effect.flip(store.commit([creation("second", undefined)]))
      assert.isFalse((yield* look).writable)
      disk.full = false
      yield* store.commit([creation("second", undefined)])
      assert.isTrue((yield* look).writable)
    }).pipe(Effect.provide(layer(disk)))
  })
})
