/** Sessions of browsers: a cookie for a key, that no other page can use. */
import { sessionCookie } from "@baton/contract/http/Access"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AccessServer, flow, layer } from "./AccessServer.ts"

const test = <A, E>(title: string, body: (server: AccessServer["Service"]) => Effect.Effect<A, E>) =>
  it.live(title, () => Effect.flatMap(AccessServer, body).pipe(Effect.provide(layer())), 60_000)

const start = { flow: JSON.parse(flow) }

const open = (server: AccessServer["Service"], key: string) =>
  Effect.map(server.ask("POST", "/api/v1/session", { body: { key } }), (answer) => {
    const set = answer.headers.get("set-cookie") ?? ""
    return { answer, set, cookie: set.split(";")[0] ?? "" }
  })

describe("a session", () => {
  test("is opened by a key, with a cookie that is bound to host and TLS and hidden from scripts", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ owner: "ana", scopes: ["runs:read"] })
      const { answer, cookie, set } = yield* open(server, key)
      assert.strictEqual(answer.status, 201, answer.text)
      assert.deepInclude(answer.body, { tenant: "default", subject: "ana", scopes: ["runs:read"], method: "session" })
      assert.match(set, new RegExp(`^${sessionCookie}=[0-9A-Za-z]{43};`))
      for (const part of ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"]) assert.include(set, part)
      assert.notInclude(set, "Domain")
      assert.strictEqual((yield* server.ask("GET", "/api/v1/runs", { headers: { cookie } })).status, 200)
      assert.strictEqual((yield* server.ask("GET", "/api/v1/keys", { headers: { cookie } })).status, 403)
      const me = yield* server.ask("GET", "/api/v1/session", { headers: { cookie } })
      assert.deepInclude(me.body, { subject: "ana", method: "session" })
    }))

  test("changes something only for the server's own pages, which set a header", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({})
      const { cookie } = yield* open(server, key)
      const post = (headers: Record<string, string>) =>
        Effect.map(
          server.ask("POST", "/api/v1/runs", { headers: { cookie, ...headers }, body: start }),
          (answer) => [answer.status, answer.body["code"]]
        )
      assert.deepStrictEqual(yield* post({}), [403, "CSRF_HEADER_MISSING"])
      assert.strictEqual((yield* post({ "x-baton-csrf": "1" }))[0], 201)
      assert.strictEqual((yield* post({ "x-baton-csrf": "1", origin: server.url }))[0], 201)
      const cross = { "x-baton-csrf": "1", origin: "https://evil.test" }
      assert.deepStrictEqual(yield* post(cross), [403, "ORIGIN_DENIED"])
    }))

  test("ends when it is closed, and with its key", (server) =>
    Effect.gen(function*() {
      const one = yield* server.newKey({})
      const admin = yield* server.newKey({})
      const get = (cookie: string) =>
        Effect.map(server.ask("GET", "/api/v1/runs", { headers: { cookie } }), ({ status }) => status)
      const first = yield* open(server, one.key)
      const second = yield* open(server, one.key)
      const closed = yield* server.ask("DELETE", "/api/v1/session", {
        headers: { cookie: first.cookie, "x-baton-csrf": "1" }
      })
      assert.strictEqual(closed.status, 204)
      assert.match(closed.headers.get("set-cookie") ?? "", new RegExp(`^${sessionCookie}=;.*Max-Age=0`))
      assert.deepStrictEqual([yield* get(first.cookie), yield* get(second.cookie)], [401, 200])
      yield* server.ask("DELETE", `/api/v1/keys/${one.id}`, { key: admin.key })
      assert.strictEqual(yield* get(second.cookie), 401)
    }))

  test("is not opened by a wrong key, and a credential in a query string is none", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({})
      const { answer, set } = yield* open(server, `${key.slice(0, -1)}${key.endsWith("a") ? "b" : "a"}`)
      assert.deepStrictEqual([answer.status, set], [401, ""])
      for (const name of ["key", "token", "access_token", "api_key", "authorization"]) {
        const { status } = yield* server.ask("GET", `/api/v1/session?${name}=${key}`)
        assert.strictEqual(status, 401, name)
      }
    }))
})
