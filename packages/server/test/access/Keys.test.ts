/** Keys end to end: made beside the server, shown to it, limited to their scopes and their tenant. */
import * as KeyText from "@baton/server/access/KeyText"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { AccessServer, flow, layer } from "./AccessServer.ts"

const test = <A, E>(title: string, body: (server: AccessServer["Service"]) => Effect.Effect<A, E>) =>
  it.live(title, () => Effect.flatMap(AccessServer, body).pipe(Effect.provide(layer())), 60_000)

const start = { flow: JSON.parse(flow) }

describe("the text of a key", () => {
  it("has 256 random bits behind an id, and a checksum that a scanner can check", () => {
    const text = KeyText.make("live", `key_${"0".repeat(26)}`)
    assert.match(text, /^baton_live_0{26}_[0-9A-Za-z]{49}$/)
    assert.strictEqual(KeyText.idOf(text), `key_${"0".repeat(26)}`)
    assert.notStrictEqual(KeyText.make("live", `key_${"0".repeat(26)}`), text)
  })

  it("is refused without a look-up when one character is another", () => {
    const text = KeyText.make("live", `key_${"0".repeat(26)}`)
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === "a" ? "b" : "a"
      assert.isUndefined(KeyText.idOf(text.slice(0, at) + other + text.slice(at + 1)), `character ${at}`)
    }
  })
})

describe("keys", () => {
  test("a key that was made in the store opens the server, within its scopes", (server) =>
    Effect.gen(function*() {
      const writer = yield* server.newKey({ scopes: ["runs:write"] })
      const reader = yield* server.newKey({ scopes: ["runs:read"] })
      const made = yield* server.ask("POST", "/api/v1/runs", { key: writer.key, body: start })
      assert.strictEqual(made.status, 201, made.text)
      const path = `/api/v1/runs/${made.body["id"]}`
      assert.strictEqual((yield* server.ask("GET", path, { key: reader.key })).status, 200)
      const refused = yield* server.ask("GET", path, { key: writer.key })
      assert.deepStrictEqual([refused.status, refused.body["code"]], [403, "SCOPE_MISSING"])
      assert.strictEqual((yield* server.ask("POST", "/api/v1/runs", { key: reader.key, body: start })).status, 403)
    }))

  test("nothing is served without a credential, or with one that is wrong, expired or revoked", (server) =>
    Effect.gen(function*() {
      const dead = yield* server.newKey({ lifetimeMs: 1 })
      const revoked = yield* server.newKey({})
      const admin = yield* server.newKey({})
      const wrong = KeyText.make("live", admin.id)
      assert.strictEqual((yield* server.ask("DELETE", `/api/v1/keys/${revoked.id}`, { key: admin.key })).status, 200)
      for (const key of [undefined, "baton_live_x", "a.b.c", dead.key, revoked.key, wrong]) {
        const answer = yield* server.ask("GET", "/api/v1/runs", key === undefined ? {} : { key })
        assert.strictEqual(answer.status, 401)
        assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/)
      }
      const basic = yield* server.ask("GET", "/api/v1/runs", { headers: { authorization: "Basic YTpi" } })
      assert.strictEqual(basic.status, 401)
    }))

  test("another tenant's run is not there", (server) =>
    Effect.gen(function*() {
      const mine = yield* server.newKey({ tenant: "acme" })
      const other = yield* server.newKey({ tenant: "globex" })
      const made = yield* server.ask("POST", "/api/v1/runs", { key: mine.key, body: start })
      const path = `/api/v1/runs/${made.body["id"]}`
      assert.strictEqual((yield* server.ask("GET", path, { key: mine.key })).status, 200)
      const answer = yield* server.ask("GET", path, { key: other.key })
      assert.deepStrictEqual([answer.status, answer.body["code"]], [404, "RUN_NOT_FOUND"])
      const list = yield* server.ask("GET", "/api/v1/runs", { key: other.key })
      assert.deepStrictEqual(list.body["items"], [])
    }))

  test("a key gives no more than its maker has, and no other tenant", (server) =>
    Effect.gen(function*() {
      const admin = yield* server.newKey({ scopes: ["keys:admin", "runs:read"] })
      const root = yield* server.newKey({ scopes: ["keys:admin", "system:admin"] })
      const make = (key: string, body: object) => server.ask("POST", "/api/v1/keys", { key, body })
      const more = yield* make(admin.key, { name: "more", scopes: ["runs:write"] })
      assert.deepStrictEqual([more.status, more.body["code"]], [403, "SCOPE_NOT_YOURS"])
      const away = yield* make(admin.key, { name: "away", scopes: ["runs:read"], tenant: "globex" })
      assert.deepStrictEqual([away.status, away.body["code"]], [403, "TENANT_NOT_YOURS"])
      const fine = yield* make(admin.key, { name: "fine", scopes: ["runs:read"] })
      assert.strictEqual(fine.status, 201, fine.text)
      const founded = yield* make(root.key, { name: "first", scopes: ["runs:read"], tenant: "globex" })
      assert.strictEqual(founded.status, 201, founded.text)
      const list = yield* server.ask("GET", "/api/v1/keys?tenant=globex", { key: admin.key })
      assert.strictEqual(list.status, 403)
    }))

  test("rotation lets two keys live, and no third", (server) =>
    Effect.gen(function*() {
      const admin = yield* server.newKey({})
      const old = yield* server.newKey({ scopes: ["runs:read"] })
      const rotate = (id: string, body: object = {}) =>
        server.ask("POST", `/api/v1/keys/${id}/rotate`, { key: admin.key, body })
      const next = yield* rotate(old.id)
      assert.strictEqual(next.status, 201, next.text)
      const item = next.body["item"] as { id: string; replaces: string; scopes: ReadonlyArray<string> }
      assert.deepStrictEqual([item.replaces, item.scopes], [old.id, ["runs:read"]])
      for (const key of [old.key, String(next.body["key"])]) {
        assert.strictEqual((yield* server.ask("GET", "/api/v1/runs", { key })).status, 200)
      }
      const again = yield* rotate(old.id)
      assert.deepStrictEqual([again.status, again.body["code"]], [409, "KEY_REPLACED"])
      const third = yield* rotate(item.id)
      assert.deepStrictEqual([third.status, third.body["code"]], [409, "KEY_ROTATING"])
      yield* server.ask("DELETE", `/api/v1/keys/${old.id}`, { key: admin.key })
      assert.strictEqual((yield* server.ask("GET", "/api/v1/runs", { key: old.key })).status, 401)
      assert.strictEqual((yield* rotate(item.id, { graceMs: 0 })).status, 201)
      const ended = yield* server.ask("GET", "/api/v1/runs", { key: String(next.body["key"]) })
      assert.strictEqual(ended.status, 401)
    }))

  test("a key's text is told once and is not in the store", (server) =>
    Effect.gen(function*() {
      const admin = yield* server.newKey({})
      const list = yield* server.ask("GET", "/api/v1/keys", { key: admin.key })
      const secret = admin.key.slice(-49)
      assert.include(list.text, admin.id)
      assert.notInclude(list.text, secret)
      for (const file of ["baton.db", "baton.db-wal"]) {
        const bytes = readFileSync(join(server.data, file))
        assert.isFalse(bytes.includes(secret), file)
        assert.isFalse(bytes.includes(secret.slice(0, 43)), file)
      }
    }))
})
