import type { DialRequest } from "@baton/engine/HttpDialer"
import { HttpDialer } from "@baton/engine/HttpDialer"
import { assert, describe, it } from "@effect/vitest"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as LocalEndpoints from "../src/model/LocalEndpoints.ts"
import * as ModelReference from "../src/model/ModelReference.ts"
import { type AddedProvider, layerModel, ModelRegistry } from "../src/model/ModelRegistry.ts"
import * as ScriptedModel from "../src/model/ScriptedModel.ts"
import * as FakeModelServer from "./fixtures/FakeModelServer.ts"
import * as LoopbackDialer from "./fixtures/LoopbackDialer.ts"

const open = (
  env: { readonly [name: string]: string },
  dialer: HttpDialer["Service"] = LoopbackDialer.make().dialer,
  added: ReadonlyArray<AddedProvider> = []
) => {
  const layer = ModelRegistry.layer(added).pipe(
    Layer.provide(Layer.succeed(HttpDialer, dialer)),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))),
    Layer.orDie
  )
  return (reference?: string) =>
    Effect.flatMap(ModelRegistry, (registry) => registry.open(reference)).pipe(Effect.provide(layer))
}

const hi = Effect.flatMap((model: { readonly service: LanguageModel.LanguageModel }) =>
  model.service.generateText({ prompt: "Hi" })
)

const authorization = (request: DialRequest | undefined) => {
  const value = request?.headers?.["authorization"]
  return Redacted.isRedacted(value) ? Redacted.value(value) : value
}

describe("a model reference", () => {
  const providers = ["openai", "ollama", "openrouter"]
  const parse = (text: string) => Result.mapError(ModelReference.parse(text, providers), (error) => error.message)

  it("names a provider and a model, which may hold slashes", () => {
    assert.deepStrictEqual(
      parse(" openrouter/meta-llama/llama-3.3 "),
      Result.succeed({
        _tag: "Provider",
        provider: "openrouter",
        model: "meta-llama/llama-3.3"
      })
    )
  })

  it("names an endpoint by URL", () => {
    const reference = Result.getOrThrow(parse("http://127.0.0.1:8000/v1#Qwen%2FQwen3"))
    assert.ok(reference._tag === "Endpoint")
    assert.strictEqual(reference.url.href, "http://127.0.0.1:8000/v1")
    assert.strictEqual(reference.model, "Qwen/Qwen3")
  })

  it.each([
    ["gpt-5", "provider/model"],
    ["openai/", "provider/model"],
    ["olama/llama3", "Did you mean \"ollama\"?"],
    ["http://127.0.0.1:8000/v1", "after #"],
    ["http://user:pw@127.0.0.1/v1#m", "credential"],
    ["http://127.0.0.1/v1?key=1#m", "credential"],
    ["x".repeat(513), "longer than"]
  ])("refuses %s with what would be right", (text, hint) => {
    const refused = parse(text)
    assert.ok(Result.isFailure(refused))
    assert.include(refused.failure, hint)
  })
})

describe("the registry of models", () => {
  it.live("opens the configured default, and says how to configure one", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([FakeModelServer.either({ text: "Hello." })])
      const env = { BATON_MODEL: `${server.origin}/v1#m`, BATON_MODEL_API_KEY: "k1" }
      const answer = yield* hi(open(env)())
      assert.strictEqual(answer.text, "Hello.")
      assert.strictEqual(server.requests[0]?.headers.authorization, "Bearer k1")
      const error = yield* Effect.flip(open({})())
      assert.strictEqual(error.reason, "configuration")
      assert.include(error.message, "BATON_MODEL")
    }).pipe(Effect.scoped))

  it.live("gives an endpoint that a flow names neither a key nor a way to private addresses", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([FakeModelServer.either({ text: "Hello." })])
      const keys = { OPENAI_API_KEY: "k2", BATON_MODEL: "http://127.0.0.1:9/v1#m", BATON_MODEL_API_KEY: "k1" }
      const { calls, dialer } = LoopbackDialer.make()
      yield* Effect.flip(hi(open(keys, dialer)(`${server.origin}/v1#m`)))
      assert.strictEqual(server.requests.length, 0)
      assert.deepStrictEqual(calls[0]?.allow, [])
      assert.strictEqual(authorization(calls[0]), undefined)
      const allowed = { ...keys, BATON_MODEL_HOSTS: ` ${server.host} , other:1` }
      assert.strictEqual((yield* hi(open(allowed)(`${server.origin}/v1#m`))).text, "Hello.")
      assert.strictEqual(server.requests[0]?.headers.authorization, undefined)
    }).pipe(Effect.scoped))

  it.live("speaks Chat Completions to a base URL that is not OpenAI's own", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([FakeModelServer.either({ text: "Hello." })])
      const env = { OPENAI_BASE_URL: `${server.origin}/v1/`, OPENAI_API_KEY: "k2" }
      assert.strictEqual((yield* hi(open(env)("openai/gpt-x"))).text, "Hello.")
      assert.strictEqual(server.requests[0]?.path, "/v1/chat/completions")
      assert.strictEqual(server.requests[0]?.headers.authorization, "Bearer k2")
    }).pipe(Effect.scoped))

  it.live("warns when Ollama has cut the prompt without saying so", () =>
    Effect.gen(function*() {
      const usage = { prompt_tokens: 4096, completion_tokens: 1 }
      const server = yield* FakeModelServer.start([FakeModelServer.completion({ text: "Hello.", usage })])
      const env = { OLLAMA_HOST: `0.0.0.0:${new URL(server.origin).port}` }
      const answer = yield* hi(open(env)("ollama/llama3"))
      const finish = answer.content.find((part) => part.type === "finish")
      assert.include(JSON.stringify(finish?.metadata), "context_truncated")
      const wide = yield* hi(open({ ...env, OLLAMA_CONTEXT_LENGTH: "8192" })("ollama/llama3"))
      assert.notInclude(JSON.stringify(wide.content), "context_truncated")
    }).pipe(Effect.scoped))

  it.effect.each([
    { reference: "openai/gpt-5", variable: "OPENAI_API_KEY" },
    { reference: "anthropic/claude-x", variable: "ANTHROPIC_API_KEY" },
    { reference: "google/gemini-x", variable: "GEMINI_API_KEY" },
    { reference: "openrouter/a/b", variable: "OPENROUTER_API_KEY" }
  ])("says which key $reference needs, and an empty one is none", ({ reference, variable }) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(open({ [variable]: " " })(reference))
      assert.deepStrictEqual([error.reason, error.sent], ["configuration", false])
      assert.include(error.message, variable)
    }))

  it.effect("takes providers that the program adds, and serves a model as a layer", () =>
    Effect.gen(function*() {
      const provider: AddedProvider = {
        name: "scripted",
        open: (name) => Effect.map(ScriptedModel.make([`I am ${name}`]), ({ model }) => model)
      }
      const registry = ModelRegistry.layer([provider]).pipe(Layer.provide(LoopbackDialer.layer))
      const answer = yield* LanguageModel.generateText({ prompt: "Hi" }).pipe(
        Effect.provide(Layer.provide(layerModel("scripted/demo"), registry))
      )
      assert.strictEqual(answer.text, "I am demo")
    }))
})

describe("vendors over the dialer", () => {
  it.live("Anthropic gets the cache mark of the prompt, and its cached tokens come back", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([{
        json: {
          type: "message",
          id: "m",
          role: "assistant",
          model: "claude-x",
          content: [{ type: "text", text: "Hello." }],
          stop_reason: "end_turn",
          stop_sequence: null,
          usage: {
            input_tokens: 10,
            output_tokens: 5,
            cache_read_input_tokens: 900,
            cache_creation_input_tokens: 50
          }
        }
      }])
      const env = { ANTHROPIC_BASE_URL: `${server.origin}/v1`, ANTHROPIC_API_KEY: "k3" }
      const model = yield* open(env)("anthropic/claude-x")
      const answer = yield* model.service.generateText({
        prompt: [
          { role: "system", content: "Be brief.", options: { anthropic: { cacheControl: { type: "ephemeral" } } } },
          { role: "user", content: "Hi" }
        ]
      })
      assert.strictEqual(answer.text, "Hello.")
      assert.strictEqual(answer.usage.inputTokens.cacheRead, 900)
      assert.strictEqual(answer.usage.inputTokens.cacheWrite, 50)
      assert.strictEqual(server.requests[0]?.headers["x-api-key"], "k3")
      assert.deepStrictEqual(FakeModelServer.at(server.requests[0]?.body, "system.0.cache_control"), {
        type: "ephemeral"
      })
    }).pipe(Effect.scoped))

  it.live("Google gets its key as a header, never in the URL", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([{
        json: {
          candidates: [{ content: { role: "model", parts: [{ text: "Hello." }] }, finishReason: "STOP", index: 0 }],
          usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 2, totalTokenCount: 9 }
        }
      }])
      const env = { GEMINI_BASE_URL: `${server.origin}/v1beta`, GEMINI_API_KEY: "k4" }
      const answer = yield* hi(open(env)("google/gemini-x"))
      assert.strictEqual(answer.text, "Hello.")
      assert.strictEqual(answer.usage.inputTokens.total, 7)
      assert.strictEqual(server.requests[0]?.headers["x-goog-api-key"], "k4")
      assert.notInclude(server.requests[0]?.path, "k4")
    }).pipe(Effect.scoped))

  it.live("OpenAI's own endpoint is asked by the Responses API, and stores nothing", () =>
    Effect.gen(function*() {
      const { calls, dialer } = LoopbackDialer.make()
      yield* Effect.flip(hi(open({ OPENAI_API_KEY: "k2" }, dialer)("openai/gpt-5")))
      assert.strictEqual(calls[0]?.url, "https://api.openai.com/v1/responses")
      assert.strictEqual(calls[0]?.allow, undefined)
      assert.strictEqual(JSON.parse(new TextDecoder().decode(calls[0]?.body as Uint8Array)).store, false)
      assert.ok(Redacted.isRedacted(calls[0]?.headers?.["authorization"]))
    }))
})

describe("local endpoints", () => {
  it.live("finds what answers, lists its models as references, and asks nothing else", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([{ json: { object: "list", data: [{ id: "llama3:8b" }] } }])
      const deaf = yield* FakeModelServer.start([{ hangs: true }])
      const { calls, dialer } = LoopbackDialer.make()
      const found = yield* LocalEndpoints.detect([
        { name: "ollama", host: server.host },
        { name: "vllm", host: deaf.host },
        { name: "openai-compatible", host: server.host }
      ]).pipe(Effect.provideService(HttpDialer, dialer))
      assert.deepStrictEqual(found.map(({ name, references }) => [name, references]), [
        ["ollama", ["ollama/llama3:8b"]],
        ["openai-compatible", [`${server.origin}/v1#llama3:8b`]]
      ])
      for (const call of calls) assert.deepStrictEqual(call.allow, [new URL(call.url).host])
      assert.deepStrictEqual(LocalEndpoints.places.map(({ host }) => host), [
        "127.0.0.1:11434",
        "127.0.0.1:1234",
        "127.0.0.1:8000",
        "127.0.0.1:8080"
      ])
    }).pipe(Effect.scoped))
})
