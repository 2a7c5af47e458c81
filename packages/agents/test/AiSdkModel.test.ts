import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider"
import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as AiSdkModel from "../src/model/AiSdkModel.ts"
import * as ModelNotes from "../src/model/ModelNotes.ts"
import * as LoopbackDialer from "./fixtures/LoopbackDialer.ts"

const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 2, text: 2, reasoning: undefined }
}
const finish: LanguageModelV4StreamPart = { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage }
const words: ReadonlyArray<LanguageModelV4StreamPart> = [
  { type: "stream-start", warnings: [{ type: "unsupported", feature: "temperature" }] },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Hi" },
  { type: "text-end", id: "1" }
]

const open = (parts: ReadonlyArray<LanguageModelV4StreamPart>) => {
  const model: LanguageModelV4 = {
    specificationVersion: "v4",
    provider: "mock",
    modelId: "m",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("not asked")),
    doStream: () => Promise.resolve({ stream: ReadableStream.from(parts) })
  }
  return AiSdkModel.make({ name: "mock", model: "m", open: () => model }, LoopbackDialer.make().dialer)
}

const run = (parts: ReadonlyArray<LanguageModelV4StreamPart>) =>
  Effect.flatMap(open(parts), (model) => Stream.runCollect(model.streamText({ prompt: "Hi" })))

describe("a stream of an AI SDK provider", () => {
  it.effect("carries the provider's warnings in its notes", () =>
    Effect.gen(function*() {
      const part = (yield* run([...words, finish])).find((part) => part.type === "finish")
      assert.deepStrictEqual(ModelNotes.fromMetadata(part?.metadata).warnings, [
        { code: "model_unsupported", message: "temperature" }
      ])
    }))

  it.effect("fails when it ends, or is interrupted, before the answer did", () =>
    Effect.gen(function*() {
      const interrupted: LanguageModelV4StreamPart = {
        ...finish,
        finishReason: { unified: "interrupted", raw: undefined }
      }
      for (const parts of [words, [...words, interrupted]]) {
        const error = yield* Effect.flip(run(parts))
        assert.ok(AiError.isAiError(error) && error.reason._tag === "InvalidResponseError")
      }
    }))

  it.effect("fails with what an error part says", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(run([...words, { type: "error", error: new Error("overloaded") }]))
      assert.include(error.message, "overloaded")
    }))
})
