import { assert, describe, it } from "@effect/vitest"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as ModelNotes from "../src/model/ModelNotes.ts"
import { ModelSettings } from "../src/model/ModelSettings.ts"
import * as FakeModelServer from "./fixtures/FakeModelServer.ts"
import * as ProvidersUnderTest from "./fixtures/ProvidersUnderTest.ts"

const Weather = Tool.make("weather", {
  description: "The weather of a city",
  parameters: Schema.Struct({ city: Schema.String }),
  success: Schema.String
})
const Tools = Toolkit.make(Weather)
const handlers = Tools.toLayer({ weather: ({ city }) => Effect.succeed(`sunny in ${city}`) })

const Report = Schema.Struct({ title: Schema.String, score: Schema.Number })

const calls = [
  { id: "call_a", name: "weather", arguments: "{\"city\":\"Oslo\"}" },
  { id: "call_b", name: "weather", arguments: "{\"city\":\"Lima\"}" }
]

describe.each(ProvidersUnderTest.all)("$name", (provider) => {
  const opened = Effect.fnUntraced(function*(replies: ReadonlyArray<FakeModelServer.Reply>) {
    const server = yield* FakeModelServer.start(replies)
    return { server, model: yield* provider.open(server) }
  })

  it.live("answers text with every count the endpoint gives, cached tokens apart", () =>
    Effect.gen(function*() {
      const { model, server } = yield* opened([FakeModelServer.completion({ text: "Hello." })])
      const answer = yield* model.generateText({ prompt: "Hi" })
      assert.strictEqual(answer.text, "Hello.")
      assert.strictEqual(answer.finishReason, "stop")
      assert.deepStrictEqual({ ...answer.usage.inputTokens }, {
        total: 100,
        uncached: 60,
        cacheRead: 40,
        cacheWrite: undefined
      })
      assert.deepStrictEqual({ ...answer.usage.outputTokens }, { total: 20, text: 15, reasoning: 5 })
      assert.strictEqual(server.requests[0]?.path, "/v1/chat/completions")
      assert.strictEqual(server.requests[0]?.headers.authorization, `Bearer ${ProvidersUnderTest.secret}`)
    }).pipe(Effect.scoped))

  it.live("streams text piece by piece and counts at the end", () =>
    Effect.gen(function*() {
      const { model } = yield* opened([FakeModelServer.streamed({ pieces: ["One ", "two ", "three"] })])
      const parts = yield* Stream.runCollect(model.streamText({ prompt: "Count" }))
      const deltas = parts.flatMap((part) => part.type === "text-delta" ? [part.delta] : [])
      assert.deepStrictEqual(deltas, ["One ", "two ", "three"])
      const finish = parts.find((part) => part.type === "finish")
      assert.strictEqual(finish?.reason, "stop")
      assert.strictEqual(finish?.usage.inputTokens.cacheRead, 40)
    }).pipe(Effect.scoped))

  it.live("resolves parallel tool calls, whatever finish reason stands beside them", () =>
    Effect.gen(function*() {
      const { model, server } = yield* opened([FakeModelServer.completion({ calls, finishReason: "stop" })])
      const answer = yield* model.generateText({ prompt: "Weather?", toolkit: Tools })
      assert.deepStrictEqual(answer.toolResults.map(({ id, result }) => [id, result]), [
        ["call_a", "sunny in Oslo"],
        ["call_b", "sunny in Lima"]
      ])
      assert.strictEqual(answer.finishReason, "tool-calls")
      assert.strictEqual(FakeModelServer.at(server.requests[0]?.body, "tools.0.function.name"), "weather")
    }).pipe(Effect.provide(handlers), Effect.scoped))

  it.live("puts streamed tool calls together from their pieces", () =>
    Effect.gen(function*() {
      const { model } = yield* opened([FakeModelServer.streamed({ calls, finishReason: "stop" })])
      const parts = yield* Stream.runCollect(model.streamText({ prompt: "Weather?", toolkit: Tools }))
      const results = parts.flatMap((part) => part.type === "tool-result" ? [part.result] : [])
      assert.deepStrictEqual(results.toSorted(), ["sunny in Lima", "sunny in Oslo"])
      assert.strictEqual(parts.find((part) => part.type === "finish")?.reason, "tool-calls")
    }).pipe(Effect.provide(handlers), Effect.scoped))

  it.live("keeps what a model thinks out of its answer, whole and streamed", () =>
    Effect.gen(function*() {
      const pieces = ["<thi", "nk>secret ", "plan</th", "ink>\n\nThe ", "answer"]
      const { model } = yield* opened([FakeModelServer.either({ pieces })])
      const whole = yield* model.generateText({ prompt: "Go" })
      assert.strictEqual(whole.text, "The answer")
      assert.strictEqual(whole.reasoningText, "secret plan")
      const parts = yield* Stream.runCollect(model.streamText({ prompt: "Go" }))
      assert.strictEqual(parts.map((part) => part.type === "text-delta" ? part.delta : "").join(""), "The answer")
      assert.strictEqual(parts.map((part) => part.type === "reasoning-delta" ? part.delta : "").join(""), "secret plan")
    }).pipe(Effect.scoped))

  it.live("asks for an object by JSON Schema first", () =>
    Effect.gen(function*() {
      const { model, server } = yield* opened([FakeModelServer.completion({ text: "{\"title\":\"A\",\"score\":1}" })])
      const answer = yield* model.generateObject({ prompt: "Report", schema: Report, objectName: "report" })
      assert.deepStrictEqual(answer.value, { title: "A", score: 1 })
      const format = (path: string) => FakeModelServer.at(server.requests[0]?.body, `response_format.${path}`)
      assert.strictEqual(format("type"), "json_schema")
      assert.strictEqual(format("json_schema.strict"), true)
      assert.deepStrictEqual(format("json_schema.schema.required"), ["title", "score"])
    }).pipe(Effect.scoped))

  it.live("steps down to JSON of any shape, then to text, and remembers where it ended", () =>
    Effect.gen(function*() {
      const refusal = FakeModelServer.failing(400, "response_format is not supported by this model")
      const text = "Here you are:\n```json\n{\"title\":\"A\",\"score\":1}\n```"
      const { model, server } = yield* opened([refusal, refusal, FakeModelServer.completion({ text })])
      for (const _ of [1, 2]) {
        const answer = yield* model.generateObject({ prompt: "Report", schema: Report })
        assert.deepStrictEqual(answer.value, { title: "A", score: 1 })
      }
      const formats = server.requests.map(({ body }) => FakeModelServer.at(body, "response_format.type"))
      assert.deepStrictEqual(formats, ["json_schema", "json_object", undefined, undefined])
      assert.include(String(FakeModelServer.at(server.requests[2]?.body, "messages.0.content")), "JSON Schema")
    }).pipe(Effect.scoped))

  it.live("steps down for a stream as well, before anything of it is seen", () =>
    Effect.gen(function*() {
      const refusal = FakeModelServer.failing(422, "json_schema: extra fields not permitted")
      const { model, server } = yield* opened([refusal, FakeModelServer.streamed({ text: "{\"a\":1}" })])
      const schema = { type: "object", properties: { a: { type: "integer" } } }
      const parts = yield* Stream.runCollect(model.streamText({ prompt: "Go" })).pipe(
        Effect.provideService(ModelSettings, { output: { name: "a", schema }, temperature: 0, maxOutputTokens: 50 })
      )
      assert.strictEqual(parts.map((part) => part.type === "text-delta" ? part.delta : "").join(""), "{\"a\":1}")
      assert.strictEqual(FakeModelServer.at(server.requests[0]?.body, "response_format.json_schema.strict"), false)
      assert.strictEqual(FakeModelServer.at(server.requests[1]?.body, "response_format.type"), "json_object")
      assert.strictEqual(FakeModelServer.at(server.requests[0]?.body, "temperature"), 0)
      assert.include(Object.values(Object(server.requests[0]?.body)), 50)
    }).pipe(Effect.scoped))

  it.live("shows a model what is wrong with its object once, and counts both answers", () =>
    Effect.gen(function*() {
      const { model, server } = yield* opened([
        FakeModelServer.completion({ text: "{\"title\": 7, \"score\": " }),
        FakeModelServer.completion({ text: "{\"title\":\"A\",\"score\":1,}" })
      ])
      const answer = yield* model.generateObject({ prompt: "Report", schema: Report })
      assert.deepStrictEqual(answer.value, { title: "A", score: 1 })
      assert.strictEqual(answer.usage.inputTokens.total, 200)
      const finish = answer.content.find((part) => part.type === "finish")
      assert.strictEqual(ModelNotes.fromMetadata(finish?.metadata).calls, 2)
      assert.include(
        String(FakeModelServer.at(server.requests[1]?.body, "messages.-1.content")),
        "no JSON value was found"
      )
    }).pipe(Effect.scoped))

  it.live("gives up on an object after one repair", () =>
    Effect.gen(function*() {
      const { model, server } = yield* opened([FakeModelServer.completion({ text: "no" })])
      const error = yield* Effect.flip(model.generateObject({ prompt: "Report", schema: Report }))
      assert.strictEqual(error.reason._tag, "StructuredOutputError")
      assert.strictEqual(server.requests.length, 2)
    }).pipe(Effect.scoped))
})

it.live("the built-in provider reads what small servers get wrong", () =>
  Effect.gen(function*() {
    const server = yield* FakeModelServer.start([{
      json: {
        choices: [{
          message: {
            content: [{ type: "text", text: "Hi" }],
            reasoning: "hmm",
            tool_calls: [{ function: { name: "weather", arguments: { city: "Oslo" } } }]
          }
        }]
      }
    }])
    const model = yield* ProvidersUnderTest.compatible.open(server)
    const answer = yield* model.generateText({ prompt: "Weather?", toolkit: Tools })
    assert.strictEqual(answer.text, "Hi")
    assert.strictEqual(answer.reasoningText, "hmm")
    assert.deepStrictEqual(answer.toolResults.map((result) => result.result), ["sunny in Oslo"])
    assert.strictEqual(answer.usage.inputTokens.total, undefined)
  }).pipe(Effect.provide(handlers), Effect.scoped))

it.live("the built-in provider takes a whole answer where it asked for a stream", () =>
  Effect.gen(function*() {
    const server = yield* FakeModelServer.start([FakeModelServer.completion({ text: "<think>hm</think>Hello." })])
    const model = yield* ProvidersUnderTest.compatible.open(server)
    const parts = yield* Stream.runCollect(model.streamText({ prompt: "Hi" }))
    assert.strictEqual(parts.map((part) => part.type === "text-delta" ? part.delta : "").join(""), "Hello.")
    assert.strictEqual(parts.at(-1)?.type, "finish")
  }).pipe(Effect.scoped))

it.live("the built-in provider tells parallel calls apart that share a number, or have none", () =>
  Effect.gen(function*() {
    const call = (wire: object) => ({ choices: [{ delta: { tool_calls: [wire] } }] })
    const args = (city: string) => JSON.stringify({ city })
    const sameNumber = [
      call({ index: 0, id: "a", function: { name: "weather", arguments: args("Oslo") } }),
      call({ index: 0, id: "b", function: { name: "weather", arguments: args("Lima") } })
    ]
    const noNumber = [
      call({ id: "a", function: { name: "weather", arguments: args("Oslo").slice(0, 4) } }),
      call({ function: { arguments: args("Oslo").slice(4) } }),
      call({ id: "b", function: { name: "weather", arguments: args("Lima") } })
    ]
    const end = [{ choices: [{ delta: {}, finish_reason: "tool_calls" }] }, "[DONE]"]
    const server = yield* FakeModelServer.start([{ events: [...sameNumber, ...end] }, {
      events: [...noNumber, ...end]
    }])
    const model = yield* ProvidersUnderTest.compatible.open(server)
    for (const _ of [1, 2]) {
      const parts = yield* Stream.runCollect(model.streamText({ prompt: "Weather?", toolkit: Tools }))
      const results = parts.flatMap((part) => part.type === "tool-result" ? [part.result] : [])
      assert.deepStrictEqual(results.toSorted(), ["sunny in Lima", "sunny in Oslo"])
    }
  }).pipe(Effect.provide(handlers), Effect.scoped))

it.live("a language model is what effect/ai asks for", () =>
  Effect.gen(function*() {
    const server = yield* FakeModelServer.start([FakeModelServer.completion({ text: "Hello." })])
    const model = yield* ProvidersUnderTest.compatible.open(server)
    const answer = yield* LanguageModel.generateText({ prompt: "Hi" }).pipe(
      Effect.provideService(LanguageModel.LanguageModel, model)
    )
    assert.strictEqual(answer.text, "Hello.")
  }).pipe(Effect.scoped))
