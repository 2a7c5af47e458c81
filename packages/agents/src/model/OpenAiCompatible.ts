/**
 * The built-in provider: any endpoint that speaks OpenAI's Chat Completions (OpenAI, Ollama, vLLM, LM Studio, OpenRouter).
 *
 * Every call goes through the `HttpDialer` it is given, repeats included. The key is sent only to the endpoint's own
 * address. A request that ends early (interruption, timeout) is aborted at the server.
 */
import type { DialRequest, DialResponse, HttpDialer } from "@baton/engine/HttpDialer"
import * as AiError from "effect/ai/AiError"
import { toCodecOpenAI } from "effect/ai/OpenAiStructuredOutput"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as DialBody from "../wire/DialBody.ts"
import * as ContextWindow from "./ContextWindow.ts"
import * as ModelFailure from "./ModelFailure.ts"
import { ModelLimits } from "./ModelSettings.ts"
import * as OpenAiAnswer from "./OpenAiAnswer.ts"
import * as OpenAiRequest from "./OpenAiRequest.ts"
import * as OpenAiStream from "./OpenAiStream.ts"
import * as ProviderModel from "./ProviderModel.ts"

export interface Endpoint {
  /** The provider's name in references, prices and messages, such as `ollama`. */
  readonly name: string
  /** Up to and including `/v1`, without a slash at the end. */
  readonly baseUrl: string
  readonly model: string
  readonly key?: Redacted.Redacted<string>
  /** Hosts besides public ones that the operator's configuration lets this endpoint be at. */
  readonly allow?: ReadonlyArray<string>
  readonly headers?: { readonly [name: string]: string }
  /** More fields of each request's body. */
  readonly extra?: { readonly [field: string]: unknown }
  /** Tokens of context, where the server cuts a longer prompt without saying so (Ollama). */
  readonly contextTokens?: number
}

/** Bytes of an error answer that are read for its message. */
const errorBytesMax = 64 * 1024

/** A `LanguageModel` of `effect/ai`. The dialer is expected to repeat what may be repeated (`HttpRetry`). */
export const make = (endpoint: Endpoint, dialer: HttpDialer["Service"]) =>
  ProviderModel.make({
    name: endpoint.name,
    model: endpoint.model,
    codecTransformer: toCodecOpenAI,
    generate: (request) => generate(endpoint, dialer, request),
    stream: (request) => Stream.unwrap(stream(endpoint, dialer, request))
  })

const generate = Effect.fnUntraced(function*(
  endpoint: Endpoint,
  dialer: HttpDialer["Service"],
  request: ProviderModel.ModelRequest
) {
  const where = { module: endpoint.name, method: "generateText" }
  return yield* whole(yield* open(endpoint, dialer, request, false), endpoint, request, where)
}, Effect.scoped)

const stream = Effect.fnUntraced(function*(
  endpoint: Endpoint,
  dialer: HttpDialer["Service"],
  request: ProviderModel.ModelRequest
) {
  const where = { module: endpoint.name, method: "streamText" }
  const { eventBytesMax } = yield* ModelLimits
  const response = yield* open(endpoint, dialer, request, true)
  if (/^application\/json\b/.test(response.headers["content-type"] ?? "")) {
    return Stream.fromIterable(OpenAiStream.fromWhole(yield* whole(response, endpoint, request, where)))
  }
  return OpenAiStream.parts(
    response.body,
    { eventBytesMax, warningsOf: warningsOf(endpoint, request) },
    (error) => ModelFailure.fromDialError(where, response.url, error)
  ).pipe(Stream.mapError((error) => AiError.isAiError(error) ? error : AiError.make({ ...where, reason: error })))
})

/** The answer as one JSON document; some servers send it to those who asked for a stream, too. */
const whole = Effect.fnUntraced(function*(
  response: DialResponse,
  endpoint: Endpoint,
  request: ProviderModel.ModelRequest,
  where: ModelFailure.Where
) {
  const bytes = yield* Effect.mapError(
    DialBody.bytes(response.body),
    (error) => ModelFailure.fromDialError(where, response.url, error)
  )
  return yield* Schema.decodeEffect(Schema.fromJsonString(OpenAiAnswer.WireCompletion))(DialBody.text(bytes)).pipe(
    Effect.catch(() => OpenAiAnswer.invalid("it is not the JSON that the API describes")),
    Effect.flatMap((completion) => OpenAiAnswer.parts(completion, warningsOf(endpoint, request))),
    Effect.mapError((reason) => AiError.make({ ...where, reason }))
  )
})

/** An answer with a success status, open while the scope is. */
const open = Effect.fnUntraced(function*(
  endpoint: Endpoint,
  dialer: HttpDialer["Service"],
  request: ProviderModel.ModelRequest,
  streaming: boolean
) {
  const where = { module: endpoint.name, method: streaming ? "streamText" : "generateText" }
  const dialRequest = yield* requestOf(endpoint, request, streaming)
  const response = yield* Effect.mapError(
    dialer.dial(dialRequest),
    (error) => ModelFailure.fromDialError(where, dialRequest.url, error)
  )
  if (response.status < 400) return response
  const bytes = yield* Effect.orElseSucceed(DialBody.head(response.body, errorBytesMax), () => new Uint8Array())
  const body = ModelFailure.withoutSecret(DialBody.text(bytes), endpoint.key)
  const now = yield* Clock.currentTimeMillis
  return yield* ModelFailure.fromHttp(where, { status: response.status, headers: response.headers, body, now })
})

const requestOf = Effect.fnUntraced(function*(
  endpoint: Endpoint,
  request: ProviderModel.ModelRequest,
  streaming: boolean
) {
  const limits = yield* ModelLimits
  const body = OpenAiRequest.body(request, {
    model: endpoint.model,
    stream: streaming,
    tokensKey: endpoint.name === "openai" ? "max_completion_tokens" : "max_tokens",
    ...(endpoint.extra === undefined ? {} : { extra: endpoint.extra })
  })
  if (Result.isFailure(body)) {
    return yield* AiError.make({ module: endpoint.name, method: "request", reason: body.failure })
  }
  const { allow, key } = endpoint
  const dialRequest: DialRequest = {
    method: "POST",
    url: `${endpoint.baseUrl}/chat/completions`,
    headers: {
      "content-type": "application/json",
      "accept": streaming ? "text/event-stream" : "application/json",
      ...endpoint.headers,
      ...(key === undefined
        ? {}
        : { authorization: Redacted.make(`Bearer ${Redacted.value(key)}`, { label: "authorization" }) })
    },
    body: JSON.stringify(body.success),
    timeout: limits.callTimeout,
    bytesMax: limits.answerBytesMax,
    redirectsMax: 0,
    ...(allow === undefined ? {} : { allow })
  }
  return dialRequest
})

const warningsOf =
  (endpoint: Endpoint, request: ProviderModel.ModelRequest) => (usage: OpenAiAnswer.WireUsage | undefined) =>
    endpoint.contextTokens === undefined
      ? []
      : ContextWindow.warnings(endpoint.contextTokens, usage?.prompt_tokens ?? undefined, request.prompt)
