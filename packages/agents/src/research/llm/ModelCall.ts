/** One structured answer of the caller's language model, with typed failures and what it used. */
import { type AgentCall, AgentError } from "@baton/engine/Agents"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type { Usage } from "@baton/kernel/Usage"
import type * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as PaidCall from "../../model/PaidCall.ts"

/** The model that the research agents use, and how its maker counts and fails. */
export interface ResearchModel {
  readonly service: LanguageModel.LanguageModel
  /** As reports name it, such as `openai/gpt-5-mini`. */
  readonly name: string
  /** By which budgets know it; absent: its name. */
  readonly reference?: string
  /** Prices what a call used; absent: tokens only. `metadata` is the provider's own of the end of the answer. */
  readonly usage?: (used: Response.Usage, metadata: Response.ProviderMetadata | undefined) => Effect.Effect<Usage>
  /** What a failed call means to the engine; absent: by the reason alone. */
  readonly failure?: (error: AiError.AiError) => AgentError
}

export interface ModelRequest<A, I> {
  readonly name: string
  readonly schema: Schema.Codec<A, I>
  readonly instructions: string
  readonly data: unknown
}

/** The value, and what it cost where nothing recorded tells it. An answer that is recorded is not asked for again. */
export const askFor = Effect.fnUntraced(function*<A, I extends Record<string, unknown>>(
  model: ResearchModel,
  call: AgentCall,
  request: ModelRequest<A, I>
): Effect.fn.Return<{ readonly value: A; readonly usage?: Usage }, AgentError> {
  const { conversation } = call
  const ask = PaidCall.within(
    model.reference ?? model.name,
    () => PaidCall.inputTokens(request),
    answerOf(model, request)
  )
  if (conversation === undefined) return yield* ask
  const { data, instructions, name } = request
  const asked = CanonicalJson.address(CanonicalJson.text({ model: model.name, name, instructions, data }))
  const known = (yield* conversation.turns).find((turn) => turn.request === asked)
  const codec = Schema.fromJsonString(request.schema)
  if (known !== undefined) {
    const value = yield* Effect.option(Schema.decodeEffect(codec)(known.text))
    if (Option.isSome(value)) return { value: value.value }
  }
  const { usage, value } = yield* ask
  yield* conversation.record({
    schema: "baton.turn/1",
    model: model.name,
    request: asked,
    text: Schema.encodeSync(codec)(value),
    finishReason: "stop",
    calls: [],
    usage,
    warnings: []
  })
  return conversation.settlesUsage ? { value } : { value, usage }
})

const answerOf = <A, I extends Record<string, unknown>>(
  model: ResearchModel,
  request: ModelRequest<A, I>
): Effect.Effect<{ readonly value: A; readonly usage: Usage }, AgentError> =>
  model.service.generateObject({
    objectName: request.name,
    schema: request.schema,
    prompt: [
      { role: "system", content: request.instructions },
      { role: "user", content: [{ type: "text", text: JSON.stringify(request.data) }] }
    ]
  }).pipe(
    Effect.mapError(model.failure ?? toAgentError),
    Effect.flatMap((answer) => {
      const finish = answer.content.find((part) => part.type === "finish")
      const price = model.usage ?? ((used) => Effect.succeed(tokensOnly(model.name, used)))
      return Effect.map(price(answer.usage, finish?.metadata), (usage) => ({ value: answer.value, usage }))
    })
  )

const tokensOnly = (model: string, used: Response.Usage): Usage => {
  const count = (key: "inputTokens" | "outputTokens" | "cachedTokens", tokens: number | undefined) =>
    tokens === undefined ? {} : { [key]: tokens }
  return {
    calls: 1,
    model,
    ...count("inputTokens", used.inputTokens.total),
    ...count("outputTokens", used.outputTokens.total),
    ...count("cachedTokens", used.inputTokens.cacheRead)
  }
}

const invalidAnswers = new Set<string>(["InvalidOutputError", "StructuredOutputError"])
const misconfigurations = new Set<string>(["UnsupportedSchemaError", "AuthenticationError", "ToolkitRequiredError"])
/** Characters of a provider's own words that go into a message. */
const problemCharactersMax = 500

const toAgentError = (error: AiError.AiError): AgentError => {
  const { _tag } = error.reason
  const wait = error.retryAfter
  const invalid = invalidAnswers.has(_tag)
  return new AgentError({
    reason: invalid ? "validation" : misconfigurations.has(_tag) ? "configuration" : "api",
    message: error.reason.message.slice(0, problemCharactersMax),
    // A model that answered badly once may answer well the next time.
    retryable: invalid || error.isRetryable,
    ...(wait === undefined ? {} : { retryAfterMs: Math.ceil(Duration.toMillis(wait)) }),
    ...(invalid ? { problems: [error.reason.message.slice(0, problemCharactersMax)] } : {})
  })
}
