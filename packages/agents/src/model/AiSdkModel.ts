/**
 * Any provider of the AI SDK (specification `v4`) as a `LanguageModel` of `effect/ai`.
 *
 * The provider's `fetch` is our dialer, made anew for each call so that the caller's clock, limits and span apply to it.
 * Interrupting the call aborts the provider's signal, and with it the request.
 */
import type { LanguageModelV4 } from "@ai-sdk/provider"
import type { HttpDialer } from "@baton/engine/HttpDialer"
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import { toCodecOpenAI } from "effect/ai/OpenAiStructuredOutput"
import type * as Response from "effect/ai/Response"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as DialFetch from "../wire/DialFetch.ts"
import * as AiSdkAnswer from "./AiSdkAnswer.ts"
import * as AiSdkPrompt from "./AiSdkPrompt.ts"
import type { Warning } from "./ModelNotes.ts"
import { ModelLimits } from "./ModelSettings.ts"
import * as ProviderModel from "./ProviderModel.ts"

export interface AiSdkOptions {
  readonly name: string
  readonly model: string
  /** Makes the SDK's model; called for each request. */
  readonly open: (fetch: typeof globalThis.fetch) => LanguageModelV4
  /** Removed from what the provider says, should it repeat it. */
  readonly key?: Redacted.Redacted<string>
  readonly allow?: ReadonlyArray<string>
  readonly codecTransformer?: LanguageModel.CodecTransformer
}

/** The dialer is expected to repeat what may be repeated (`HttpRetry`). */
export const make = (options: AiSdkOptions, dialer: HttpDialer["Service"]) =>
  ProviderModel.make({
    name: options.name,
    model: options.model,
    codecTransformer: options.codecTransformer ?? toCodecOpenAI,
    generate: (request) => generate(options, dialer, request),
    stream: (request) => Stream.unwrap(stream(options, dialer, request))
  })

const generate = Effect.fnUntraced(function*(
  options: AiSdkOptions,
  dialer: HttpDialer["Service"],
  request: ProviderModel.ModelRequest
) {
  const where = { module: options.name, method: "generateText" }
  const model = yield* modelFor(options, dialer)
  const result = yield* Effect.tryPromise({
    try: (signal) => model.doGenerate({ ...AiSdkPrompt.callOptions(request), abortSignal: signal }),
    catch: (error) => error
  }).pipe(Effect.catch((error) => failing(options, where, error)))
  const parts = yield* Effect.forEach(result.content, AiSdkAnswer.contentPart).pipe(
    Effect.mapError((reason) => AiError.make({ ...where, reason }))
  )
  const warnings = AiSdkAnswer.warningsOf(result.warnings)
  const all: Array<Response.PartEncoded> = [
    AiSdkAnswer.responseMetadata(result.response),
    ...parts.flat(),
    AiSdkAnswer.finish(result.finishReason, result.usage, warnings, result.providerMetadata)
  ]
  return all
})

const stream = Effect.fnUntraced(function*(
  options: AiSdkOptions,
  dialer: HttpDialer["Service"],
  request: ProviderModel.ModelRequest
) {
  const where = { module: options.name, method: "streamText" }
  const model = yield* modelFor(options, dialer)
  const controller = yield* Effect.acquireRelease(
    Effect.sync(() => new AbortController()),
    (controller) => Effect.sync(() => controller.abort())
  )
  const result = yield* Effect.tryPromise({
    try: () => model.doStream({ ...AiSdkPrompt.callOptions(request), abortSignal: controller.signal }),
    catch: (error) => error
  }).pipe(Effect.catch((error) => failing(options, where, error)))
  return partsOf(result.stream, options, where)
})

const partsOf = (
  stream: Awaited<ReturnType<LanguageModelV4["doStream"]>>["stream"],
  options: AiSdkOptions,
  where: { readonly module: string; readonly method: string }
): Stream.Stream<Response.StreamPartEncoded, AiError.AiError> =>
  Stream.suspend(() => {
    let warnings: ReadonlyArray<Warning> = []
    let finished = false
    const unfinished = AiError.make({
      ...where,
      reason: new AiError.InvalidResponseError({ description: "The stream ended before the answer did." })
    })
    return Stream.fromReadableStream({ evaluate: () => stream, onError: (error) => error }).pipe(
      Stream.catch((error) => Stream.fromEffect(failing(options, where, error))),
      Stream.mapEffect((part) => {
        if (part.type === "stream-start") warnings = AiSdkAnswer.warningsOf(part.warnings)
        if (part.type === "finish") finished = true
        if (part.type === "error") return failing(options, where, part.error)
        return Effect.mapError(
          AiSdkAnswer.streamPart(part, warnings),
          (reason) => AiError.make({ ...where, reason })
        )
      }),
      Stream.flattenIterable,
      Stream.concat(Stream.suspend(() => finished ? Stream.empty : Stream.fail(unfinished)))
    )
  })

const modelFor = Effect.fnUntraced(function*(options: AiSdkOptions, dialer: HttpDialer["Service"]) {
  const limits = yield* ModelLimits
  const context = yield* Effect.context<never>()
  return options.open(DialFetch.make(dialer, context, {
    timeout: limits.callTimeout,
    bytesMax: limits.answerBytesMax,
    redirectsMax: 0,
    ...(options.allow === undefined ? {} : { allow: options.allow })
  }))
})

const failing = (
  options: AiSdkOptions,
  where: { readonly module: string; readonly method: string },
  error: unknown
): Effect.Effect<never, AiError.AiError> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => Effect.fail(AiSdkAnswer.failure(where, error, now, options.key))
  )
