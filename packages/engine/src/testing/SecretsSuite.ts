/** What every store of secrets promises. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Secrets } from "../Secrets.ts"
import { tenant } from "./Journals.ts"

export const suite = <E>(name: string, layer: Layer.Layer<Secrets, E>): void => {
  const within = (env: Record<string, string>) =>
    Layer.fresh(layer).pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
  const test = <A, E2>(
    title: string,
    body: (secrets: typeof Secrets.Service) => Effect.Effect<A, E2>,
    env: Record<string, string> = {}
  ) => it.live(title, () => Effect.provide(Effect.flatMap(Secrets, body), within(env)), 30_000)

  describe(`Secrets (${name})`, () => {
    test("reveals a secret for the hosts it is bound to, and to no other", (secrets) =>
      Effect.gen(function*() {
        yield* secrets.set(tenant, "token", Redacted.make("s3cret"), ["api.example.com", "*.Example.org"])
        const at = (host: string) =>
          secrets.reveal(tenant, "token", host).pipe(
            Effect.map(Redacted.value),
            Effect.catch(({ reason }) => Effect.succeed(reason))
          )
        for (const host of ["api.example.com", "API.example.com", "a.example.org", "a.b.example.org"]) {
          assert.strictEqual(yield* at(host), "s3cret", host)
        }
        const others = ["example.com", "example.org", ".example.org", "api.example.com.evil.net", "evilexample.org", ""]
        for (const host of others) assert.strictEqual(yield* at(host), "host_not_allowed", host)
      }))

    test("keeps tenants apart, overwrites and removes", (secrets) =>
      Effect.gen(function*() {
        yield* secrets.set(tenant, "token", Redacted.make("first"), ["a.com"])
        yield* secrets.set(tenant, "token", Redacted.make("second"), ["b.com"])
        assert.strictEqual(Redacted.value(yield* secrets.reveal(tenant, "token", "b.com")), "second")
        assert.strictEqual((yield* Effect.flip(secrets.reveal(tenant, "token", "a.com"))).reason, "host_not_allowed")
        assert.strictEqual((yield* Effect.flip(secrets.reveal("other", "token", "b.com"))).reason, "missing")
        assert.isFalse(yield* secrets.has("other", "token"))
        assert.isFalse(yield* secrets.remove("other", "token"))
        assert.isTrue(yield* secrets.remove(tenant, "token"))
        assert.isFalse(yield* secrets.has(tenant, "token"))
        assert.isFalse(yield* secrets.remove(tenant, "token"))
      }))

    test("lists names and hosts and never a value", (secrets) =>
      Effect.gen(function*() {
        yield* secrets.set(tenant, "b", Redacted.make("v4lue"), ["b.com"])
        yield* secrets.set(tenant, "a", Redacted.make("v4lue"), [])
        const listed = yield* secrets.list(tenant)
        assert.deepStrictEqual(listed.map(({ hosts, name, source }) => ({ hosts, name, source })), [
          { hosts: [], name: "a", source: "store" },
          { hosts: ["b.com"], name: "b", source: "store" }
        ])
        assert.notInclude(JSON.stringify(listed) + String(yield* secrets.reveal(tenant, "b", "b.com")), "v4lue")
      }))

    test("refuses names that an expression cannot say and hosts that are none", (secrets) =>
      Effect.gen(function*() {
        const reason = (name: string, hosts: ReadonlyArray<string>) =>
          Effect.map(Effect.flip(secrets.set(tenant, name, Redacted.make("x"), hosts)), (error) => error.reason)
        for (const wrong of ["", "1a", "a-b", "a.b", "my_hosts", "a".repeat(65)]) {
          assert.strictEqual(yield* reason(wrong, []), "name_invalid", wrong)
        }
        for (const wrong of ["*", "*.com", "https://a.com", "a.com:80", "a.com/", "a*.com", "", "a..com", "a b"]) {
          assert.strictEqual(yield* reason("fine", [wrong]), "name_invalid", wrong)
        }
        yield* secrets.set(tenant, "fine", Redacted.make("x"), ["localhost", "127.0.0.1", "[::1]"])
      }))

    test("lets the environment win, bound by its own hosts", (secrets) =>
      Effect.gen(function*() {
        yield* secrets.set(tenant, "api_key", Redacted.make("stored"), ["a.com"])
        assert.strictEqual(Redacted.value(yield* secrets.reveal(tenant, "api_key", "b.com")), "from env")
        assert.strictEqual((yield* Effect.flip(secrets.reveal(tenant, "api_key", "a.com"))).reason, "host_not_allowed")
        assert.strictEqual((yield* Effect.flip(secrets.reveal(tenant, "unbound", "b.com"))).reason, "host_not_allowed")
        assert.isTrue(yield* secrets.has("other", "API_KEY"))
        assert.deepStrictEqual(
          (yield* secrets.list(tenant)).map(({ hosts, name, source }) => ({ hosts, name, source })),
          [
            { hosts: ["b.com", "*.c.com"], name: "API_KEY", source: "environment" },
            { hosts: [], name: "UNBOUND", source: "environment" }
          ]
        )
      }), {
      BATON_SECRET_API_KEY: "from env",
      BATON_SECRET_API_KEY_HOSTS: "b.com, *.c.com",
      BATON_SECRET_UNBOUND: "x",
      BATON_SECRETS: "no",
      OTHER: "y"
    })
  })
}
