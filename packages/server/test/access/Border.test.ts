/** What browsers may do: host names, origins, CORS, and the headers of every answer. */
import type { ServeOptions } from "@baton/server/Serve"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { request } from "node:http"
import { AccessServer, flow, layer } from "./AccessServer.ts"

const test = <A, E>(
  title: string,
  options: Partial<ServeOptions>,
  env: Record<string, string>,
  body: (server: AccessServer["Service"]) => Effect.Effect<A, E>
) =>
  it.live(title, () =>
    Effect.flatMap(AccessServer, body).pipe(
      Effect.provide(layer(options)),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
    ), 60_000)

/** A request with headers that `fetch` does not let a program set. */
const raw = (url: string, method: string, path: string, headers: Record<string, string>, body = "") =>
  Effect.callback<{ readonly status: number; readonly headers: NodeJS.Dict<string | Array<string>> }>((resume) => {
    const { hostname, port } = new URL(url)
    const call = request({ hostname, port, method, path, headers: { "content-type": "application/json", ...headers } })
    call.on("response", (response) => {
      response.resume()
      resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers }))
    })
    call.on("upgrade", (response, socket) => {
      socket.destroy()
      resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers }))
    })
    call.on("error", () => resume(Effect.succeed({ status: 0, headers: {} })))
    call.end(body)
  })

const start = JSON.stringify({ flow: JSON.parse(flow) })

describe("baton dev", () => {
  test(
    "answers to the names of this machine only",
    { mode: "dev" },
    { BATON_HOSTS: "baton.test" },
    ({ url }) =>
      Effect.gen(function*() {
        const port = new URL(url).port
        for (const host of ["localhost", `127.0.0.1:${port}`, "[::1]", `LOCALHOST:${port}`, "baton.test"]) {
          assert.strictEqual((yield* raw(url, "GET", "/api/v1/runs", { host })).status, 200, host)
        }
        for (
          const host of ["evil.test", `evil.test:${port}`, "127.0.0.1.evil.test", "localhost.evil.test", "10.0.0.1"]
        ) {
          assert.strictEqual((yield* raw(url, "GET", "/api/v1/runs", { host })).status, 403, host)
          assert.strictEqual((yield* raw(url, "POST", "/api/v1/runs", { host }, start)).status, 403, host)
        }
      })
  )

  test("lets no page of another origin do anything", { mode: "dev" }, {}, ({ url }) =>
    Effect.gen(function*() {
      const own = new URL(url).origin
      const tries: ReadonlyArray<readonly [method: string, headers: Record<string, string>, status: number]> = [
        ["POST", {}, 201],
        ["POST", { origin: own }, 201],
        ["POST", { origin: own, "sec-fetch-site": "same-origin" }, 201],
        ["POST", { "sec-fetch-site": "none" }, 201],
        ["POST", { origin: "https://evil.test" }, 403],
        ["POST", { origin: "https://evil.test", "content-type": "text/plain" }, 403],
        ["POST", { origin: "null" }, 403],
        ["POST", { origin: "http://127.0.0.1:1" }, 403],
        ["POST", { "sec-fetch-site": "cross-site" }, 403],
        ["POST", { "sec-fetch-site": "same-site" }, 403],
        ["DELETE", { origin: "https://evil.test" }, 403],
        ["GET", {}, 200],
        ["GET", { origin: "https://evil.test" }, 403],
        ["GET", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, 403],
        ["GET", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, 200]
      ]
      for (const [method, headers, status] of tries) {
        const path = method === "DELETE" ? "/api/v1/runs/run_1" : "/api/v1/runs"
        const answer = yield* raw(url, method, path, headers, method === "POST" ? start : "")
        assert.strictEqual(answer.status, status, `${method} ${JSON.stringify(headers)}`)
      }
      const handshake = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" }
      const headers = { ...handshake, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", origin: "https://evil.test" }
      assert.strictEqual((yield* raw(url, "GET", "/ws", headers)).status, 403)
    }))

  it.live("refuses a host that others reach, unless it asks for keys", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.scoped(Effect.provide(AccessServer, layer({ mode: "dev", host: "0.0.0.0" })))
      )
      assert.strictEqual(error.code, "HOST_NEEDS_KEYS")
      yield* Effect.gen(function*() {
        const { ask } = yield* AccessServer
        assert.strictEqual((yield* ask("GET", "/api/v1/runs")).status, 401)
      }).pipe(Effect.provide(layer({ mode: "dev", host: "0.0.0.0", requireKeys: true })))
    }), 60_000)
})

describe("baton serve", () => {
  test(
    "tells exactly the listed origins that they may read",
    {},
    { BATON_CORS_ORIGINS: "https://app.test" },
    (server) =>
      Effect.gen(function*() {
        const { key } = yield* server.newKey({})
        const preflight = (origin: string) =>
          raw(server.url, "OPTIONS", "/api/v1/runs", { origin, "access-control-request-method": "POST" })
        const allowed = yield* preflight("https://app.test")
        assert.strictEqual(allowed.status, 204)
        assert.strictEqual(allowed.headers["access-control-allow-origin"], "https://app.test")
        assert.notProperty(allowed.headers, "access-control-allow-credentials")
        assert.match(String(allowed.headers["vary"]), /Origin/)
        for (const origin of ["https://evil.test", "http://app.test", "https://app.test.evil.test", "null"]) {
          const answer = yield* preflight(origin)
          assert.notProperty(answer.headers, "access-control-allow-origin", origin)
          assert.match(String(answer.headers["vary"]), /Origin/)
          const post = yield* raw(server.url, "POST", "/api/v1/runs", { origin, authorization: `Bearer ${key}` }, start)
          assert.strictEqual(post.status, 403, origin)
        }
        const headers = { origin: "https://app.test", authorization: `Bearer ${key}` }
        const post = yield* raw(server.url, "POST", "/api/v1/runs", headers, start)
        assert.deepStrictEqual([post.status, post.headers["access-control-allow-origin"]], [201, "https://app.test"])
      })
  )

  it.live("does not start with * for an origin", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(Effect.provide(AccessServer, layer())))
      assert.strictEqual(error.code, "CONFIG_INVALID")
      assert.include(error.message, "BATON_CORS_ORIGINS")
    }).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { BATON_CORS_ORIGINS: "*" } }))
    ), 60_000)

  test("dresses every answer, and a page with a policy of its own", {}, {}, ({ ask }) =>
    Effect.gen(function*() {
      for (const path of ["/api/v1/runs", "/nowhere", "/openapi.json"]) {
        const { headers } = yield* ask("GET", path)
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
        assert.strictEqual(headers.get("cache-control"), "no-store")
        assert.include(headers.get("content-security-policy"), "default-src 'none'; frame-ancestors 'none'")
      }
      const page = yield* ask("GET", "/docs")
      // Nothing on it leads to anybody else's service.
      for (const off of ["\"showDeveloperTools\":\"never\"", "\"hideClientButton\":true", "\"telemetry\":false"]) {
        assert.include(page.text, off)
      }
      assert.match(page.text, /<html lang="en">[^]*<noscript>/)
      const policy = page.headers.get("content-security-policy") ?? ""
      const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1]
      assert.isString(nonce)
      assert.include(policy, "frame-ancestors 'none'")
      assert.notInclude(policy, "unsafe-eval")
      assert.strictEqual(page.text.split(`<script nonce="${nonce}">`).length, 3)
      const again = yield* ask("GET", "/docs")
      assert.notInclude(again.headers.get("content-security-policy") ?? "", String(nonce))
    }))
})
