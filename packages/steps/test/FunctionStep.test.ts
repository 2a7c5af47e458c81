import type { Json } from "@baton/kernel/Value"
import type { FunctionContext, FunctionHandler } from "@baton/steps/FunctionHandlers"
import * as FunctionHandlers from "@baton/steps/FunctionHandlers"
import * as FunctionStep from "@baton/steps/FunctionStep"
import * as TransformStep from "@baton/steps/TransformStep"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { failing, giving, run } from "./StepRun.ts"

const stepOf = (functions: { readonly [name: string]: FunctionHandler }) =>
  Effect.runSync(FunctionStep.make.pipe(
    Effect.provide(FunctionHandlers.FunctionHandlers.layer(Result.getOrThrow(FunctionHandlers.fromRecord(functions))))
  ))

const calling = { type: "function", function: "f", input: { n: "${ input.n }" } } as const
const setting = { roots: { input: { v: { n: 2 } } } }
const give = (f: FunctionHandler) => giving(stepOf({ f }), calling, setting)
const fail = (f: FunctionHandler) => failing(stepOf({ f }), calling, setting)

describe("transform", () => {
  it.effect("gives the evaluated value", () =>
    Effect.gen(function*() {
      const output = yield* giving(
        TransformStep.stepType,
        { type: "transform", value: { twice: "${ input.n * 2 }" } },
        setting
      )
      assert.deepStrictEqual(output, { twice: 4 })
    }))
})

describe("function", () => {
  it.effect("takes what a handler returns, promises or makes as an effect", () =>
    Effect.gen(function*() {
      const twice = (input: Json) => (input as { readonly n: number }).n * 2
      assert.strictEqual(yield* give(twice), 4)
      assert.strictEqual(yield* give(async (input) => twice(input)), 4)
      assert.strictEqual(yield* give((input) => Effect.succeed(twice(input))), 4)
      assert.strictEqual(yield* give(() => undefined), null)
      assert.deepStrictEqual(yield* give(() => ({ a: 1, b: undefined })), { a: 1 })
    }))

  it.effect("tells the handler where it runs, under a key that stays over attempts", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const f: FunctionHandler = (_, context) => {
        seen.push([context.run, context.path, context.attempt, context.key, context.signal.aborted])
        return 1
      }
      yield* run(stepOf({ f }), calling, setting)
      yield* run(stepOf({ f }), calling, { ...setting, request: { attempt: 2 } })
      const key = (seen[0] as ReadonlyArray<string>)[3]
      assert.deepStrictEqual(seen, [["run_1", "step", 1, key, false], ["run_1", "step", 2, key, false]])
    }))

  it.effect("writes the handler's lines to the step's log", () =>
    Effect.gen(function*() {
      const logged = yield* Deferred.make<string>()
      const f: FunctionHandler = (_, context) => {
        context.log("hello")
        return 1
      }
      yield* run(stepOf({ f }), calling, {
        ...setting,
        request: { log: (line) => Effect.asVoid(Deferred.succeed(logged, line)) }
      })
      assert.strictEqual(yield* Deferred.await(logged), "hello")
    }))

  it.effect("gives handlers their own input, and the run its own output", () =>
    Effect.gen(function*() {
      const input = { n: { list: [1] } }
      const kept: { list: Array<number> } = { list: [1] }
      const f: FunctionHandler = (given) => {
        const mine = given as { n: { list: Array<number> } }
        mine.n.list.push(2)
        return kept
      }
      const output = yield* giving(stepOf({ f }), calling, { roots: { input: { v: input } } })
      kept.list.push(9)
      assert.deepStrictEqual([input, output], [{ n: { list: [1] } }, { list: [1] }])
    }))

  it.effect("turns what is thrown into an error with its message and no stack", () =>
    Effect.gen(function*() {
      const handlers: ReadonlyArray<FunctionHandler> = [
        () => {
          throw new Error("no luck")
        },
        () => Promise.reject(new Error("no luck")),
        () => Effect.fail(new Error("no luck")),
        () => Effect.die(new Error("no luck")),
        () => Promise.reject("no luck")
      ]
      for (const handler of handlers) {
        const error = yield* fail(handler)
        assert.deepStrictEqual(error, {
          code: "FUNCTION_FAILED",
          kind: "internal",
          message: "no luck",
          retryable: true
        })
      }
    }))

  it.effect("believes an error that says it cannot be retried, or that nothing was sent", () =>
    Effect.gen(function*() {
      const thrown = Object.assign(new Error("card declined"), { retryable: false, sent: false, code: "CARD_DECLINED" })
      const error = yield* fail(() => Promise.reject(thrown))
      assert.deepStrictEqual(error, {
        code: "CARD_DECLINED",
        kind: "internal",
        message: "card declined",
        retryable: false,
        sent: false
      })
    }))

  it.effect("survives whatever a handler throws", () =>
    Effect.gen(function*() {
      const hostile = new Proxy({}, {
        get: () => {
          throw new Error("gotcha")
        }
      })
      for (const thrown of [undefined, null, 1, {}, hostile, { message: "" }, Object.create(null)]) {
        const error = yield* fail(() => {
          throw thrown
        })
        assert.strictEqual(error.code, "FUNCTION_FAILED")
      }
    }))

  it.effect("refuses results that are no JSON within bounds", () =>
    Effect.gen(function*() {
      const circle: Record<string, unknown> = {}
      circle["again"] = circle
      for (const result of [new Date(0), 1n, Number.NaN, () => 1, circle, new Map(), "\0", { a: [Symbol("s")] }]) {
        const error = yield* fail(() => result)
        assert.deepStrictEqual([error.code, error.kind, error.retryable], ["OUTPUT_INVALID", "validation", false])
      }
    }))

  it.effect("fails without a call when there is no such function", () =>
    Effect.gen(function*() {
      const error = yield* failing(stepOf({ g: () => 1 }), calling, setting)
      assert.deepStrictEqual([error.code, error.kind, error.sent], ["FUNCTION_UNKNOWN", "configuration", false])
    }))

  it.effect("is not called for less than it says it does to the world, unless its node says what it does there", () =>
    Effect.gen(function*() {
      const pay = Object.assign(() => "paid", { effect: "irreversible" as const })
      const error = yield* fail(pay)
      assert.deepInclude(error, { code: "EFFECT_UNDECLARED", retryable: false, sent: false })
      for (const effect of ["irreversible", "idempotent"] as const) {
        assert.strictEqual(yield* giving(stepOf({ f: pay }), { ...calling, effect }, setting), "paid")
      }
      assert.strictEqual(yield* give(Object.assign(() => 1, { effect: "pure" as const })), 1)
    }))

  it.effect("aborts the handler's signal when the attempt is interrupted", () =>
    Effect.gen(function*() {
      const called = yield* Deferred.make<FunctionContext>()
      const f: FunctionHandler = (_, context) => {
        Deferred.doneUnsafe(called, Effect.succeed(context))
        return new Promise(() => {})
      }
      const fiber = yield* Effect.forkChild(run(stepOf({ f }), calling, setting))
      const context = yield* Deferred.await(called)
      assert.isFalse(context.signal.aborted)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(context.signal.aborted)
    }))

  it.effect("aborts the handler's signal at the timeout, also when it asks for it only afterwards", () =>
    Effect.gen(function*() {
      for (const handler of [() => new Promise(() => {}), () => Effect.never]) {
        const called = yield* Deferred.make<FunctionContext>()
        const f: FunctionHandler = (_, context) => {
          Deferred.doneUnsafe(called, Effect.succeed(context))
          return handler()
        }
        const fiber = yield* Effect.forkChild(run(stepOf({ f }), calling, { ...setting, work: { timeoutMs: 100 } }))
        const context = yield* Deferred.await(called)
        yield* TestClock.adjust(100)
        const outcome = yield* Fiber.join(fiber)
        assert.isTrue(!outcome.outcome.ok && outcome.outcome.error.code === "TIMEOUT")
        assert.isTrue(context.signal.aborted)
      }
    }))

  it.effect.prop("gives back any JSON as it is", [Schema.Json], ([json]) =>
    Effect.gen(function*() {
      const outcome = yield* run(stepOf({ f: () => json }), calling, setting)
      if (outcome.outcome.ok) assert.strictEqual(JSON.stringify(yield* give(() => json)), JSON.stringify(json))
      else assert.strictEqual(outcome.outcome.error.code, "OUTPUT_INVALID")
    }))
})

describe("handlers module", () => {
  const problemsOf = (exports: { readonly [name: string]: unknown }) => {
    const result = FunctionHandlers.fromModule(exports)
    return Result.isFailure(result) ? result.failure.problems.length : 0
  }

  it("takes functions under valid names, and a version", () => {
    const set = Result.getOrThrow(FunctionHandlers.fromModule({ a: () => 1, "b-2": async () => 2, version: "7" }))
    assert.deepStrictEqual([[...set.handlers.keys()], set.version], [["a", "b-2"], "7"])
  })

  it("takes the members of a default export, as CommonJS modules have it", () => {
    const whole = { a: () => 1 }
    const set = Result.getOrThrow(FunctionHandlers.fromModule({ default: whole, "module.exports": whole }))
    assert.deepStrictEqual([...set.handlers.keys()], ["a"])
  })

  it("names everything that is wrong at once", () => {
    assert.strictEqual(problemsOf({ a: 1, "b c": () => 1, version: 3, ok: () => 1 }), 3)
    assert.strictEqual(problemsOf({}), 1)
    assert.strictEqual(problemsOf({ default: () => 1 }), 1)
    assert.strictEqual(problemsOf({ ["x".repeat(65)]: () => 1 }), 1)
  })
})
