/** Answers and errors of AI SDK providers, in the words of `effect/ai`. */
import {
  APICallError,
  type LanguageModelV4Content,
  type LanguageModelV4FinishReason,
  type LanguageModelV4StreamPart,
  type LanguageModelV4Usage,
  LoadAPIKeyError,
  type SharedV4ProviderMetadata,
  type SharedV4Warning,
  UnsupportedFunctionalityError
} from "@ai-sdk/provider"
import * as AiError from "effect/ai/AiError"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as JsonText from "../output/JsonText.ts"
import * as ModelFailure from "./ModelFailure.ts"
import * as ModelNotes from "./ModelNotes.ts"

type Part = Response.PartEncoded
type StreamPart = Response.StreamPartEncoded
type Reasons<A> = Effect.Effect<A, AiError.AiErrorReason>

/** Parts we have no word for (files, provider-made approvals) are left out. */
export const contentPart = (content: LanguageModelV4Content): Reasons<ReadonlyArray<Part>> => {
  const metadata = metadataOf(content.providerMetadata)
  switch (content.type) {
    case "text":
    case "reasoning":
      return Effect.succeed([{ type: content.type, text: content.text, metadata }])
    case "tool-call":
      return Effect.map(toolCall(content), (call) => [call])
    case "source":
      return Effect.succeed(
        content.sourceType === "url"
          ? [{
            type: "source",
            sourceType: "url",
            id: content.id,
            url: content.url,
            title: content.title ?? content.url
          }]
          : []
      )
    default:
      return Effect.succeed([])
  }
}

export const streamPart = (
  part: LanguageModelV4StreamPart,
  warnings: ReadonlyArray<ModelNotes.Warning>
): Reasons<ReadonlyArray<StreamPart>> => {
  switch (part.type) {
    case "text-start":
    case "text-end":
    case "reasoning-start":
    case "reasoning-end":
      return Effect.succeed([{ type: part.type, id: part.id, metadata: metadataOf(part.providerMetadata) }])
    case "text-delta":
    case "reasoning-delta":
      return Effect.succeed(part.delta === "" ? [] : [{ type: part.type, id: part.id, delta: part.delta }])
    case "tool-input-start":
      return Effect.succeed([{ type: "tool-params-start", id: part.id, name: part.toolName }])
    case "tool-input-delta":
      return Effect.succeed([{ type: "tool-params-delta", id: part.id, delta: part.delta }])
    case "tool-input-end":
      return Effect.succeed([{ type: "tool-params-end", id: part.id }])
    case "response-metadata":
      return Effect.succeed([responseMetadata(part)])
    case "finish":
      return part.finishReason.unified === "interrupted"
        ? Effect.fail(new AiError.InvalidResponseError({ description: "The stream ended before the answer did." }))
        : Effect.succeed([finish(part.finishReason, part.usage, warnings, part.providerMetadata)])
    case "tool-call":
    case "source":
      return contentPart(part) as Reasons<ReadonlyArray<StreamPart>>
    default:
      return Effect.succeed([])
  }
}

export const responseMetadata = (
  response: { readonly id?: string; readonly modelId?: string } | undefined
): Response.ResponseMetadataPartEncoded => ({
  type: "response-metadata",
  ...(response?.id === undefined ? {} : { id: response.id }),
  ...(response?.modelId === undefined ? {} : { modelId: response.modelId })
})

export const finish = (
  reason: LanguageModelV4FinishReason,
  usage: LanguageModelV4Usage,
  warnings: ReadonlyArray<ModelNotes.Warning>,
  metadata?: SharedV4ProviderMetadata
): Response.FinishPartEncoded => ({
  type: "finish",
  reason: reason.unified === "interrupted" ? "error" : reason.unified,
  usage: {
    inputTokens: {
      total: usage.inputTokens.total,
      uncached: usage.inputTokens.noCache,
      cacheRead: usage.inputTokens.cacheRead,
      cacheWrite: usage.inputTokens.cacheWrite
    },
    outputTokens: { ...usage.outputTokens }
  },
  metadata: { ...metadataOf(metadata), ...ModelNotes.toMetadata(warnings.length === 0 ? {} : { warnings }) }
})

export const warningsOf = (warnings: ReadonlyArray<SharedV4Warning>): ReadonlyArray<ModelNotes.Warning> =>
  warnings.map((warning) => {
    const code = `model_${warning.type}`
    if (warning.type === "other") return { code, message: warning.message }
    if (warning.type === "deprecated") return { code, message: `${warning.setting}: ${warning.message}` }
    const { details, feature } = warning
    return { code, message: details === undefined ? feature : `${feature}: ${details}` }
  })

/** What a provider threw. `now` in milliseconds since 1970. */
export const failure = (
  where: ModelFailure.Where,
  error: unknown,
  now: number,
  secret: Redacted.Redacted<string> | undefined
): AiError.AiError => {
  if (AiError.isAiError(error)) return error
  const dialed = ModelFailure.dialErrorIn(error)
  if (APICallError.isInstance(error)) {
    if (dialed !== undefined) return ModelFailure.fromDialError(where, error.url, dialed)
    const status = error.statusCode ?? 0
    const body = ModelFailure.withoutSecret(error.responseBody ?? error.message, secret)
    if (status >= 400) return ModelFailure.fromHttp(where, { status, headers: error.responseHeaders ?? {}, body, now })
    return invalidResponse(where, ModelFailure.withoutSecret(error.message, secret))
  }
  if (dialed !== undefined) return ModelFailure.fromDialError(where, where.module, dialed)
  if (LoadAPIKeyError.isInstance(error)) {
    return AiError.make({ ...where, reason: new AiError.AuthenticationError({ kind: "MissingKey" }) })
  }
  const description = ModelFailure.withoutSecret(error instanceof Error ? error.message : String(error), secret)
  return UnsupportedFunctionalityError.isInstance(error)
    ? AiError.make({ ...where, reason: new AiError.InvalidRequestError({ description }) })
    : invalidResponse(where, description)
}

const invalidResponse = (where: ModelFailure.Where, description: string) =>
  AiError.make({ ...where, reason: new AiError.InvalidResponseError({ description: description.slice(0, 500) }) })

const toolCall = (
  call: Extract<LanguageModelV4Content, { type: "tool-call" }>
): Reasons<Response.ToolCallPartEncoded> => {
  const params = call.input.trim() === "" ? {} : JsonText.candidates(call.input).next().value?.value
  return params === undefined
    ? Effect.fail(
      new AiError.ToolParameterValidationError({ toolName: call.toolName, description: "The arguments are not JSON." })
    )
    : Effect.succeed({
      type: "tool-call",
      id: call.toolCallId,
      name: call.toolName,
      params,
      providerExecuted: call.providerExecuted ?? false,
      metadata: metadataOf(call.providerMetadata)
    })
}

/** Providers may leave `undefined` in their metadata, which is no JSON. */
const metadataOf = (metadata: SharedV4ProviderMetadata | undefined): Response.ProviderMetadata =>
  metadata === undefined ? {} : JSON.parse(JSON.stringify(metadata))
