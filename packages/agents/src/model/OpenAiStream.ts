/** Server-sent events of a streamed chat completion, as parts of an answer. */
import type { DialError } from "@baton/engine/HttpDialer"
import * as AiError from "effect/ai/AiError"
import type { IdGenerator } from "effect/ai/IdGenerator"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Warning } from "./ModelNotes.ts"
import * as OpenAiAnswer from "./OpenAiAnswer.ts"

/** Tool calls of one answer; a server that counts further is broken. */
const callsMax = 256

const Chunk = Schema.fromJsonString(Schema.Struct({
  id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  model: Schema.optionalKey(Schema.NullOr(Schema.String)),
  choices: Schema.optionalKey(Schema.Array(Schema.Struct({
    delta: Schema.optionalKey(Schema.NullOr(OpenAiAnswer.WireMessage)),
    finish_reason: Schema.optionalKey(Schema.NullOr(Schema.String))
  }))),
  usage: Schema.optionalKey(Schema.NullOr(OpenAiAnswer.WireUsage)),
  error: Schema.optionalKey(Schema.NullOr(Schema.Json))
}))
type Chunk = typeof Chunk.Type

export interface StreamOptions {
  readonly eventBytesMax: number
  readonly warningsOf: (usage: OpenAiAnswer.WireUsage | undefined) => ReadonlyArray<Warning>
}

type Parts = ReadonlyArray<Response.StreamPartEncoded>

/** Fails when the stream ends before the model did: what was said so far is no answer. */
export const parts = <E>(
  body: Stream.Stream<Uint8Array, DialError>,
  options: StreamOptions,
  onDialError: (error: DialError) => E
): Stream.Stream<Response.StreamPartEncoded, E | AiError.AiErrorReason, IdGenerator> =>
  Stream.suspend(() => {
    const answer = makeAnswer(options)
    return events(Stream.mapError(body, onDialError), options.eventBytesMax).pipe(
      Stream.takeUntil((data) => data === "[DONE]"),
      Stream.mapEffect((data): Effect.Effect<Parts, AiError.AiErrorReason> =>
        data === "[DONE]" ? Effect.succeed([]) : answer.read(data)
      ),
      Stream.concat(Stream.fromEffect(Effect.suspend(answer.end))),
      Stream.flattenIterable
    )
  })

/** The parts of a whole answer as a stream has them. */
export const fromWhole = (parts: ReadonlyArray<Response.PartEncoded>): Parts =>
  parts.flatMap((part): Parts => {
    if (part.type !== "text" && part.type !== "reasoning") return [part as Response.StreamPartEncoded]
    const { text, type } = part
    return [{ type: `${type}-start`, id: type }, { type: `${type}-delta`, id: type, delta: text }, {
      type: `${type}-end`,
      id: type
    }]
  })

/** The `data` of each event. */
const events = <E>(body: Stream.Stream<Uint8Array, E>, eventBytesMax: number) =>
  Stream.suspend(() => {
    let data: Array<string> = []
    const parser = Sse.makeParser((event) => {
      if (event._tag === "Event") data.push(event.data)
    }, { maxEventSize: eventBytesMax })
    return Stream.decodeText(body).pipe(
      Stream.mapEffect((text): Effect.Effect<ReadonlyArray<string>, AiError.AiErrorReason> => {
        data = []
        const error = parser.feed(text)
        return error === undefined ? Effect.succeed(data) : OpenAiAnswer.invalid(error.message)
      }),
      Stream.flattenIterable
    )
  })

interface Call {
  readonly index: number
  /** Names the call's parameter parts, also where the server gives no id. */
  key: string
  id: string
  name: string
  input: string
}

/** Folds chunks; text and reasoning pass at once, tool calls are complete at the end. */
const makeAnswer = ({ warningsOf }: StreamOptions) => {
  const calls = makeCalls()
  let begun = false
  let open: "text" | "reasoning" | undefined
  let finishReason: string | undefined
  let usage: OpenAiAnswer.WireUsage | undefined

  const close = (): Parts => {
    const closed = open
    open = undefined
    return closed === undefined ? [] : [{ type: `${closed}-end`, id: closed }]
  }
  const delta = (kind: "text" | "reasoning", text: string): Parts => {
    if (text === "") return []
    const start: Parts = open === kind ? [] : [...close(), { type: `${kind}-start`, id: kind }]
    open = kind
    return [...start, { type: `${kind}-delta`, id: kind, delta: text }]
  }
  const chunkParts = (chunk: Chunk): Parts => {
    const first: Parts = begun ? [] : [OpenAiAnswer.metadata(chunk)]
    begun = true
    if (chunk.usage) usage = chunk.usage
    const choice = chunk.choices?.[0]
    if (choice?.finish_reason) finishReason = choice.finish_reason
    const message = choice?.delta
    if (!message) return first
    return [
      ...first,
      ...delta("reasoning", OpenAiAnswer.reasoningText(message)),
      ...delta("text", OpenAiAnswer.contentText(message.content)),
      ...(message.tool_calls?.length ? close() : []),
      ...(message.tool_calls ?? []).flatMap(calls.feed)
    ]
  }
  return {
    read: (data: string): Effect.Effect<Parts, AiError.AiErrorReason> =>
      Schema.decodeEffect(Chunk)(data).pipe(
        Effect.catch(() => OpenAiAnswer.invalid("an event of the stream is not the JSON of a chunk")),
        Effect.flatMap((chunk) => chunk.error ? OpenAiAnswer.failure(chunk.error) : Effect.succeed(chunkParts(chunk)))
      ),
    end: (): Effect.Effect<Parts, AiError.AiErrorReason, IdGenerator> =>
      finishReason === undefined
        ? OpenAiAnswer.invalid("the stream ended before the answer did")
        : Effect.map(Effect.suspend(calls.end), (ended) => [
          ...close(),
          ...ended,
          OpenAiAnswer.finish(finishReason, usage, warningsOf(usage))
        ])
  }
}

/** Tool calls in the making. Their parameters pass as they come; the calls themselves are known at the end. */
const makeCalls = () => {
  const calls: Array<Call> = []
  /** Servers number their calls, or give each a new id, or do neither and send one after another. */
  const callOf = (wire: OpenAiAnswer.WireCall): Call | undefined => {
    const { id, index } = wire
    const sameIndex = typeof index === "number" ? calls.findLast((call) => call.index === index) : calls.at(-1)
    return id && sameIndex?.id && sameIndex.id !== id ? calls.find((call) => call.id === id) : sameIndex
  }
  const feed = (wire: OpenAiAnswer.WireCall): Parts => {
    const known = callOf(wire)
    if (known === undefined && calls.length >= callsMax) return []
    const call = known ??
      { index: wire.index ?? calls.length, key: `params-${calls.length}`, id: "", name: "", input: "" }
    if (known === undefined) calls.push(call)
    call.id ||= wire.id ?? ""
    call.name ||= wire.function?.name ?? ""
    const input = wire.function?.arguments ?? ""
    const text = typeof input === "string" ? input : JSON.stringify(input)
    call.input += text
    if (known === undefined) call.key = call.id || call.key
    return [
      ...(known === undefined ? [{ type: "tool-params-start" as const, id: call.key, name: call.name }] : []),
      ...(text === "" ? [] : [{ type: "tool-params-delta" as const, id: call.key, delta: text }])
    ]
  }
  const end = () =>
    Effect.map(
      Effect.forEach(calls, (call) =>
        Effect.map(OpenAiAnswer.toolCall(call.id, call.name, call.input), (made): Parts => [
          { type: "tool-params-end", id: call.key },
          made
        ])),
      (ended) => ended.flat()
    )
  return { feed, end }
}
