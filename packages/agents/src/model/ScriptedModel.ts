/**
 * A language model that answers from a script: for tests, and for demonstrations that need no endpoint.
 *
 * It is deterministic, waits on the Effect clock, streams in words, counts a token per four characters, and honours a JSON
 * output format only as far as its script does. It keeps the requests it was asked.
 */
import type { Json } from "@baton/kernel/Value"
import * as AiError from "effect/ai/AiError"

import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as ProviderModel from "./ProviderModel.ts"

export interface ScriptedAnswer {
  readonly text?: string
  readonly toolCalls?: ReadonlyArray<{ readonly name: string; readonly params: Json; readonly id?: string }>
  /** Before the first word. */
  readonly delay?: Duration.Input
  /** Between the words of a stream. */
  readonly wordDelay?: Duration.Input
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number; readonly cachedTokens?: number }
  readonly finishReason?: typeof Response.FinishReason.Type
  /** Instead of an answer, after the delay. */
  readonly failure?: AiError.AiErrorReason
}

export interface ScriptedRequest {
  /** 0 for the first. */
  readonly index: number
  readonly prompt: Prompt.Prompt
  readonly request: ProviderModel.ModelRequest
  /** The text of the last user message. */
  readonly question: string
}

/** A list is answered from front to end, and then fails; a function answers any number of requests. */
export type Script = ReadonlyArray<string | ScriptedAnswer> | ((request: ScriptedRequest) => string | ScriptedAnswer)

export interface ScriptedModel {
  readonly model: LanguageModel.LanguageModel
  /** What was asked so far; the newest {@link requestsMax}. */
  readonly requests: ReadonlyArray<ScriptedRequest>
}

/** Requests that are kept. */
const requestsMax = 1000

/** `name` stands in usage and prices as `scripted/<name>`. */
export const make = Effect.fnUntraced(function*(script: Script, name = "script") {
  const requests: Array<ScriptedRequest> = []
  let asked = 0
  const next = (request: ProviderModel.ModelRequest): Effect.Effect<ScriptedAnswer, AiError.AiError> =>
    Effect.suspend(() => {
      const { prompt } = request
      const scripted: ScriptedRequest = { index: asked++, prompt, request, question: questionOf(prompt) }
      requests.push(scripted)
      if (requests.length > requestsMax) requests.shift()
      const answer = typeof script === "function" ? script(scripted) : script[scripted.index]
      if (answer === undefined) return fail(new AiError.UnknownError({ description: "The script has ended." }))
      const full = typeof answer === "string" ? { text: answer } : answer
      const { failure } = full
      const wait = full.delay === undefined ? Effect.void : Effect.sleep(full.delay)
      return Effect.andThen(wait, failure === undefined ? Effect.succeed(full) : fail(failure))
    })
  const model = yield* ProviderModel.make({
    name: "scripted",
    model: name,
    codecTransformer: LanguageModel.defaultCodecTransformer,
    generate: (request) => Effect.map(next(request), (answer) => wholeParts(answer, request.prompt)),
    stream: (request) => Stream.unwrap(Effect.map(next(request), (answer) => streamParts(answer, request.prompt)))
  })
  const scripted: ScriptedModel = { model, requests }
  return scripted
})

export const layer = (script: Script): Layer.Layer<LanguageModel.LanguageModel> =>
  Layer.effect(LanguageModel.LanguageModel, Effect.map(make(script), ({ model }) => model))

const fail = (reason: AiError.AiErrorReason) =>
  Effect.fail(AiError.make({ module: "scripted", method: "generateText", reason }))

const wholeParts = (answer: ScriptedAnswer, prompt: Prompt.Prompt): ReadonlyArray<Response.PartEncoded> => [
  ...(answer.text === undefined ? [] : [{ type: "text" as const, text: answer.text }]),
  ...callParts(answer),
  finishPart(answer, prompt)
]

const streamParts = (
  answer: ScriptedAnswer,
  prompt: Prompt.Prompt
): Stream.Stream<Response.StreamPartEncoded> => {
  const words = (answer.text ?? "").match(/\S+\s*|\s+/g) ?? []
  const { wordDelay } = answer
  const deltas = Stream.fromIterable(words).pipe(
    Stream.rechunk(1),
    Stream.tap((_) => wordDelay === undefined ? Effect.void : Effect.sleep(wordDelay)),
    Stream.map((delta): Response.StreamPartEncoded => ({ type: "text-delta", id: "text", delta }))
  )
  const start: ReadonlyArray<Response.StreamPartEncoded> = words.length === 0
    ? []
    : [{ type: "text-start", id: "text" }]
  const end: ReadonlyArray<Response.StreamPartEncoded> = words.length === 0 ? [] : [{ type: "text-end", id: "text" }]
  return Stream.fromIterable(start).pipe(
    Stream.concat(deltas),
    Stream.concat(Stream.fromIterable([...end, ...callParts(answer), finishPart(answer, prompt)]))
  )
}

const callParts = (answer: ScriptedAnswer): ReadonlyArray<Response.ToolCallPartEncoded> =>
  (answer.toolCalls ?? []).map(({ id, name, params }, index) => ({
    type: "tool-call",
    id: id ?? `call-${index}`,
    name,
    params
  }))

const finishPart = (answer: ScriptedAnswer, prompt: Prompt.Prompt): Response.FinishPartEncoded => {
  const input = answer.usage?.inputTokens ?? tokensOf(JSON.stringify(prompt.content))
  const output = answer.usage?.outputTokens ?? tokensOf(answer.text ?? "")
  const cached = answer.usage?.cachedTokens
  return {
    type: "finish",
    reason: answer.finishReason ?? "stop",
    usage: {
      inputTokens: { total: input, uncached: input - (cached ?? 0), cacheRead: cached, cacheWrite: undefined },
      outputTokens: { total: output, text: output, reasoning: undefined }
    }
  }
}

const tokensOf = (text: string): number => Math.ceil(text.length / 4)

const questionOf = (prompt: Prompt.Prompt): string => {
  const last = prompt.content.findLast((message) => message.role === "user")
  return last === undefined ? "" : last.content.map((part) => part.type === "text" ? part.text : "").join("")
}
