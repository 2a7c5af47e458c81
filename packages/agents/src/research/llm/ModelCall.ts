/** One structured answer of the caller's language model, with typed failures and what it used. */
import { AgentError } from "@baton/engine/Agents"
import type { Usage } from "@baton/kernel/Usage"
import type * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
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

export const askFor = <A, I extends Record<string, unknown>>(
  model: ResearchModel,
  request: {
    readonly name: string
    readonly schema: Schema.Codec<A, I>
    readonly instructions: string
    readonly data: unknown
  }
): Effect.Effect<{ readonly value: A; readonly usage: Usage }, AgentError> =>
  PaidCall.within(model.reference ?? model.name, () => PaidCall.inputTokens(request), answerOf(model, request))

const answerOf = <A, I extends Record<string, unknown>>(
  model: ResearchModel,
  request: Parameters<typeof askFor<A, I>>[1]
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
