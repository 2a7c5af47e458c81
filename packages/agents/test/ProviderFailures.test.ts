import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ModelFailure from "../src/model/ModelFailure.ts"
import { ModelLimits } from "../src/model/ModelSettings.ts"
import * as FakeModelServer from "./fixtures/FakeModelServer.ts"
import * as ProvidersUnderTest from "./fixtures/ProvidersUnderTest.ts"
import * as RecordingClock from "./fixtures/RecordingClock.ts"

const ok = FakeModelServer.either({ text: "Hello." })

const impatient = Effect.provideService(ModelLimits, {
  callTimeout: Duration.millis(60),
  answerBytesMax: 1024 * 1024,
  eventBytesMax: 1024 * 1024
})

describe.each(ProvidersUnderTest.all)("$name", (provider) => {
  const run = Effect.fnUntraced(function*(replies: ReadonlyArray<FakeModelServer.Reply>) {
    const server = yield* FakeModelServer.start(replies)
    const model = yield* provider.open(server)
    const clock = RecordingClock.make()
    const outcome = yield* model.generateText({ prompt: "Hi" }).pipe(
      Effect.map((answer) => answer.text),
      Effect.mapError(ModelFailure.toAgentError),
      Effect.result,
      clock.provide
    )
    return { server, outcome, sleeps: clock.sleeps }
  })

  it.live("waits as long as a 429 asks, in seconds, and then succeeds", () =>
    Effect.gen(function*() {
      const { outcome, server, sleeps } = yield* run([
        FakeModelServer.failing(429, "slow down", { "retry-after": "7" }),
        ok
      ])
      assert.strictEqual(outcome._tag, "Success")
      assert.deepStrictEqual(sleeps, [7000])
      assert.strictEqual(server.requests.length, 2)
    }).pipe(Effect.scoped))

  it.live("waits until the date that a 503 names", () =>
    Effect.gen(function*() {
      const date = new Date(Date.UTC(2030, 0, 1, 0, 0, 12)).toUTCString()
      const { outcome, sleeps } = yield* run([FakeModelServer.failing(503, "busy", { "retry-after": date }), ok])
      assert.strictEqual(outcome._tag, "Success")
      assert.deepStrictEqual(sleeps, [12_000])
    }).pipe(Effect.scoped))

  it.live("hands a wait beyond the limit back at once, for the step to keep", () =>
    Effect.gen(function*() {
      const { outcome, server, sleeps } = yield* run([FakeModelServer.failing(429, "later", { "retry-after": "600" })])
      assert.strictEqual(server.requests.length, 1)
      assert.deepStrictEqual(sleeps, [])
      assert.ok(outcome._tag === "Failure")
      const { reason, retryAfterMs, retryable, status } = outcome.failure
      assert.deepStrictEqual({ reason, retryAfterMs, retryable, status }, {
        reason: "api",
        retryAfterMs: 600_000,
        retryable: true,
        status: 429
      })
    }).pipe(Effect.scoped))

  it.live("repeats a 500 with growing waits, a bounded number of times", () =>
    Effect.gen(function*() {
      const { outcome, server, sleeps } = yield* run([FakeModelServer.failing(500, "it broke")])
      assert.strictEqual(server.requests.length, 3)
      assert.strictEqual(sleeps.length, 2)
      assert.ok(sleeps[0]! >= 375 && sleeps[0]! <= 625)
      assert.ok(sleeps[1]! >= 750 && sleeps[1]! <= 1250)
      assert.ok(outcome._tag === "Failure")
      assert.deepStrictEqual([outcome.failure.reason, outcome.failure.status, outcome.failure.retryable], [
        "api",
        500,
        true
      ])
      assert.include(outcome.failure.message, "it broke")
    }).pipe(Effect.scoped))

  it.live("does not repeat a 401, and does not repeat the key it was told", () =>
    Effect.gen(function*() {
      const { outcome, server, sleeps } = yield* run([
        FakeModelServer.failing(401, `Incorrect API key provided: ${ProvidersUnderTest.secret}`)
      ])
      assert.strictEqual(server.requests.length, 1)
      assert.deepStrictEqual(sleeps, [])
      assert.ok(outcome._tag === "Failure")
      assert.deepStrictEqual([outcome.failure.status, outcome.failure.retryable], [401, false])
      assert.notInclude(JSON.stringify(outcome.failure) + outcome.failure.message, ProvidersUnderTest.secret)
      assert.include(outcome.failure.message, "<redacted>")
    }).pipe(Effect.scoped))

  it.live("does not repeat a 429 that says the account is empty", () =>
    Effect.gen(function*() {
      const { outcome, server } = yield* run([{ status: 429, json: { error: { code: "insufficient_quota" } } }])
      assert.strictEqual(server.requests.length, 1)
      assert.ok(outcome._tag === "Failure" && !outcome.failure.retryable)
    }).pipe(Effect.scoped))

  it.live("calls an answer that is no chat completion a failure of the endpoint", () =>
    Effect.gen(function*() {
      const { outcome } = yield* run([{ text: "<html>proxy</html>" }])
      assert.ok(outcome._tag === "Failure")
      assert.deepStrictEqual([outcome.failure.reason, outcome.failure.retryable], ["api", true])
    }).pipe(Effect.scoped))

  it.live("fails a stream that ends before the answer did", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([FakeModelServer.unfinished(["half of "])])
      const model = yield* provider.open(server)
      const error = yield* Effect.flip(Stream.runDrain(model.streamText({ prompt: "Hi" })))
      assert.ok(AiError.isAiError(error) && ModelFailure.toAgentError(error).retryable)
    }).pipe(Effect.scoped))

  it.live("a silent stream times out, and the server sees the client go", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([FakeModelServer.unfinished(["half of "], true)])
      const model = yield* provider.open(server)
      const error = yield* model.streamText({ prompt: "Hi" }).pipe(
        Stream.runDrain,
        Effect.mapError(ModelFailure.toAgentError),
        Effect.flip,
        impatient
      )
      assert.deepStrictEqual([error.reason, error.retryable, error.sent], ["timeout", true, true])
      yield* Deferred.await(server.requests[0]!.aborted)
    }).pipe(Effect.scoped))

  it.live("interrupting a call aborts it at the server, whole or streamed", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([{ hangs: true }, FakeModelServer.unfinished(["half of "], true)])
      const model = yield* provider.open(server)
      const whole = yield* Effect.forkChild(model.generateText({ prompt: "Hi" }))
      const first = yield* server.request(0)
      yield* Fiber.interrupt(whole)
      yield* Deferred.await(first.aborted)
      const begun = yield* Deferred.make<void>()
      const streaming = yield* model.streamText({ prompt: "Hi" }).pipe(
        Stream.tap((part) => part.type === "text-delta" ? Deferred.succeed(begun, undefined) : Effect.void),
        Stream.runDrain,
        Effect.forkChild
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(streaming)
      yield* Deferred.await(server.requests[1]!.aborted)
    }).pipe(Effect.scoped))

  it.live("interrupting a stream that has not begun aborts it at the server", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([{ silent: true }])
      const model = yield* provider.open(server)
      const fiber = yield* Effect.forkChild(Stream.runDrain(model.streamText({ prompt: "Hi" })))
      const request = yield* server.request(0)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(request.aborted)
    }).pipe(Effect.scoped))

  it.live("a call that our own policy refuses was not sent and is not repeated", () =>
    Effect.gen(function*() {
      const server = yield* FakeModelServer.start([ok])
      const model = yield* provider.open({ ...server, host: "127.0.0.1:1" })
      const error = yield* Effect.flip(Effect.mapError(model.generateText({ prompt: "Hi" }), ModelFailure.toAgentError))
      assert.deepStrictEqual([error.reason, error.retryable, error.sent], ["refused", false, false])
      assert.strictEqual(server.requests.length, 0)
    }).pipe(Effect.scoped))

  it.live("an endpoint that is not there is repeated, and proven to have got nothing", () =>
    Effect.gen(function*() {
      const gone = yield* Effect.scoped(FakeModelServer.start([ok]))
      const model = yield* provider.open(gone)
      const clock = RecordingClock.make()
      const error = yield* model.generateText({ prompt: "Hi" }).pipe(
        Effect.mapError(ModelFailure.toAgentError),
        Effect.flip,
        clock.provide
      )
      assert.deepStrictEqual([error.reason, error.retryable, error.sent], ["api", true, false])
      assert.strictEqual(clock.sleeps.length, 2)
    }).pipe(Effect.scoped))

  it.live("does not claim that nothing was sent when only the last try was not", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const server = yield* FakeModelServer.start([FakeModelServer.failing(503, "going down")]).pipe(
        Scope.provide(scope)
      )
      const model = yield* provider.open(server)
      const clock = RecordingClock.make(undefined, () => Scope.close(scope, Exit.void))
      const error = yield* model.generateText({ prompt: "Hi" }).pipe(
        Effect.mapError(ModelFailure.toAgentError),
        Effect.flip,
        clock.provide
      )
      assert.strictEqual(server.requests.length, 1)
      assert.deepStrictEqual([error.reason, error.retryable, error.sent], ["api", true, true])
    }))
})
