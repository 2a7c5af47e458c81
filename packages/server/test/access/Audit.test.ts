/** What changes something, and what is denied, is in the audit log before it is answered. */
import { AuditClient } from "@baton/contract/AuditClient"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { AccessServer, flow, layer } from "./AccessServer.ts"

type Server = AccessServer["Service"]

const test = <A, E>(title: string, body: (server: Server) => Effect.Effect<A, E>) =>
  it.live(title, () => Effect.flatMap(AccessServer, body).pipe(Effect.provide(layer())), 60_000)

const start = { flow: JSON.parse(flow) }

const entries = (server: Server, tenant?: string) =>
  Effect.map(
    Context.get(server.inProcess, AuditClient).list({ limit: 500, ...(tenant === undefined ? {} : { tenant }) }),
    (items) => items.filter(({ method }) => method !== "local")
  )

describe("the audit log", () => {
  test("tells who changed what, with the outcome, and not who only looked", (server) =>
    Effect.gen(function*() {
      const { id, key } = yield* server.newKey({ owner: "ana" })
      const made = yield* server.ask("POST", "/api/v1/runs", { key, body: start })
      const run = String(made.body["id"])
      yield* server.ask("GET", `/api/v1/runs/${run}`, { key })
      yield* server.ask("POST", "/api/v1/runs/run_none/cancel", { key, body: {} })
      const [second, first] = yield* entries(server)
      assert.deepInclude(first, {
        actor: "ana",
        method: "key",
        key: id,
        action: "POST /api/v1/runs",
        object: run,
        outcome: "done",
        status: 201
      })
      assert.deepInclude(second, {
        action: "POST /api/v1/runs/:id/cancel",
        object: "/api/v1/runs/run_none/cancel",
        outcome: "refused",
        code: "RUN_NOT_FOUND"
      })
      assert.strictEqual((yield* entries(server)).length, 2)
    }))

  test("tells of keys that were made beside the server too", (server) =>
    Effect.gen(function*() {
      const { id } = yield* server.newKey({ tenant: "acme" })
      const [entry] = yield* Context.get(server.inProcess, AuditClient).list({ limit: 5, tenant: "acme" })
      assert.deepInclude(entry, { actor: "local", method: "local", action: "keys create", object: id, outcome: "done" })
    }))

  test("tells what was denied: with a credential in its tenant's log, without one in the system's", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ scopes: ["runs:read"], tenant: "acme" })
      yield* server.ask("GET", "/api/v1/keys", { key })
      yield* server.ask("GET", "/api/v1/runs?token=secret")
      yield* server.ask("GET", "/api/v1/runs", { key: "baton_live_wrong" })
      const own = yield* entries(server, "acme")
      assert.deepStrictEqual(own.map(({ code, outcome, status }) => [status, outcome, code]), [
        [403, "denied", "SCOPE_MISSING"]
      ])
      const system = yield* entries(server, "system")
      assert.deepStrictEqual(system.map(({ actor, code, method }) => [actor, method, code]), [
        ["", "none", "CREDENTIAL_INVALID"],
        ["", "none", "CREDENTIAL_MISSING"]
      ])
      assert.notInclude(JSON.stringify(system), "secret")
      assert.notInclude(JSON.stringify(system), "baton_live_wrong")
    }))

  test("is for its reader only, and holds: an edited row is found over HTTP too", (server) =>
    Effect.gen(function*() {
      const writer = yield* server.newKey({ scopes: ["runs:write"] })
      const reader = yield* server.newKey({ scopes: ["audit:read"] })
      for (let n = 0; n < 3; n++) yield* server.ask("POST", "/api/v1/runs", { key: writer.key, body: start })
      assert.strictEqual((yield* server.ask("GET", "/api/v1/audit", { key: writer.key })).status, 403)
      const local = 2
      const page = yield* server.ask("GET", "/api/v1/audit?limit=2", { key: reader.key })
      assert.strictEqual((page.body["items"] as ReadonlyArray<unknown>).length, 2)
      const next = yield* server.ask("GET", `/api/v1/audit?after=${page.body["next"]}`, { key: reader.key })
      assert.strictEqual((next.body["items"] as ReadonlyArray<unknown>).length, 2 + local)
      assert.strictEqual((yield* server.ask("GET", "/api/v1/audit?tenant=system", { key: reader.key })).status, 403)
      const sound = yield* server.ask("GET", "/api/v1/audit/verify", { key: reader.key })
      assert.deepInclude(sound.body, { entries: 5 + local, fault: null })
      const db = new DatabaseSync(join(server.data, "baton.db"))
      db.exec("DROP TRIGGER audit_is_not_changed")
      db.exec("UPDATE audit SET body = replace(body, 'denied', 'done') WHERE seq = 6")
      db.close()
      const broken = yield* server.ask("GET", "/api/v1/audit/verify", { key: reader.key })
      assert.strictEqual((broken.body["fault"] as { readonly seq: number }).seq, 6)
    }))

  test("a store that cannot record lets nothing be acknowledged", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({})
      const db = new DatabaseSync(join(server.data, "baton.db"))
      db.exec(
        "ALTER TABLE audit RENAME TO audit_elsewhere; CREATE TABLE audit (tenant TEXT, seq INTEGER, body TEXT, hash TEXT)"
      )
      db.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
      db.close()
      const answer = yield* server.ask("POST", "/api/v1/runs", { key, body: start })
      assert.notStrictEqual(answer.status, 201)
      assert.isAtLeast(answer.status, 500)
      // It says what the store says, not what the log would.
      assert.match(String(answer.body["code"]), /^STORE_/)
      const other = yield* server.ask("POST", "/api/v1/runs/run_none/cancel", { key, body: {} })
      assert.deepInclude([other.status, other.body["code"]], "AUDIT_UNAVAILABLE")
    }))

  test("a flood of wrong keys fills neither the log nor the memory, and locks nobody out", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({})
      const statuses = new Map<number, number>()
      for (let n = 0; n < 300; n++) {
        const { headers, status } = yield* server.ask("GET", "/api/v1/runs", { key: "baton_live_wrong" })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status === 429) assert.isAbove(Number(headers.get("retry-after")), 0)
      }
      assert.strictEqual(statuses.get(401), 20)
      assert.strictEqual(statuses.get(429), 280)
      assert.strictEqual((yield* server.ask("GET", "/api/v1/runs", { key })).status, 200)
      assert.isBelow((yield* entries(server, "system")).length, 250)
    }))

  const from = (server: Server, forwarded: string) =>
    Effect.map(
      server.ask("GET", "/api/v1/runs", { key: "baton_live_wrong", headers: { "x-forwarded-for": forwarded } }),
      ({ status }) => status
    )
  const addresses = (server: Server) =>
    Effect.map(entries(server, "system"), (all) => [...new Set(all.map(({ address }) => address))])

  it.live(
    "behind a proxy that the operator names, an address is that of the client, whatever the client says itself",
    () =>
      Effect.flatMap(AccessServer, (server) =>
        Effect.gen(function*() {
          for (let n = 0; n < 25; n++) yield* from(server, `198.51.100.${n}, 203.0.113.7, 10.1.2.3`)
          assert.strictEqual(yield* from(server, "198.51.100.1, 203.0.113.7"), 429)
          assert.strictEqual(yield* from(server, "203.0.113.8"), 401)
          assert.strictEqual(yield* from(server, "203.0.113.9, unknown, 10.1.2.3"), 401)
          assert.sameMembers(yield* addresses(server), ["203.0.113.7", "203.0.113.8", "127.0.0.1"])
        })).pipe(
          Effect.provide(layer()),
          Effect.provide(ConfigProvider.layer(
            ConfigProvider.fromEnv({ env: { BATON_TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8" } })
          ))
        ),
    60_000
  )

  test("takes nobody's word for an address where no proxy is named", (server) =>
    Effect.gen(function*() {
      for (let n = 0; n < 25; n++) yield* from(server, `203.0.113.${n}`)
      assert.strictEqual(yield* from(server, "203.0.113.99"), 429)
      assert.deepStrictEqual(yield* addresses(server), ["127.0.0.1"])
    }))
})
