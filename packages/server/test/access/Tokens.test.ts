/** Bearer tokens of an issuer: only what it has signed, for us, now, proves anybody; and nobody makes us hammer it. */
import { HttpDialer } from "@baton/engine/HttpDialer"
import { algorithms } from "@baton/server/access/AccessConfig"
import { coolDownMs, freshMs } from "@baton/server/access/KeySet"
import * as KeySet from "@baton/server/access/KeySet"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Jose from "jose"
import { readFileSync } from "node:fs"
import { AccessServer, flow, layer } from "./AccessServer.ts"
import { audience, Issuer, issuerName, served } from "./IssuerServer.ts"

const test = <A, E>(
  title: string,
  body: (server: AccessServer["Service"], issuer: Issuer["Service"]) => Effect.Effect<A, E>
) =>
  it.live(title, () =>
    Effect.gen(function*() {
      return yield* body(yield* AccessServer, yield* Issuer)
    }).pipe(Effect.provide(served)), 60_000)

const now = () => Math.floor(Date.now() / 1000)

const claims = (more: Jose.JWTPayload = {}): Jose.JWTPayload => ({
  iss: issuerName,
  aud: audience,
  sub: "ana",
  tenant: "acme",
  groups: ["editors"],
  realm: { scope: "runs:read runs:write unknown:scope" },
  exp: now() + 300,
  ...more
})

describe("bearer tokens", () => {
  test("prove subject, tenant, scopes and groups by the configured claims", (server, issuer) =>
    Effect.gen(function*() {
      const key = yield* issuer.sign(claims())
      const me = yield* server.ask("GET", "/api/v1/session", { key })
      assert.strictEqual(me.status, 200, me.text)
      assert.deepStrictEqual(me.body, {
        tenant: "acme",
        subject: "ana",
        groups: ["editors"],
        scopes: ["runs:read", "runs:write"],
        method: "jwt"
      })
      const made = yield* server.ask("POST", "/api/v1/runs", { key, body: { flow: JSON.parse(flow) } })
      assert.strictEqual(made.status, 201)
      assert.strictEqual((yield* server.ask("GET", "/api/v1/keys", { key })).status, 403)
      const other = yield* issuer.sign(claims({ tenant: "globex" }))
      assert.strictEqual((yield* server.ask("GET", `/api/v1/runs/${made.body["id"]}`, { key: other })).status, 404)
    }))

  test("prove nobody when anything about them is wrong", (server, issuer) =>
    Effect.gen(function*() {
      const without = (name: string) => {
        const { [name]: _, ...rest } = claims()
        return rest
      }
      const stranger = yield* Effect.promise(() => Jose.generateKeyPair("ES256"))
      const spki = yield* Effect.promise(() => Jose.exportSPKI(issuer.pair.publicKey))
      const good = yield* issuer.sign(claims())
      const [head, body, mark] = good.split(".")
      const unsigned = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url")
      const confused = yield* Effect.promise(() =>
        new Jose.SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(new TextEncoder().encode(spki))
      )
      const critical = yield* Effect.promise(() =>
        new Jose.CompactSign(new TextEncoder().encode(JSON.stringify(claims())))
          .setProtectedHeader({ alg: "ES256", kid: "one", crit: ["unheard"], unheard: true })
          .sign(issuer.pair.privateKey, { crit: { unheard: true } })
      )
      const forged = Buffer.from(JSON.stringify(claims({ tenant: "globex" }))).toString("base64url")
      const wrong: ReadonlyArray<readonly [string, string]> = [
        ["another issuer", yield* issuer.sign(claims({ iss: "https://evil.test" }))],
        ["another audience", yield* issuer.sign(claims({ aud: "https://other.test" }))],
        ["no audience", yield* issuer.sign(without("aud"))],
        ["no end", yield* issuer.sign(without("exp"))],
        ["no subject", yield* issuer.sign(without("sub"))],
        ["no tenant", yield* issuer.sign(without("tenant"))],
        ["a tenant of another shape", yield* issuer.sign(claims({ tenant: "../acme" }))],
        ["the system's tenant", yield* issuer.sign(claims({ tenant: "system" }))],
        ["ended before the leeway", yield* issuer.sign(claims({ exp: now() - 61 }))],
        ["begins after the leeway", yield* issuer.sign(claims({ nbf: now() + 61 }))],
        ["an id token", yield* issuer.sign(claims(), { typ: "id+jwt" })],
        ["another key", yield* issuer.sign(claims(), {}, stranger.privateKey)],
        ["a critical header nobody knows", critical],
        ["no signature", `${unsigned}.${body}.`],
        ["a signature of nothing", `${head}.${body}.`],
        ["padding", `${good}=`],
        ["another body", `${head}.${forged}.${mark}`],
        ["the public key as a shared secret", confused]
      ]
      for (const [what, key] of wrong) {
        assert.strictEqual((yield* server.ask("GET", "/api/v1/session", { key })).status, 401, what)
      }
    }))

  test("a key id nobody knows makes one look at most, whatever comes", (server, issuer) =>
    Effect.gen(function*() {
      const key = yield* issuer.sign(claims())
      assert.strictEqual((yield* server.ask("GET", "/api/v1/session", { key })).status, 200)
      for (let n = 0; n < 15; n++) {
        const random = yield* issuer.sign(claims(), { kid: `random-${n}` })
        assert.strictEqual((yield* server.ask("GET", "/api/v1/session", { key: random })).status, 401)
      }
      assert.isAtMost(issuer.looks(), 2)
      assert.strictEqual((yield* server.ask("GET", "/api/v1/session", { key })).status, 200)
    }))

  it.live("an issuer without audience or keys refuses to start", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(Effect.provide(AccessServer, layer())))
      assert.strictEqual(error.code, "CONFIG_INVALID")
      assert.include(error.message, "BATON_JWT_")
    }).pipe(Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnv({ env: { BATON_JWT_ISSUER: issuerName } })
    )), 60_000)
})

describe("the keys of an issuer", () => {
  it.effect("are looked at again when they are old or a key is unknown, and never more often than the cool-down", () =>
    Effect.gen(function*() {
      let looks = 0
      let status = 200
      const dialer = HttpDialer.of({
        dial: () => Effect.die("not here"),
        request: ({ allow, url }) =>
          Effect.sync(() => {
            looks++
            assert.deepStrictEqual(allow, ["10.0.0.5:8443"])
            const bytes = new TextEncoder().encode("{\"keys\":[]}")
            return { status, headers: {}, url, bytes, body: Stream.empty }
          })
      })
      const keys = yield* KeySet.make(dialer, "https://10.0.0.5:8443/jwks")
      const many = Effect.forEach(Array.from({ length: 20 }, () => keys.current), (one) => one, { concurrency: 20 })
      yield* many
      assert.strictEqual(looks, 1)
      for (let n = 0; n < 20; n++) assert.isUndefined(yield* keys.again)
      assert.strictEqual(looks, 1)
      yield* TestClock.adjust(coolDownMs)
      yield* Effect.forEach(Array.from({ length: 20 }, () => keys.again), (one) => one, { concurrency: 20 })
      assert.strictEqual(looks, 2)
      yield* TestClock.adjust(freshMs)
      yield* keys.current
      yield* TestClock.adjust(1)
      assert.strictEqual(looks, 3)
      status = 503
      yield* TestClock.adjust(freshMs)
      assert.isDefined(yield* keys.current)
      assert.isDefined(yield* keys.current)
      yield* TestClock.adjust(1)
      assert.strictEqual(looks, 4)
      yield* TestClock.adjust(KeySet.staleMs)
      assert.isUndefined(yield* keys.current)
    }))

  it.effect("make nobody wait who is known already, and whoever goes away stops no look", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make(true)
      let looks = 0
      const dialer = HttpDialer.of({
        dial: () => Effect.die("not here"),
        request: ({ url }) =>
          Effect.as(Effect.andThen(Effect.sync(() => looks++), gate.await), {
            status: 200,
            headers: {},
            url,
            bytes: new TextEncoder().encode("{\"keys\":[]}")
          })
      })
      const keys = yield* KeySet.make(dialer, "https://issuer.test/jwks")
      gate.closeUnsafe()
      const gone = yield* Effect.forkChild(keys.current, { startImmediately: true })
      const stays = yield* Effect.forkChild(keys.current, { startImmediately: true })
      yield* Fiber.interrupt(gone)
      gate.openUnsafe()
      assert.isDefined(yield* Fiber.join(stays))
      gate.closeUnsafe()
      yield* TestClock.adjust(freshMs)
      assert.isDefined(yield* keys.current, "the issuer hangs")
      yield* TestClock.adjust(1)
      assert.strictEqual(looks, 2)
    }))
})

interface Vectors {
  readonly testGroups: ReadonlyArray<{
    readonly comment: string
    readonly public?: Jose.JWK | Jose.JSONWebKeySet
    readonly private?: Jose.JWK | Jose.JSONWebKeySet
    readonly tests: ReadonlyArray<{
      readonly tcId: number
      readonly comment: string
      readonly jws: string
      readonly result: string
      readonly flags: ReadonlyArray<string>
    }>
  }>
}

const vectors = (name: string): Vectors =>
  JSON.parse(readFileSync(new URL(`../../../../test/corpora/wycheproof-${name}_test.json`, import.meta.url), "utf8"))

const accepts = async (keys: Jose.JWK | Jose.JSONWebKeySet, jws: string): Promise<boolean> => {
  try {
    const set = "keys" in keys ? keys as Jose.JSONWebKeySet : { keys: [keys] }
    await Jose.compactVerify(jws, KeySet.resolver(set), { algorithms: [...algorithms] })
    return true
  } catch {
    return false
  }
}

/** What the vectors call valid and we refuse: the token's algorithm is another one than its key is for. */
const stricter = [346, 347, 350, 351].map((id) => `json_web_signature ${id}`)
/** A key with a weak prime is the issuer's to find: it is seen in the key, not in what it signs. */
const weakKey = "json_web_key 7"

describe("Wycheproof", () => {
  for (const [name, cases] of [["json_web_signature", 401], ["json_web_key", 26]] as const) {
    it(`${name}: no forged signature is accepted, and no shared secret`, async () => {
      let checked = 0
      for (const { comment, private: secret, public: open, tests } of vectors(name).testGroups) {
        for (const { comment: title, jws, result, tcId } of tests) {
          checked++
          const id = `${name} ${tcId}`
          // Without a public key it is a shared secret.
          const isRight = result !== "invalid" && open !== undefined && !stricter.includes(id)
          if (id !== weakKey) {
            assert.strictEqual(await accepts(open ?? secret!, jws), isRight, `${id} ${comment} ${title}`)
          }
        }
      }
      assert.strictEqual(checked, cases)
    })
  }
})
