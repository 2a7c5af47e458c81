/**
 * A `LanguageModel` of `effect/ai` over one provider, with what every provider needs done alike:
 *
 *   - the output format steps down, where an endpoint refuses it, from a JSON Schema to "some JSON" to plain text, and the
 *     step that worked is remembered;
 *   - `<think>…</think>` becomes reasoning, `stop` with tool calls becomes `tool-calls`;
 *   - `generateObject` finds the JSON in what was written and, when it does not conform, shows the model its problems once.
 */
import type { JsonObject } from "@baton/kernel/Value"
import * as AiError from "effect/ai/AiError"
import type { IdGenerator } from "effect/ai/IdGenerator"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Telemetry from "effect/ai/Telemetry"
import type * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as JsonConformance from "../output/JsonConformance.ts"
import * as JsonText from "../output/JsonText.ts"
import * as SchemaFit from "../output/SchemaFit.ts"
import * as ModelFailure from "./ModelFailure.ts"
import * as ModelNotes from "./ModelNotes.ts"
import { ModelSettings } from "./ModelSettings.ts"
import * as Reasoning from "./Reasoning.ts"
import * as TokenUsage from "./TokenUsage.ts"

/** `schema`: the endpoint is given the JSON Schema; `object`: it is asked for JSON of any shape; `text`: for nothing. */
export type OutputMode = "schema" | "object" | "text"

export interface OutputFormat {
  readonly mode: OutputMode
  readonly name: string
  readonly schema: JsonObject
  /** Whether the endpoint may enforce every word of the schema (OpenAI's strict mode). */
  readonly strict: boolean
}

export interface ModelRequest {
  readonly prompt: Prompt.Prompt
  readonly tools: ReadonlyArray<Tool.Any>
  readonly toolChoice: LanguageModel.ToolChoice<string>
  readonly format: OutputFormat | undefined
  readonly temperature: number | undefined
  readonly maxOutputTokens: number | undefined
  readonly span: LanguageModel.ProviderOptions["span"]
}

export interface Provider {
  readonly name: string
  readonly model: string
  readonly generate: (
    request: ModelRequest
  ) => Effect.Effect<ReadonlyArray<Response.PartEncoded>, AiError.AiError, IdGenerator>
  readonly stream: (
    request: ModelRequest
  ) => Stream.Stream<Response.StreamPartEncoded, AiError.AiError, IdGenerator>
  /** Rewrites schemas of `generateObject` into the subset the provider takes. */
  readonly codecTransformer: LanguageModel.CodecTransformer
}

const modes: ReadonlyArray<OutputMode> = ["schema", "object", "text"]

export const make = Effect.fnUntraced(function*(provider: Provider) {
  const worked = yield* Ref.make<OutputMode>("schema")
  return yield* LanguageModel.make({
    codecTransformer: provider.codecTransformer,
    supportsSystemMessagesInHistory: Effect.succeed(true),
    generateText: (options) => generate(provider, worked, options),
    streamText: (options) =>
      Stream.unwrap(Effect.map(requestOf(provider, options), (request) => stream(provider, worked, request)))
  })
})

const generate = Effect.fnUntraced(function*(
  provider: Provider,
  worked: Ref.Ref<OutputMode>,
  options: LanguageModel.ProviderOptions
) {
  const request = yield* requestOf(provider, options)
  annotateRequest(provider, request)
  const ask = (prompt: Prompt.Prompt) =>
    steppingDown(worked, { ...request, prompt }, provider.generate).pipe(
      Effect.map((parts) => Reasoning.splitParts(parts).map((part) => mendFinish(part, hasToolCall(parts))))
    )
  const first = yield* ask(request.prompt)
  const parts = options.responseFormat.type === "text" || request.format === undefined
    ? first
    : yield* conforming(request.prompt, request.format, first, ask)
  for (const part of parts) annotateAnswer(request, part)
  return parts
})

const stream = (
  provider: Provider,
  worked: Ref.Ref<OutputMode>,
  request: ModelRequest
): Stream.Stream<Response.StreamPartEncoded, AiError.AiError, IdGenerator> =>
  Stream.suspend(() => {
    let called = false
    annotateRequest(provider, request)
    return steppingDownStream(worked, request, provider.stream).pipe(
      Reasoning.splitStream,
      Stream.map((part) => {
        called ||= part.type === "tool-call"
        annotateAnswer(request, part)
        return mendFinish(part, called)
      })
    )
  })

const requestOf = Effect.fnUntraced(function*(provider: Provider, options: LanguageModel.ProviderOptions) {
  const settings = yield* ModelSettings
  const format = settings.output === undefined
    ? yield* formatOf(provider, options)
    : { mode: "schema" as const, ...settings.output, strict: SchemaFit.isStrict(settings.output.schema) }
  return {
    prompt: options.prompt,
    tools: options.tools,
    toolChoice: options.toolChoice,
    format,
    temperature: settings.temperature,
    maxOutputTokens: settings.maxOutputTokens,
    span: options.span
  } satisfies ModelRequest
})

const formatOf = (
  provider: Provider,
  { responseFormat }: LanguageModel.ProviderOptions
): Effect.Effect<OutputFormat | undefined, AiError.AiError> =>
  responseFormat.type === "text" ? Effect.undefined : Effect.try({
    try: (): OutputFormat => {
      const schema = JSON.parse(JSON.stringify(provider.codecTransformer(responseFormat.schema).jsonSchema))
      return { mode: "schema", name: responseFormat.objectName, schema, strict: SchemaFit.isStrict(schema) }
    },
    catch: (error) =>
      AiError.make({
        module: provider.name,
        method: "generateObject",
        reason: new AiError.UnsupportedSchemaError({
          description: error instanceof Error ? error.message : String(error)
        })
      })
  })

/** Whether an endpoint refused the output format and not the request as a whole. */
const refusesFormat = (error: AiError.AiError): boolean =>
  error.reason._tag === "InvalidRequestError" &&
  /response.?format|json.?(schema|object|mode)|structured|guided|grammar|output.?(format|config)|not support/i.test(
    error.reason.description ?? ""
  )

const steppingDown = <A, R>(
  worked: Ref.Ref<OutputMode>,
  request: ModelRequest,
  ask: (request: ModelRequest) => Effect.Effect<A, AiError.AiError, R>
): Effect.Effect<A, AiError.AiError, R> => {
  const { format } = request
  if (format === undefined) return ask(request)
  const attempt = (mode: OutputMode): Effect.Effect<A, AiError.AiError, R> =>
    ask(inMode(request, { ...format, mode })).pipe(
      Effect.tap(() => Ref.set(worked, mode)),
      Effect.catchIf(
        (error) => mode !== "text" && refusesFormat(error),
        () => Effect.mapError(attempt(nextMode(mode)), ModelFailure.afterSending)
      )
    )
  return Effect.flatMap(Ref.get(worked), attempt)
}

const steppingDownStream = <R>(
  worked: Ref.Ref<OutputMode>,
  request: ModelRequest,
  ask: (request: ModelRequest) => Stream.Stream<Response.StreamPartEncoded, AiError.AiError, R>
): Stream.Stream<Response.StreamPartEncoded, AiError.AiError, R> => {
  const { format } = request
  if (format === undefined) return ask(request)
  const attempt = (mode: OutputMode): Stream.Stream<Response.StreamPartEncoded, AiError.AiError, R> =>
    Stream.suspend(() => {
      let begun = false
      return ask(inMode(request, { ...format, mode })).pipe(
        Stream.tap(() => {
          if (begun) return Effect.void
          begun = true
          return Ref.set(worked, mode)
        }),
        Stream.catch((error) =>
          !begun && mode !== "text" && refusesFormat(error)
            ? Stream.mapError(attempt(nextMode(mode)), ModelFailure.afterSending)
            : Stream.fail(error)
        )
      )
    })
  return Stream.unwrap(Effect.map(Ref.get(worked), attempt))
}

const nextMode = (mode: OutputMode): OutputMode => modes[modes.indexOf(mode) + 1] ?? "text"

/** Where the endpoint does not hold the schema, the prompt says it, after the caller's own system messages. */
const inMode = (request: ModelRequest, format: OutputFormat): ModelRequest => {
  if (format.mode === "schema") return { ...request, format }
  const { content } = request.prompt
  const first = content.findIndex((message) => message.role !== "system")
  const at = first < 0 ? content.length : first
  const told = Prompt.systemMessage({ content: schemaWords(format.schema) })
  const messages = content.some((message) => message.role === "system" && message.content.includes(told.content))
    ? content
    : [...content.slice(0, at), told, ...content.slice(at)]
  return { ...request, format, prompt: Prompt.fromMessages(messages) }
}

/** The sentence that asks for JSON of a schema; callers who put it into a prompt themselves are not repeated. */
export const schemaWords = (schema: JsonObject): string =>
  `Answer with one JSON value and nothing else: no prose, no code fence. It must conform to this JSON Schema:\n${
    JSON.stringify(schema)
  }`

/** The message that shows a model what is wrong with its JSON. */
export const repairWords = (problems: ReadonlyArray<string>): string =>
  `That answer is not accepted:\n${problems.map((problem) => `- ${problem}`).join("\n")}\n` +
  "Answer again with the whole corrected JSON value and nothing else."

const conforming = Effect.fnUntraced(function*<R>(
  prompt: Prompt.Prompt,
  format: OutputFormat,
  parts: ReadonlyArray<Response.PartEncoded>,
  ask: (prompt: Prompt.Prompt) => Effect.Effect<ReadonlyArray<Response.PartEncoded>, AiError.AiError, R>
) {
  if (hasToolCall(parts)) return [...parts]
  const check = JsonConformance.compile(format.schema)
  const first = bestJson(textOf(parts), check)
  if (first.problems.length === 0) return withText(parts, first.text)
  const again = yield* ask(Prompt.fromMessages([
    ...prompt.content,
    Prompt.assistantMessage({ content: [Prompt.textPart({ text: first.text || "(nothing)" })] }),
    Prompt.userMessage({ content: [Prompt.textPart({ text: repairWords(first.problems) })] })
  ])).pipe(Effect.mapError(ModelFailure.afterSending))
  return withText(again, bestJson(textOf(again), check).text, parts)
})

const bestJson = (text: string, check: JsonConformance.Check) => {
  let best: { readonly text: string; readonly problems: ReadonlyArray<string> } | undefined
  for (const { value } of JsonText.candidates(text)) {
    const problems = Result.getOrElse(check(value), (): ReadonlyArray<string> => [])
    if (problems.length === 0) return { text: JSON.stringify(value), problems }
    best ??= { text: JSON.stringify(value), problems }
  }
  return best ?? { text, problems: ["/: no JSON value was found in the answer"] }
}

export const textOf = (parts: ReadonlyArray<Response.PartEncoded>): string =>
  parts.map((part) => part.type === "text" ? part.text : "").join("")

const hasToolCall = (parts: ReadonlyArray<Response.PartEncoded>) => parts.some((part) => part.type === "tool-call")

/** The parts with `text` as their only text, and the usage of an earlier call added. */
const withText = (
  parts: ReadonlyArray<Response.PartEncoded>,
  text: string,
  earlier: ReadonlyArray<Response.PartEncoded> = []
): Array<Response.PartEncoded> => {
  const before = earlier.find((part) => part.type === "finish")
  const rest = parts.filter((part) => part.type !== "text").map((part): Response.PartEncoded => {
    if (part.type !== "finish" || before === undefined) return part
    const notes = ModelNotes.merge(ModelNotes.fromMetadata(before.metadata), ModelNotes.fromMetadata(part.metadata))
    return { ...part, usage: TokenUsage.add(before.usage, part.usage), metadata: ModelNotes.toMetadata(notes) }
  })
  return [{ type: "text", text }, ...rest]
}

/** Local servers report `stop`, or nothing, beside tool calls. */
const mendFinish = <P extends Response.PartEncoded | Response.StreamPartEncoded>(part: P, called: boolean): P =>
  part.type === "finish" && called && (part.reason === "stop" || part.reason === "unknown")
    ? { ...part, reason: "tool-calls" }
    : part

const annotateRequest = (provider: Provider, { maxOutputTokens, span, temperature }: ModelRequest) =>
  Telemetry.addGenAIAnnotations(span, {
    provider: { name: provider.name },
    operation: { name: "chat" },
    request: {
      model: provider.model,
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxOutputTokens === undefined ? {} : { maxTokens: maxOutputTokens })
    }
  })

const annotateAnswer = ({ span }: ModelRequest, part: Response.PartEncoded | Response.StreamPartEncoded) => {
  if (part.type !== "finish") return
  const { inputTokens, outputTokens } = part.usage
  Telemetry.addGenAIAnnotations(span, {
    response: { finishReasons: [part.reason] },
    usage: {
      ...(inputTokens.total === undefined ? {} : { inputTokens: inputTokens.total }),
      ...(outputTokens.total === undefined ? {} : { outputTokens: outputTokens.total })
    }
  })
}
