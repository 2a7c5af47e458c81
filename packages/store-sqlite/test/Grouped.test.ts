/** Small writes that share commits. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as Grouped from "../src/Grouped.ts"

/** Writes that take until they are let go, one after the other. */
const written = Effect.gen(function*() {
  const groups: Array<ReadonlyArray<number>> = []
  const gates = [yield* Deferred.make<void, string>(), yield* Deferred.make<void, string>()]
  const change = yield* Grouped.make((changes: ReadonlyArray<number>) => {
    groups.push(changes)
    return Effect.as(Deferred.await(gates[groups.length - 1]!), changes.map((n) => n * 10))
  })
  return { change, gates, groups }
})

describe("grouped writes", () => {
  it.effect("share the next commit when they come while one is under way, and each gets its own answer", () =>
    Effect.gen(function*() {
      const { change, gates, groups } = yield* written
      const first = yield* Effect.forkScoped(Effect.forEach([1, 2], change, { concurrency: "unbounded" }))
      while (groups.length < 1) yield* Effect.yieldNow
      const later = yield* Effect.forkScoped(Effect.forEach([3, 4, 5], change, { concurrency: "unbounded" }))
      yield* Effect.yieldNow
      yield* Deferred.succeed(gates[0]!, undefined)
      assert.deepStrictEqual(yield* Fiber.join(first), [10, 20])
      yield* Deferred.succeed(gates[1]!, undefined)
      assert.deepStrictEqual(yield* Fiber.join(later), [30, 40, 50])
      assert.deepStrictEqual(groups, [[1, 2], [3, 4, 5]])
    }).pipe(Effect.scoped))

  it.effect("fail together, and those after them go on", () =>
    Effect.gen(function*() {
      const { change, gates, groups } = yield* written
      const first = yield* Effect.forkScoped(Effect.exit(change(1)))
      while (groups.length < 1) yield* Effect.yieldNow
      const later = yield* Effect.forkScoped(change(2))
      yield* Effect.yieldNow
      yield* Deferred.fail(gates[0]!, "full")
      assert.deepStrictEqual(yield* Fiber.join(first), Exit.fail("full"))
      yield* Deferred.succeed(gates[1]!, undefined)
      assert.strictEqual(yield* Fiber.join(later), 20)
    }).pipe(Effect.scoped))

  it.effect("are made also when the one who began the commit goes away", () =>
    Effect.gen(function*() {
      const { change, gates, groups } = yield* written
      const first = yield* Effect.forkScoped(change(1))
      while (groups.length < 1) yield* Effect.yieldNow
      const second = yield* Effect.forkScoped(change(2))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gates[0]!, undefined)
      yield* Deferred.succeed(gates[1]!, undefined)
      assert.strictEqual(yield* Fiber.join(second), 20)
      assert.deepStrictEqual(groups, [[1], [2]])
    }).pipe(Effect.scoped))
})

describe("grouped writes of those who go away at once", () => {
  it.effect("keep nobody waiting who comes later, at whatever moment they were interrupted", () =>
    Effect.gen(function*() {
      for (let moments = 0; moments < 40; moments++) {
        const change = yield* Grouped.make((changes: ReadonlyArray<number>) => Effect.succeed(changes))
        const gone = yield* Effect.forkScoped(
          change(1).pipe(Effect.provideService(References.MaxOpsBeforeYield, 3))
        )
        for (let moment = 0; moment < moments; moment++) yield* Effect.yieldNow
        yield* Fiber.interrupt(gone)
        const later = yield* Effect.forkScoped(change(2))
        for (let turn = 0; turn < 100; turn++) yield* Effect.yieldNow
        assert.isDefined(later.pollUnsafe(), `interrupted after ${moments} turns`)
      }
    }).pipe(Effect.scoped))

  it.effect("that break before they begin fail alone", () =>
    Effect.gen(function*() {
      const change = yield* Grouped.make((changes: ReadonlyArray<number>) => {
        if (changes.includes(1)) throw new Error("broken")
        return Effect.succeed(changes)
      })
      const broken = yield* Effect.forkScoped(Effect.exit(change(1)))
      for (let turn = 0; turn < 100; turn++) yield* Effect.yieldNow
      const later = yield* Effect.forkScoped(change(2))
      for (let turn = 0; turn < 100; turn++) yield* Effect.yieldNow
      assert.isDefined(broken.pollUnsafe())
      assert.deepStrictEqual(later.pollUnsafe(), Exit.succeed(2))
    }).pipe(Effect.scoped))
})
