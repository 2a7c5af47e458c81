import type { DialAnswer, DialRequest } from "@baton/engine/HttpDialer"
import { DialError, HttpDialer } from "@baton/engine/HttpDialer"
import { secretsOf } from "@baton/engine/testing/AttemptHarness"
import type * as Flow from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import * as HttpAnswer from "@baton/steps/HttpAnswer"
import * as HttpStep from "@baton/steps/HttpStep"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { errorOf, failing, giving, run } from "./StepRun.ts"

const answerOf = (
  body: string | Uint8Array = "",
  over: { readonly status?: number; readonly headers?: { readonly [name: string]: string } } = {}
): DialAnswer => ({
  status: over.status ?? 200,
  headers: over.headers ?? {},
  url: "https://api.example/",
  bytes: Buffer.from(body)
})

const stepOf = (answer: (request: DialRequest) => Effect.Effect<DialAnswer, DialError>) => {
  const requests: Array<DialRequest> = []
  const dialer = HttpDialer.of({
    dial: () => Effect.die("not used"),
    request: (request) =>
      Effect.suspend(() => {
        requests.push(request)
        return answer(request)
      })
  })
  return { requests, stepType: Effect.runSync(Effect.provideService(HttpStep.make, HttpDialer, dialer)) }
}

const replying = (...args: Parameters<typeof answerOf>) => stepOf(() => Effect.succeed(answerOf(...args)))

const get = { type: "http", url: "https://api.example/v1/${ input.id }" } as const
const setting = { roots: { input: { v: { id: "a b", tags: ["x", "y"] } } } }
const json = { "content-type": "application/json; charset=utf-8" }

describe("http request", () => {
  const sent = (definition: Partial<Flow.Body>, over: Parameters<typeof run>[2] = {}) => {
    const { requests, stepType } = replying()
    return Effect.map(
      giving(stepType, { ...get, ...definition } as Flow.Body, { ...setting, ...over }),
      () => requests[0]!
    )
  }

  it.effect("is a GET with the default timeout where nothing else is said", () =>
    Effect.gen(function*() {
      const request = yield* sent({})
      assert.strictEqual(request.method, "GET")
      assert.strictEqual(request.url, "https://api.example/v1/a b")
      assert.deepStrictEqual(request.timeout, Duration.seconds(30))
      assert.strictEqual(request.bytesMax, HttpStep.answerBytesMax)
      assert.isFalse("body" in request || "redirectsMax" in request)
    }))

  it.effect("adds the query to the one of the URL, lists repeated and null left out", () =>
    Effect.gen(function*() {
      const query = { tag: "${ input.tags }", "a&b": "1=2 3", n: 5, yes: true, none: null }
      assert.strictEqual(
        (yield* sent({ url: "https://api.example/?q=1#part", query })).url,
        "https://api.example/?q=1&tag=x&tag=y&a%26b=1%3D2%203&n=5&yes=true"
      )
    }))

  it.effect("hands the URL on as it was written, so that the dialer can judge its spelling", () =>
    Effect.gen(function*() {
      const urls = ["http://010.0.0.1/a/../b#c", "https://api.example?", "https://api.example/x?y=1#z"]
      const requests = yield* Effect.forEach(urls, (url) => sent({ url, query: { q: "a b" } }))
      assert.deepStrictEqual(requests.map((request) => request.url), [
        "http://010.0.0.1/a/../b?q=a%20b",
        "https://api.example?q=a%20b",
        "https://api.example/x?y=1&q=a%20b"
      ])
    }))

  it.effect("sends text as it is, forms as forms and anything else as JSON", () =>
    Effect.gen(function*() {
      const text = yield* sent({ method: "post", body: "hi ${ input.id }" })
      assert.deepStrictEqual(
        [text.method, text.body, text.headers],
        ["POST", "hi a b", { "content-type": "text/plain; charset=utf-8" }]
      )
      const object = yield* sent({ method: "PUT", body: { id: "${ input.id }" } })
      assert.deepStrictEqual([object.body, object.headers], [`{"id":"a b"}`, { "content-type": "application/json" }])
      const form = { "Content-Type": "application/x-www-form-urlencoded" }
      const pairs = yield* sent({ method: "POST", body: { id: "${ input.id }", n: 1 }, headers: form })
      assert.strictEqual(pairs.body, "id=a%20b&n=1")
      const patch = { "content-type": "application/merge-patch+json" }
      assert.deepStrictEqual((yield* sent({ method: "PATCH", body: [1], headers: patch })).headers, patch)
    }))

  it.effect("sends the step's key where the effect is keyed, the same on every attempt", () =>
    Effect.gen(function*() {
      const work = { effect: "keyed" } as const
      const first = yield* sent({ method: "POST" }, { work })
      const second = yield* sent({ method: "POST" }, { work, request: { attempt: 2 } })
      assert.isString(first.headers?.["idempotency-key"])
      assert.deepStrictEqual(first.headers, second.headers)
      const own = yield* sent({ method: "POST", headers: { "Idempotency-Key": "mine" } }, { work })
      assert.strictEqual(own.headers?.["idempotency-key"], "mine")
      assert.deepStrictEqual((yield* sent({ method: "POST" })).headers, {})
    }))

  for (
    const [what, definition, code] of [
      ["a relative URL", { url: "/v1" }, "URL_INVALID"],
      ["another scheme", { url: "file:///etc/passwd" }, "URL_INVALID"],
      ["credentials in the URL", { url: "https://a:b@api.example" }, "URL_INVALID"],
      ["an overlong URL", { query: { q: "x".repeat(20_000) } }, "URL_INVALID"],
      ["a URL that is no text", { url: "${ input.tags }" }, "URL_INVALID"],
      ["a method that is none", { method: "GET /" }, "METHOD_INVALID"],
      ["a header name with a colon", { headers: { "a:b": "1" } }, "HEADER_INVALID"],
      ["a line break in a header", { headers: { a: "1\r\nb: 2" } }, "HEADER_INVALID"],
      ["a header beyond Latin-1", { headers: { a: "\u2603" } }, "HEADER_INVALID"],
      ["the Host header", { headers: { Host: "other" } }, "HEADER_REFUSED"],
      ["Content-Length", { headers: { "content-length": "1" } }, "HEADER_REFUSED"],
      ["headers that are a list", { headers: "${ input.tags }" as never }, "FIELD_INVALID"],
      ["an object in the query", { query: { a: { b: 1 } } }, "FIELD_INVALID"],
      ["an overlong body", { body: "x".repeat(16 * 1024 * 1024 + 1) }, "BODY_TOO_LARGE"]
    ] as ReadonlyArray<readonly [string, Partial<Flow.Body>, string]>
  ) {
    it.effect(`refuses ${what} before anything is sent`, () =>
      Effect.gen(function*() {
        const { requests, stepType } = replying()
        const error = yield* failing(stepType, { ...get, ...definition } as Flow.Body, setting)
        assert.deepStrictEqual([error.code, error.kind, error.retryable, error.sent], [
          code,
          "configuration",
          false,
          false
        ])
        assert.deepStrictEqual(requests, [])
      }))
  }

  it.effect("aborts the call when the attempt is interrupted or out of time", () =>
    Effect.gen(function*() {
      for (const end of ["interrupt", "timeout"] as const) {
        const called = yield* Deferred.make<void>()
        const stopped = yield* Deferred.make<void>()
        const { stepType } = stepOf(() =>
          Effect.andThen(Deferred.succeed(called, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
          )
        )
        const fiber = yield* Effect.forkChild(run(stepType, get, { ...setting, work: { timeoutMs: 1000 } }))
        yield* Deferred.await(called)
        yield* end === "interrupt" ? Fiber.interrupt(fiber) : TestClock.adjust("1 second")
        yield* Deferred.await(stopped)
        if (end === "timeout") assert.strictEqual(errorOf(yield* Fiber.join(fiber)).code, "HTTP_TIMEOUT")
      }
    }))
})

describe("http answer", () => {
  const bodyOf = (...args: Parameters<typeof answerOf>) =>
    Effect.map(giving(replying(...args).stepType, get, setting), (output) => (output as { readonly body: Json }).body)

  it.effect("is status, headers and body", () =>
    Effect.gen(function*() {
      const output = yield* giving(replying(`{"a":[1]}`, { status: 201, headers: json }).stepType, get, setting)
      assert.deepStrictEqual(output, { status: 201, headers: json, body: { a: [1] } })
    }))

  it.effect("reads JSON only where it is said to be and is within bounds", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* bodyOf("[1]", { headers: { "content-type": "application/problem+json" } }), [1])
      assert.strictEqual(yield* bodyOf("[1]", { headers: { "content-type": "text/plain" } }), "[1]")
      assert.strictEqual(yield* bodyOf("[1"), "[1")
      assert.strictEqual(yield* bodyOf("{oops", { headers: json }), "{oops")
      const deep = "[".repeat(200) + "]".repeat(200)
      assert.strictEqual(yield* bodyOf(deep, { headers: json }), deep)
      assert.strictEqual(yield* bodyOf("null", { headers: json }), null)
      assert.strictEqual(yield* bodyOf(""), null)
      assert.deepStrictEqual(
        Object.keys((yield* bodyOf(`{"__proto__":{"admin":true}}`, { headers: json })) as object),
        ["__proto__"]
      )
    }))

  it.effect("decodes the stated charset, and keeps what is no text as base64 with its type", () =>
    Effect.gen(function*() {
      const latin = { "content-type": "text/plain; charset=iso-8859-1" }
      assert.strictEqual(yield* bodyOf(Buffer.from("caf\u00e9", "latin1"), { headers: latin }), "café")
      assert.strictEqual(yield* bodyOf("x", { headers: { "content-type": "application/vnd.github.diff" } }), "x")
      const bytes = Uint8Array.of(0x89, 0x50, 0, 0xff)
      const binary = { bytes: 4, base64: Buffer.from(bytes).toString("base64") }
      assert.deepStrictEqual(
        yield* bodyOf(bytes, { headers: { "content-type": "image/png" } }),
        { contentType: "image/png", ...binary }
      )
      assert.deepStrictEqual(yield* bodyOf(bytes), { contentType: "application/octet-stream", ...binary })
      assert.strictEqual(((yield* bodyOf("a\0b")) as { bytes: number }).bytes, 3)
    }))

  it.effect("drops cookies and caps what is kept of the headers", () =>
    Effect.gen(function*() {
      const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-${n}`, "v"]))
      const headersOf = (headers: { readonly [name: string]: string }) =>
        Effect.map(
          giving(replying("", { headers }).stepType, get, setting),
          (output) => Object.keys((output as { readonly headers: object }).headers)
        )
      assert.deepStrictEqual(yield* headersOf({ "set-cookie": "s=1", etag: "x" }), ["etag"])
      assert.strictEqual((yield* headersOf(many)).length, HttpAnswer.headersMax)
      assert.deepStrictEqual(yield* headersOf({ a: "x", b: "x".repeat(20_000) }), ["a"])
    }))

  const matrix: ReadonlyArray<readonly [number, boolean, boolean]> = [
    [200, true, false],
    [204, true, false],
    [304, true, false],
    [399, true, false],
    [400, false, false],
    [401, false, false],
    [403, false, false],
    [404, false, false],
    [408, false, true],
    [409, false, false],
    [422, false, false],
    [425, false, true],
    [429, false, true],
    [500, false, true],
    [502, false, true],
    [503, false, true],
    [599, false, true]
  ]
  for (const [status, succeeds, retryable] of matrix) {
    it.effect(`with status ${status} ${succeeds ? "succeeds" : `fails, ${retryable ? "and may be retried" : "for good"}`}`, () =>
      Effect.gen(function*() {
        const outcome = yield* run(replying("why", { status }).stepType, get, setting)
        assert.strictEqual(outcome.outcome.ok, succeeds)
        if (succeeds) return
        assert.deepStrictEqual(errorOf(outcome), {
          code: "HTTP_STATUS",
          kind: "http",
          message: `GET https://api.example/v1/a%20b answered with status ${status}.`,
          retryable,
          status,
          sent: true,
          detail: { body: "why" }
        })
      }))
  }

  it.effect("is judged by the expected statuses where they are given", () =>
    Effect.gen(function*() {
      const ok = (status: number, expect: ReadonlyArray<number | string>) =>
        Effect.map(run(replying("", { status }).stepType, { ...get, expect }, setting), (_) => _.outcome.ok)
      assert.isTrue(yield* ok(404, [200, 404]))
      assert.isTrue(yield* ok(404, ["4xx"]))
      assert.isTrue(yield* ok(404, ["400-410"]))
      assert.isTrue(yield* ok(404, ["404"]))
      assert.isFalse(yield* ok(404, ["400-403", "2xx", 200]))
      assert.isFalse(yield* ok(204, [200]))
      assert.isFalse(yield* ok(200, []))
    }))

  const now = Date.parse("2026-01-01T00:00:00Z")
  for (
    const [value, expected] of [
      ["0", 0],
      ["120", 120_000],
      [" 7 ", 7000],
      ["999999999", HttpAnswer.retryAfterMsMax],
      ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
      ["Thursday, 01-Jan-26 00:00:30 GMT", 30_000],
      ["Thu, 01 Jan 2099 00:00:00 GMT", HttpAnswer.retryAfterMsMax],
      ["Wed, 31 Dec 2025 23:59:00 GMT", 0],
      ["-5", undefined],
      ["1.5", undefined],
      ["soon", undefined],
      ["", undefined]
    ] as const
  ) {
    it.effect(`asks for patience with Retry-After: ${value}`, () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(now)
        const step = replying("", { status: 503, headers: { "retry-after": value } })
        assert.strictEqual((yield* failing(step.stepType, get, setting)).retryAfterMs, expected)
      }))
  }
})

describe("http failures", () => {
  const cases: ReadonlyArray<readonly [DialError["reason"], string, string, boolean]> = [
    ["dns", "network", "CODE", true],
    ["connect", "network", "CODE", true],
    ["tls", "network", "CODE", true],
    ["protocol", "network", "CODE", true],
    ["aborted", "network", "CODE", true],
    ["timeout", "timeout", "HTTP_TIMEOUT", true],
    ["refused", "policy", "CODE", false],
    ["limit", "policy", "CODE", false]
  ]
  for (const [reason, kind, code, retryable] of cases) {
    it.effect(`reports ${reason} as ${kind}, and whether anything was sent`, () =>
      Effect.gen(function*() {
        for (const sent of [true, false]) {
          const step = stepOf(() => Effect.fail(new DialError({ reason, code: "CODE", message: "no", sent })))
          const error = yield* failing(step.stepType, get, setting)
          assert.deepStrictEqual([error.kind, error.code, error.retryable, error.sent], [kind, code, retryable, sent])
        }
      }))
  }
})

describe("http secrets", () => {
  const host = "api.example"
  const withSecrets = {
    type: "http",
    method: "POST",
    url: "https://api.example/v1",
    headers: { authorization: "Bearer ${ secrets.TOKEN }" },
    query: { key: "${ secrets.TOKEN }" },
    body: { routing_key: "${ secrets.TOKEN }" }
  } as const

  it.effect("reach the wire in headers, query and body, and follow no redirect", () =>
    Effect.gen(function*() {
      const { requests, stepType } = replying("ok")
      yield* giving(stepType, withSecrets, { secrets: secretsOf({ TOKEN: "s3 cret/+" }, host) })
      const request = requests[0]!
      assert.strictEqual(Redacted.value(request.headers!["authorization"] as Redacted.Redacted), "Bearer s3 cret/+")
      assert.strictEqual(request.url, "https://api.example/v1?key=s3%20cret%2F%2B")
      assert.strictEqual(request.body, `{"routing_key":"s3 cret/+"}`)
      assert.strictEqual(request.redirectsMax, 0)
    }))

  it.effect("in a header alone let redirects be followed", () =>
    Effect.gen(function*() {
      const { requests, stepType } = replying("ok")
      const { headers, type, url } = withSecrets
      yield* giving(stepType, { type, url, headers }, { secrets: secretsOf({ TOKEN: "s3cret" }, host) })
      assert.isFalse("redirectsMax" in requests[0]!)
    }))

  it.effect("in a body fail on a redirect", () =>
    Effect.gen(function*() {
      const { stepType } = replying("", { status: 307, headers: { location: "https://evil.example" } })
      const error = yield* failing(stepType, withSecrets, { secrets: secretsOf({ TOKEN: "s3cret" }, host) })
      assert.deepStrictEqual([error.code, error.kind, error.sent], ["REDIRECT_REFUSED", "policy", true])
    }))

  it.effect("go to no other host, and into no URL", () =>
    Effect.gen(function*() {
      const { requests, stepType } = replying()
      const secrets = secretsOf({ TOKEN: "s3cret" }, "other.example")
      assert.strictEqual((yield* failing(stepType, withSecrets, { secrets })).code, "SECRET_HOST_NOT_ALLOWED")
      const inUrl = { type: "http", url: "https://api.example/${ secrets.TOKEN }" } as const
      assert.strictEqual((yield* failing(stepType, inUrl, { secrets })).code, "SECRET_NOT_ALLOWED")
      assert.deepStrictEqual(requests, [])
    }))

  const Secret = Schema.String.check(Schema.isPattern(/^[\x20-\x7E\xA0-\xFF]{8,40}$/))

  it.effect.prop(
    "never come back in outputs or errors, whatever the server echoes",
    [Secret],
    ([secret]) =>
      Effect.gen(function*() {
        const secrets = secretsOf({ TOKEN: secret }, host)
        const echo = (request: DialRequest) => {
          const header = request.headers!["authorization"]
          return JSON.stringify([
            request.url,
            request.body,
            Redacted.isRedacted(header) ? Redacted.value(header) : header
          ])
        }
        const servers: ReadonlyArray<(request: DialRequest) => Effect.Effect<DialAnswer, DialError>> = [
          (request) => Effect.succeed(answerOf(echo(request), { headers: json })),
          (request) => Effect.succeed(answerOf(echo(request), { headers: { "x-echo": String(request.body) } })),
          (request) => Effect.succeed(answerOf(echo(request), { status: 500 })),
          (request) => Effect.fail(new DialError({ reason: "connect", code: "C", message: request.url, sent: false }))
        ]
        for (const server of servers) {
          const text = JSON.stringify(yield* run(stepOf(server).stepType, withSecrets, { secrets }))
          assert.isFalse(text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1)))
          assert.isFalse(text.includes(encodeURIComponent(secret)))
        }
      })
  )
})
