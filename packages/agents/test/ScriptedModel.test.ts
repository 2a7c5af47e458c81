import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ScriptedModel from "../src/model/ScriptedModel.ts"

describe("a scripted model", () => {
  it.effect("answers its list from front to end, and then fails", () =>
    Effect.gen(function*() {
      const ask = Effect.map(LanguageModel.generateText({ prompt: "Hi" }), (answer) => answer.text)
      assert.deepStrictEqual([yield* ask, yield* ask], ["one", "two"])
      assert.strictEqual((yield* Effect.flip(ask)).reason._tag, "UnknownError")
    }).pipe(Effect.provide(ScriptedModel.layer(["one", { text: "two" }]))))

  it.effect("waits on the Effect clock, before the first word and between words", () =>
    Effect.gen(function*() {
      const { model } = yield* ScriptedModel.make([{ text: "a b c", delay: "1 second", wordDelay: "1 minute" }])
      const seen: Array<string> = []
      const fiber = yield* model.streamText({ prompt: "Hi" }).pipe(
        Stream.runForEach((part) => Effect.sync(() => void (part.type === "text-delta" && seen.push(part.delta)))),
        Effect.forkChild
      )
      yield* TestClock.adjust("61 seconds")
      assert.deepStrictEqual(seen, ["a "])
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, ["a ", "b ", "c"])
    }))

  it.effect("answers by what it is asked, and fails when it is told to", () =>
    Effect.gen(function*() {
      const { model, requests } = yield* ScriptedModel.make(({ index, question }) =>
        index === 0 ? `You said ${question}` : { failure: new AiError.RateLimitError({}) }
      )
      assert.strictEqual((yield* model.generateText({ prompt: "Hi" })).text, "You said Hi")
      assert.ok((yield* Effect.flip(model.generateText({ prompt: "Hi" }))).isRetryable)
      assert.strictEqual(requests.length, 2)
    }))
})
