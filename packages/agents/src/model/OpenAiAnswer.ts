/**
 * What comes back from `POST /chat/completions`, whole or as server-sent events.
 *
 * Servers differ: `content` may be a list of parts, arguments an object, ids missing, reasoning under either of two names.
 * All of that is read; what is no chat completion at all is an invalid response.
 */
import type { Json } from "@baton/kernel/Value"
import * as AiError from "effect/ai/AiError"
import { IdGenerator } from "effect/ai/IdGenerator"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as JsonText from "../output/JsonText.ts"
import * as ModelNotes from "./ModelNotes.ts"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

export const WireUsage = Schema.Struct({
  prompt_tokens: maybe(Schema.Number),
  completion_tokens: maybe(Schema.Number),
  prompt_tokens_details: maybe(Schema.Struct({ cached_tokens: maybe(Schema.Number) })),
  completion_tokens_details: maybe(Schema.Struct({ reasoning_tokens: maybe(Schema.Number) })),
  /** OpenRouter, in US dollars. */
  cost: maybe(Schema.Number)
})
export type WireUsage = typeof WireUsage.Type

const Content = Schema.Union([
  Schema.String,
  Schema.Array(Schema.Struct({ text: Schema.optionalKey(Schema.String) }))
])

const WireCall = Schema.Struct({
  index: maybe(Schema.Number),
  id: maybe(Schema.String),
  function: maybe(Schema.Struct({
    name: maybe(Schema.String),
    arguments: maybe(Schema.Union([Schema.String, Schema.Record(Schema.String, Schema.Json)]))
  }))
})
export type WireCall = typeof WireCall.Type

export const WireMessage = Schema.Struct({
  content: maybe(Content),
  reasoning_content: maybe(Schema.String),
  reasoning: maybe(Schema.String),
  refusal: maybe(Schema.String),
  tool_calls: maybe(Schema.Array(WireCall))
})
export type WireMessage = typeof WireMessage.Type

export const WireCompletion = Schema.Struct({
  id: maybe(Schema.String),
  model: maybe(Schema.String),
  choices: Schema.optionalKey(
    Schema.Array(Schema.Struct({ message: WireMessage, finish_reason: maybe(Schema.String) }))
  ),
  usage: maybe(WireUsage),
  /** Some gateways answer 200 and put the failure here. */
  error: maybe(Schema.Json)
})
export type WireCompletion = typeof WireCompletion.Type

export const contentText = (content: WireMessage["content"]): string =>
  typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("")

export const reasoningText = (message: WireMessage): string => message.reasoning_content ?? message.reasoning ?? ""

/** The parts of a whole answer. */
export const parts = Effect.fnUntraced(function*(
  completion: WireCompletion,
  warningsOf: (usage: WireUsage | undefined) => ReadonlyArray<ModelNotes.Warning>
) {
  if (completion.error) return yield* failure(completion.error)
  const choice = completion.choices?.[0]
  if (choice === undefined) return yield* invalid("it has no choices")
  const { message } = choice
  if (typeof message.refusal === "string" && message.refusal !== "") {
    return yield* Effect.fail<AiError.AiErrorReason>(new AiError.ContentPolicyError({ description: message.refusal }))
  }
  const reasoning = reasoningText(message)
  const text = contentText(message.content)
  const calls: Array<Response.PartEncoded> = []
  for (const call of message.tool_calls ?? []) {
    const { arguments: input, name } = call.function ?? {}
    calls.push(yield* toolCall(call.id ?? "", name ?? "", input ?? ""))
  }
  const found: Array<Response.PartEncoded> = [
    metadata(completion),
    ...(reasoning === "" ? [] : [{ type: "reasoning" as const, text: reasoning }]),
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
    ...calls,
    finish(choice.finish_reason, completion.usage, warningsOf(completion.usage ?? undefined))
  ]
  return found
})

export const metadata = (
  completion: { readonly id?: string | null; readonly model?: string | null }
): Response.ResponseMetadataPartEncoded => ({
  type: "response-metadata",
  ...(completion.id ? { id: completion.id } : {}),
  ...(completion.model ? { modelId: completion.model } : {})
})

/** A call with its arguments parsed; ids are made up where a server sends none. */
export const toolCall = Effect.fnUntraced(function*(id: string, name: string, input: string | { [key: string]: Json }) {
  if (name === "") return yield* invalid("a tool call has no name")
  const generator = yield* IdGenerator
  const params = typeof input === "string" ? argumentsOf(input) : input
  if (params === undefined) {
    return yield* Effect.fail<AiError.AiErrorReason>(
      new AiError.ToolParameterValidationError({ toolName: name, description: "The arguments are not JSON." })
    )
  }
  const call: Response.ToolCallPartEncoded = {
    type: "tool-call",
    id: id === "" ? yield* generator.generateId() : id,
    name,
    params
  }
  return call
})

const argumentsOf = (text: string): Json | undefined => {
  if (text.trim() === "") return {}
  for (const { value } of JsonText.candidates(text)) return value
  return undefined
}

export const finish = (
  reason: string | null | undefined,
  usage: WireUsage | null | undefined,
  warnings: ReadonlyArray<ModelNotes.Warning>
): Response.FinishPartEncoded => ({
  type: "finish",
  reason: reasonOf(reason),
  usage: usageOf(usage ?? {}),
  metadata: ModelNotes.toMetadata({
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(typeof usage?.cost === "number" ? { costUsd: usage.cost } : {})
  })
})

const reasonOf = (reason: string | null | undefined): typeof Response.FinishReason.Type => {
  switch (reason) {
    case "stop":
    case "length":
      return reason
    case "tool_calls":
    case "function_call":
      return "tool-calls"
    case "content_filter":
      return "content-filter"
    default:
      return reason === null || reason === undefined ? "unknown" : "other"
  }
}

const usageOf = (usage: WireUsage): typeof Response.Usage.Encoded => {
  const total = count(usage.prompt_tokens)
  const cacheRead = count(usage.prompt_tokens_details?.cached_tokens)
  const output = count(usage.completion_tokens)
  const reasoning = count(usage.completion_tokens_details?.reasoning_tokens)
  return {
    inputTokens: {
      total,
      cacheRead,
      cacheWrite: undefined,
      uncached: total === undefined ? undefined : Math.max(0, total - (cacheRead ?? 0))
    },
    outputTokens: {
      total: output,
      reasoning,
      text: output === undefined || reasoning === undefined ? undefined : Math.max(0, output - reasoning)
    }
  }
}

const count = (tokens: number | null | undefined): number | undefined =>
  typeof tokens === "number" && Number.isFinite(tokens) ? Math.max(0, Math.round(tokens)) : undefined

export const invalid = (why: string): Effect.Effect<never, AiError.AiErrorReason> =>
  Effect.fail(
    new AiError.InvalidResponseError({ description: `The answer is not a chat completion: ${why}.` })
  )

/** A failure that came inside of a successful answer. */
export const failure = (error: Json): Effect.Effect<never, AiError.AiErrorReason> => {
  const message = typeof error === "object" && error !== null && "message" in error ? error.message : error
  const description = (typeof message === "string" ? message : JSON.stringify(message)).slice(0, 500)
  return Effect.fail(new AiError.InternalProviderError({ description }))
}
