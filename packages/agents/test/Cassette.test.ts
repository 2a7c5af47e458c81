import { HttpDialer } from "@baton/engine/HttpDialer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as OpenAiCompatible from "../src/model/OpenAiCompatible.ts"
import * as Cassette from "../src/wire/Cassette.ts"
import * as HttpRetry from "../src/wire/HttpRetry.ts"
import * as FakeModelServer from "./fixtures/FakeModelServer.ts"
import * as LoopbackDialer from "./fixtures/LoopbackDialer.ts"
import * as ProvidersUnderTest from "./fixtures/ProvidersUnderTest.ts"
import * as RecordingClock from "./fixtures/RecordingClock.ts"

/** Files in memory. */
const disk = () => {
  const files = new Map<string, string>()
  const layer = FileSystem.layerNoop({
    exists: (path) => Effect.succeed(files.has(path)),
    makeDirectory: () => Effect.void,
    readFileString: (path) => Effect.sync(() => files.get(path) ?? ""),
    writeFileString: (path, text) => Effect.sync(() => void files.set(path, text))
  })
  return { files, layer: Layer.merge(layer, Path.layer) }
}

const file = "tapes/model.json"

const scene = Effect.fnUntraced(function*(replies: ReadonlyArray<FakeModelServer.Reply>) {
  const server = yield* FakeModelServer.start(replies)
  const { files, layer } = disk()
  const tape = (mode: Cassette.CassetteOptions["mode"], options: Partial<Cassette.CassetteOptions> = {}) =>
    Layer.provide(Cassette.layer({ ...options, file, mode }), Layer.merge(LoopbackDialer.layer, layer))
  const model = Effect.flatMap(HttpDialer, (dialer) =>
    OpenAiCompatible.make({
      name: "fake",
      model: "m",
      baseUrl: `${server.origin}/v1`,
      allow: [server.host],
      key: Redacted.make(ProvidersUnderTest.secret)
    }, HttpRetry.make(dialer)))
  return { server, files, tape, model }
})

const textOf = Effect.flatMap((model: Effect.Success<ReturnType<typeof OpenAiCompatible.make>>) =>
  Effect.all([
    Effect.map(model.generateText({ prompt: "whole" }), (answer) => answer.text),
    Effect.map(
      Stream.runCollect(model.streamText({ prompt: "stream" })),
      (parts) => parts.map((part) => part.type === "text-delta" ? part.delta : "").join("")
    )
  ])
)

describe("a cassette", () => {
  it.live("plays back what it recorded, whole and streamed, without the server", () =>
    Effect.gen(function*() {
      const { files, model, server, tape } = yield* scene([FakeModelServer.either({ pieces: ["Grü", "ße"] })])
      const recorded = yield* textOf(model).pipe(Effect.provide(tape("auto")))
      assert.deepStrictEqual(recorded, ["Grüße", "Grüße"])
      const asked = server.requests.length
      const played = yield* textOf(model).pipe(Effect.provide(tape("auto")))
      assert.deepStrictEqual(played, recorded)
      assert.strictEqual(server.requests.length, asked)
      assert.deepStrictEqual([...files.keys()], [file])
    }).pipe(Effect.scoped))

  it.live("holds no key, no request header and no cookie", () =>
    Effect.gen(function*() {
      const reply = { ...FakeModelServer.completion({ text: "The code is 1234." }), headers: { "set-cookie": "a=b" } }
      const { files, model, tape } = yield* scene([reply])
      const scrub = (text: string) => text.replaceAll("1234", "0000")
      yield* Effect.provide(Effect.flatMap(model, (_) => _.generateText({ prompt: "Hi" })), tape("record", { scrub }))
      const text = files.get(file) ?? ""
      for (const word of [ProvidersUnderTest.secret, "authorization", "cookie", "1234"]) assert.notInclude(text, word)
      assert.include(text, "The code is 0000.")
    }).pipe(Effect.scoped))

  it.live("plays a failure and the success after it in order", () =>
    Effect.gen(function*() {
      const { model, tape } = yield* scene([
        FakeModelServer.failing(429, "slow down", { "retry-after": "3" }),
        FakeModelServer.completion({ text: "Hello." })
      ])
      const ask = Effect.flatMap(model, (_) => _.generateText({ prompt: "Hi" }))
      for (const mode of ["record", "replay"] as const) {
        const clock = RecordingClock.make()
        assert.strictEqual((yield* ask.pipe(Effect.provide(tape(mode)), clock.provide)).text, "Hello.")
        assert.deepStrictEqual(clock.sleeps, [3000])
      }
    }).pipe(Effect.scoped))

  it.live("knows a call whatever the order of its members", () =>
    Effect.gen(function*() {
      const { server, tape } = yield* scene([{ json: { ok: true } }])
      const ask = (body: string) =>
        Effect.flatMap(HttpDialer, (dialer) =>
          dialer.request({ method: "post", url: `${server.origin}/x?api_key=abc`, body, allow: [server.host] }))
      yield* ask("{\"a\":1,\"b\":2}").pipe(Effect.provide(tape("record")))
      const played = yield* ask("{ \"b\": 2, \"a\": 1 }").pipe(Effect.provide(tape("replay")))
      assert.strictEqual(new TextDecoder().decode(played.bytes), "{\"ok\":true}")
      assert.strictEqual(server.requests.length, 1)
    }).pipe(Effect.scoped))

  it.live("dies on a call that is not on the tape: repeating it would not help", () =>
    Effect.gen(function*() {
      const { model, tape } = yield* scene([FakeModelServer.completion({ text: "Hello." })])
      const ask = (prompt: string) => Effect.flatMap(model, (_) => _.generateText({ prompt }))
      yield* Effect.provide(ask("Hi"), tape("record"))
      const exit = yield* Effect.exit(Effect.provide(ask("Something else"), tape("replay")))
      assert.ok(exit._tag === "Failure" && exit.cause.reasons.every((reason) => reason._tag === "Die"))
    }).pipe(Effect.scoped))
})
