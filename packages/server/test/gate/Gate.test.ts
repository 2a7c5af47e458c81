/** A server that has enough to do refuses more before any work, and is never too busy to say how it is. */
import { Drain } from "@baton/server/gate/Drain"
import { Gate } from "@baton/server/gate/Gate"
import * as JsonScan from "@baton/server/gate/JsonScan"
import { LoadMeter } from "@baton/server/gate/LoadMeter"
import * as Roles from "@baton/server/gate/Roles"
import { defaults, ServerLimits } from "@baton/server/gate/ServerLimits"
import * as StoreAddress from "@baton/server/gate/StoreAddress"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"

const late = (ms: number) => Layer.succeed(LoadMeter, { lateness: () => Duration.millis(ms) })

const gate = (limits: Partial<typeof defaults>, lateMs = 0) =>
  Gate.layer.pipe(
    Layer.provide([Drain.layer, late(lateMs)]),
    Layer.provide(Layer.succeed(ServerLimits, { ...defaults, ...limits }))
  )

const through = <E>(path: string, app: Effect.Effect<HttpServerResponse.HttpServerResponse, E>) =>
  Effect.flatMap(Gate, ({ middleware }) => middleware(app)).pipe(
    Effect.provideService(
      HttpServerRequest.HttpServerRequest,
      HttpServerRequest.fromWeb(new Request(`http://127.0.0.1${path}`))
    )
  )

const done = Effect.succeed(HttpServerResponse.empty())

describe("a gate", () => {
  it.effect("refuses more requests than are worked on at once, with a time to return, and takes them again later", () =>
    Effect.gen(function*() {
      const latch = yield* Latch.make(false)
      const slow = Effect.andThen(latch.await, done)
      const first = yield* Effect.forkChild(through("/api/v1/runs", slow), { startImmediately: true })
      let worked = false
      const second = yield* through(
        "/api/v1/runs",
        Effect.sync(() => {
          worked = true
          return HttpServerResponse.empty()
        })
      )
      assert.strictEqual(second.status, 503)
      assert.match(second.headers["retry-after"] ?? "", /^[123]$/)
      assert.isFalse(worked)
      assert.strictEqual((yield* through("/health", done)).status, 204)
      assert.strictEqual((yield* through("/ready?x=1", done)).status, 204)
      yield* latch.open
      yield* Fiber.join(first)
      assert.strictEqual((yield* through("/api/v1/runs", done)).status, 204)
      const { load } = yield* Gate
      assert.deepStrictEqual(load(), { inFlight: 0, shed: { in_flight: 1, loop_delay: 0 } })
    }).pipe(Effect.provide(gate({ requestsInFlight: 1 }))))

  it.effect("refuses requests while the event loop is late, but never a probe", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* through("/api/v1/runs", done)).status, 503)
      assert.strictEqual((yield* through("/health", done)).status, 204)
    }).pipe(Effect.provide(gate({ loopDelay: Duration.millis(100) }, 101))))

  it.effect("gives the place of a request back when it fails or is interrupted", () =>
    Effect.gen(function*() {
      yield* Effect.exit(through("/", Effect.die("a bug")))
      const fiber = yield* Effect.forkChild(through("/", Effect.never), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* Gate).load().inFlight, 0)
    }).pipe(Effect.provide(gate({}))))
})

describe("a scan of JSON", () => {
  it("counts what nests, not what is text", () => {
    assert.isUndefined(JsonScan.fault(`{"a":"[[[[","b":["\\"[["]}`, 2))
    assert.strictEqual(JsonScan.fault(`[[[]]]`, 2), "depth")
    assert.isUndefined(JsonScan.fault(`[[],[],[]]`, 2))
    assert.strictEqual(JsonScan.fault("[".repeat(1_000_000), 128), "depth")
  })

  it("finds escapes that are no character, and leaves text that only looks like one", () => {
    assert.strictEqual(JsonScan.fault(`"\\u0000"`, 9), "nul")
    assert.strictEqual(JsonScan.fault(`{"\\u0000":1}`, 9), "nul")
    assert.isUndefined(JsonScan.fault(`"\\\\u0000"`, 9))
    assert.strictEqual(JsonScan.fault(`"\\ud800"`, 9), "surrogate")
    assert.strictEqual(JsonScan.fault(`"\\udc00\\ud800"`, 9), "surrogate")
    assert.strictEqual(JsonScan.fault(`"\\ud83d\\u0041"`, 9), "surrogate")
    assert.isUndefined(JsonScan.fault(`"\\ud83d\\ude00"`, 9))
  })
})

const codeOf = <A, E extends { readonly code: string }>(effect: Effect.Effect<A, E>) =>
  Effect.match(effect, { onSuccess: () => "", onFailure: ({ code }) => code })

describe("what a process is told to be", () => {
  it.effect("is all roles when nothing is said, and names what is missing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Roles.parse(undefined), Roles.all)
      const some = yield* Roles.parse("coordinator, worker:http,worker:agent")
      assert.deepStrictEqual(some, {
        api: false,
        coordinator: true,
        sweeper: false,
        worker: new Set(["http", "agent"])
      })
      assert.strictEqual(yield* codeOf(Roles.parse("worker")), "ROLES_NEED_SHARED_QUEUE")
      assert.strictEqual(yield* codeOf(Roles.parse("api")), "ROLES_NEED_SHARED_QUEUE")
      const wrong = yield* Effect.flip(Roles.parse("api,cordinator,worker"))
      assert.strictEqual(wrong.code, "ROLE_UNKNOWN")
      assert.strictEqual(wrong.hint, "did you mean coordinator?")
    }))

  it.effect("has its store in a folder; other stores are refused without saying their address again", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* StoreAddress.folderOf("sqlite:/var/baton"), "/var/baton")
      assert.strictEqual(yield* StoreAddress.folderOf("sqlite:///var/baton"), "/var/baton")
      assert.strictEqual(yield* StoreAddress.folderOf("sqlite:"), undefined)
      const refused = yield* Effect.flip(StoreAddress.folderOf("postgres://me:secret@db/baton"))
      assert.strictEqual(refused.code, "STORE_UNSUPPORTED")
      assert.notInclude(JSON.stringify(refused), "secret")
      assert.strictEqual(yield* codeOf(StoreAddress.folderOf("elsewhere")), "STORE_UNKNOWN")
    }))
})
