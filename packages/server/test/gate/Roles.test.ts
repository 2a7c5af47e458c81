/** What a server of some roles answers, and what every server says of itself and its store. */
import type { ClientError } from "@baton/contract/Client"
import * as Countersign from "@baton/server/gate/Countersign"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { rmSync } from "node:fs"
import { join } from "node:path"
import * as GateServer from "./GateServer.ts"

const roles = "coordinator,worker,sweeper"

describe("a server without the role api", () => {
  it.live(
    "answers probes and, to whoever may read them, metrics; of all else it says which role is missing",
    () =>
      Effect.gen(function*() {
        const server = yield* GateServer.make({ options: { roles } })
        for (const path of ["/health", "/ready", "/metrics"]) {
          assert.strictEqual((yield* GateServer.ask(server, path)).status, 200, path)
        }
        for (const path of ["/", "/docs", "/api/v1/runs", "/openapi.json"]) {
          const answer = yield* GateServer.ask(server, path)
          assert.strictEqual(answer.status, 404, path)
          assert.match(String((yield* GateServer.json(answer))["hint"]), /role api/)
        }
        assert.strictEqual((yield* GateServer.ask(server, "/api/v1/runs", { method: "POST" })).status, 404)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("asks for a key before it tells its metrics, as any server in production does", () =>
    Effect.gen(function*() {
      const server = yield* GateServer.make({ options: { roles, mode: "serve" } })
      assert.strictEqual((yield* GateServer.ask(server, "/metrics")).status, 401)
      assert.strictEqual((yield* GateServer.ask(server, "/health")).status, 200)
    }).pipe(Effect.scoped), 60_000)
})

describe("a server that cannot be meant", () => {
  for (
    const [what, options, code, hint] of [
      ["works on steps of a type that there is not", { roles: "api,coordinator,worker:htpt" }, "ROLE_UNKNOWN", /http/],
      ["listens on an empty host", { host: "", mode: "serve" }, "HOST_UNKNOWN", /127\.0\.0\.1/]
    ] as const
  ) {
    it.live(`is refused: it ${what}`, () =>
      Effect.gen(function*() {
        const error: ClientError = yield* Effect.flip(GateServer.make({ options }))
        assert.strictEqual(error.code, code)
        assert.match(error.hint ?? "", hint)
      }).pipe(Effect.scoped), 60_000)
  }
})

describe("health", () => {
  it.live(
    "tells that the store has gone, and a start is refused before anything is promised",
    () =>
      Effect.gen(function*() {
        const server = yield* GateServer.make()
        rmSync(join(server.data, "baton.db"))
        const started = yield* GateServer.ask(server, "/api/v1/runs", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ flow: { name: "one", nodes: { v: { value: 1 } } } })
        })
        assert.strictEqual(started.status, 503)
        const health = yield* GateServer.json(yield* GateServer.ask(server, "/health"))
        assert.strictEqual(health["status"], "degraded")
        assert.deepInclude(health["store"], { writable: false, reason: "gone" })
        const ready = yield* GateServer.ask(server, "/ready")
        assert.strictEqual(ready.status, 503)
        assert.include(yield* GateServer.json(ready), { code: "STORE_UNWRITABLE" })
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("proves which server it is of, to whoever shares its secret", () =>
    Effect.gen(function*() {
      const secret = Redacted.make("shared")
      const server = yield* GateServer.make({ options: { secret } })
      const asked = (challenge: string) =>
        Effect.map(
          GateServer.ask(server, "/health", { headers: { [Countersign.challengeHeader]: challenge } }),
          ({ headers }) => headers.get(Countersign.codeHeader) ?? undefined
        )
      assert.isTrue(Countersign.agrees(secret, "one", yield* asked("one")))
      assert.isFalse(Countersign.agrees(secret, "one", yield* asked("two")))
      assert.isUndefined(yield* asked("x".repeat(129)))
      const silent = yield* GateServer.make()
      const answer = yield* GateServer.ask(silent, "/health", { headers: { [Countersign.challengeHeader]: "one" } })
      assert.isNull(answer.headers.get(Countersign.codeHeader))
    }).pipe(Effect.scoped), 60_000)
})
