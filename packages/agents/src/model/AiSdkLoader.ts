/**
 * The AI SDK's provider packages, loaded when a model of theirs is first asked for: together they cost a tenth of a second
 * and more at start.
 */
import type { LanguageModelV4 } from "@ai-sdk/provider"
import { toCodecAnthropic } from "effect/ai/AnthropicStructuredOutput"
import type { CodecTransformer } from "effect/ai/LanguageModel"
import { toCodecOpenAI } from "effect/ai/OpenAiStructuredOutput"
import * as Effect from "effect/Effect"

export interface SdkSettings {
  readonly apiKey: string
  readonly baseURL?: string
  readonly fetch: typeof globalThis.fetch
}

export interface Sdk {
  readonly model: (name: string, settings: SdkSettings) => LanguageModelV4
  readonly codecTransformer: CodecTransformer
}

export const openai: Effect.Effect<Sdk> = Effect.map(
  Effect.promise(() => import("@ai-sdk/openai")),
  ({ createOpenAI }) => ({
    model: (name, settings) => createOpenAI(settings).responses(name),
    codecTransformer: toCodecOpenAI
  })
)

export const anthropic: Effect.Effect<Sdk> = Effect.map(
  Effect.promise(() => import("@ai-sdk/anthropic")),
  ({ createAnthropic }) => ({
    model: (name, settings) => createAnthropic(settings)(name),
    codecTransformer: toCodecAnthropic
  })
)

export const google: Effect.Effect<Sdk> = Effect.map(
  Effect.promise(() => import("@ai-sdk/google")),
  ({ createGoogleGenerativeAI }) => ({
    model: (name, settings) => createGoogleGenerativeAI(settings)(name),
    codecTransformer: toCodecOpenAI
  })
)
