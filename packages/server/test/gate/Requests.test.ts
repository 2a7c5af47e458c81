/** What is too much is refused with a problem that names it, before it costs anything; and the server lives on. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as GateServer from "./GateServer.ts"

const test = <A, E>(
  title: string,
  env: { readonly [name: string]: string },
  body: (server: GateServer.GateServer) => Effect.Effect<A, E>
) => it.live(title, () => Effect.flatMap(GateServer.make({ env }), body).pipe(Effect.scoped), 60_000)

const post = (
  server: GateServer.GateServer,
  path: string,
  body: NonNullable<RequestInit["body"]>,
  more: RequestInit = {}
) =>
  GateServer.ask(server, path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
    ...more
  })

const refused = Effect.fnUntraced(function*(response: Response, status: number, code: string) {
  assert.strictEqual(response.status, status)
  assert.match(response.headers.get("content-type") ?? "", /^application\/problem\+json/)
  const body = yield* GateServer.json(response)
  assert.strictEqual(body["code"], code)
  assert.strictEqual(body["status"], status)
})

/** Sent in pieces, without a length. */
const pieces = (size: number): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < size; sent += 1_000) controller.enqueue(new Uint8Array(1_000).fill(0x20))
      controller.close()
    }
  })

const chunked = { duplex: "half" } as RequestInit

describe("a body", () => {
  test("over the limit is refused by its length, and while it is read when it tells none", {
    BATON_LIMITS_BODY_BYTES: "5000"
  }, (server) =>
    Effect.gen(function*() {
      for (const path of ["/api/v1/runs", "/api/v1/flows"]) {
        yield* refused(yield* post(server, path, " ".repeat(5_001)), 413, "BODY_TOO_LARGE")
        const unannounced = yield* post(server, path, pieces(9_000), chunked)
        assert.strictEqual(unannounced.headers.get("connection"), "close")
        yield* refused(unannounced, 413, "BODY_TOO_LARGE")
        yield* refused(yield* post(server, path, " ".repeat(5_000)), 400, "REQUEST_INVALID")
      }
      assert.strictEqual((yield* GateServer.ask(server, "/ready")).status, 200)
    }))

  test("nests to 128 levels, and no deeper", {}, (server) =>
    Effect.gen(function*() {
      const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)
      yield* refused(yield* post(server, "/api/v1/runs", nested(129)), 400, "JSON_TOO_DEEP")
      yield* refused(yield* post(server, "/api/v1/runs", nested(500_000)), 400, "JSON_TOO_DEEP")
      yield* refused(yield* post(server, "/api/v1/runs", nested(128)), 400, "REQUEST_INVALID")
    }))

  test("is UTF-8 without NUL and half characters", {}, (server) =>
    Effect.gen(function*() {
      yield* refused(yield* post(server, "/api/v1/runs", new Uint8Array([0x22, 0xff, 0x22])), 400, "BODY_NOT_UTF8")
      yield* refused(yield* post(server, "/api/v1/runs", `{"flow":"x\\u0000"}`), 400, "JSON_NUL")
      yield* refused(yield* post(server, "/api/v1/runs", `{"flow":"x\\ud800"}`), 400, "JSON_SURROGATE")
      yield* refused(yield* post(server, "/api/v1/runs", `{"flow":"x\\\\u0000"}`), 404, "FLOW_MISSING")
    }))
})

describe("a request", () => {
  test("has a bounded target, bounded headers, and a bounded number of them", {
    BATON_LIMITS_URL_CHARS: "300",
    BATON_LIMITS_HEADERS: "10",
    BATON_LIMITS_HEADER_BYTES: "4096"
  }, (server) =>
    Effect.gen(function*() {
      yield* refused(yield* GateServer.ask(server, `/api/v1/runs?flow=${"a".repeat(300)}`), 414, "URL_TOO_LONG")
      const many = Array.from({ length: 11 }, (_, index) => `x-${index}: 1\r\n`).join("")
      const heard = yield* Effect.promise(() =>
        GateServer.talk(server.port, `GET /api/v1/runs HTTP/1.1\r\nHost: x\r\n${many}\r\n`)
      )
      assert.match(heard, /^HTTP\/1\.1 431 [^]*"HEADERS_TOO_MANY"/)
      const large = yield* Effect.promise(() =>
        GateServer.talk(server.port, `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(5_000)}\r\n\r\n`)
      )
      assert.match(large, /^HTTP\/1\.1 431 [^]*application\/problem\+json[^]*"HEADERS_TOO_LARGE"/)
      const broken = yield* Effect.promise(() => GateServer.talk(server.port, "what is this\r\n\r\n"))
      assert.match(broken, /^HTTP\/1\.1 400 [^]*"REQUEST_MALFORMED"/)
      assert.strictEqual((yield* GateServer.ask(server, "/ready")).status, 200)
    }))

  test("that does not arrive in time is ended: headers, body, or nothing at all", {
    BATON_LIMITS_HEADERS_TIMEOUT: "200ms",
    BATON_LIMITS_REQUEST_TIMEOUT: "300ms",
    BATON_LIMITS_CHECK_EVERY: "50ms"
  }, (server) =>
    Effect.gen(function*() {
      const beginnings = [
        "GET / HTTP/1.1\r\nHost: x\r\nX-",
        "POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
        ""
      ]
      for (const beginning of beginnings) {
        const heard = yield* Effect.promise(() => GateServer.talk(server.port, beginning))
        assert.match(heard, /^HTTP\/1\.1 408 [^]*"REQUEST_TOO_SLOW"/, JSON.stringify(beginning))
      }
      assert.strictEqual((yield* GateServer.ask(server, "/ready")).status, 200)
    }))

  test("of one connection too many from an address is not taken", {
    BATON_LIMITS_CONNECTIONS_PER_ADDRESS: "3"
  }, (server) =>
    Effect.gen(function*() {
      const kept = yield* Effect.promise(() => Promise.all([1, 2, 3].map(() => GateServer.open(server.port))))
      const heard = yield* Effect.promise(() => GateServer.talk(server.port, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"))
      assert.strictEqual(heard, "")
      for (const socket of kept) socket.destroy()
    }))
})

describe("a server without room", () => {
  test("refuses before any work, tells how often in its metrics, and goes on when there is room", {
    BATON_LIMITS_REQUESTS_IN_FLIGHT: "1"
  }, (server) =>
    Effect.gen(function*() {
      const shed = Effect.map(
        Effect.flatMap(GateServer.ask(server, "/metrics"), (response) => Effect.promise(() => response.text())),
        (text) => /^baton_http_shed_total\{reason="in_flight"\} (\d+)/m.exec(text)?.[1]
      )
      assert.strictEqual(yield* shed, "0")
      // A request whose body does not come is being worked on.
      const slow = yield* Effect.promise(() => GateServer.open(server.port))
      slow.write(
        "POST /api/v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
      )
      const full = Effect.map(GateServer.ask(server, "/api/v1/runs"), ({ status }) => status)
      for (let tries = 0; tries < 500 && (yield* full) !== 503; tries++) yield* Effect.sleep("10 millis")
      const refusal = yield* GateServer.ask(server, "/api/v1/runs")
      assert.match(refusal.headers.get("retry-after") ?? "", /^[123]$/)
      yield* refused(refusal, 503, "OVERLOADED")
      assert.strictEqual((yield* GateServer.ask(server, "/health")).status, 200)
      slow.destroy()
      for (let tries = 0; tries < 500 && (yield* full) === 503; tries++) yield* Effect.sleep("10 millis")
      assert.isAtLeast(Number(yield* shed), 2)
    }))
})
