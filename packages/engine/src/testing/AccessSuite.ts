/** What every store of keys, tokens and the audit log promises. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { type AccessKey, AccessKeys } from "../AccessKeys.ts"
import { type AccessToken, AccessTokens } from "../AccessTokens.ts"
import { type AuditDraft, AuditLog } from "../AuditLog.ts"

const key = (id: string, more: Partial<AccessKey> = {}): AccessKey => ({
  id,
  tenant: "acme",
  name: "ci",
  groups: [],
  scopes: ["runs:read"],
  digest: "0".repeat(64),
  createdAt: 1,
  createdBy: "local",
  ...more
})

const token = (digest: string, more: Partial<AccessToken> = {}): AccessToken => ({
  digest: digest.padEnd(64, "0"),
  kind: "link",
  tenant: "acme",
  data: { of: [digest] },
  createdAt: 1,
  expiresAt: 100,
  ...more
})

const draft = (object: string, more: Partial<AuditDraft> = {}): AuditDraft => ({
  tenant: "acme",
  at: 5,
  actor: "ci",
  method: "key",
  action: "POST /api/v1/runs",
  object,
  outcome: "done",
  status: 201,
  request: "req_1",
  ...more
})

export const suite = <E>(name: string, layer: Layer.Layer<AccessKeys | AccessTokens | AuditLog, E>): void => {
  const test = <A, E2>(
    title: string,
    body: (store: {
      readonly keys: AccessKeys["Service"]
      readonly tokens: AccessTokens["Service"]
      readonly audit: AuditLog["Service"]
    }) => Effect.Effect<A, E2>
  ) =>
    it.live(title, () =>
      Effect.gen(function*() {
        return yield* body({ keys: yield* AccessKeys, tokens: yield* AccessTokens, audit: yield* AuditLog })
      }).pipe(Effect.provide(layer)), 60_000)

  describe(`AccessKeys (${name})`, () => {
    test("gives a key back as it was added, and lists those of one tenant", ({ keys }) =>
      Effect.gen(function*() {
        const whole = key("key_b", { owner: "ana", groups: ["editors"], expiresAt: 9 })
        yield* keys.add(whole)
        yield* keys.add(key("key_a"))
        yield* keys.add(key("key_c", { tenant: "globex" }))
        assert.deepStrictEqual(yield* keys.find("key_b"), whole)
        assert.isUndefined(yield* keys.find("key_d"))
        assert.deepStrictEqual((yield* keys.list("acme", { limit: 9 })).map(({ id }) => id), ["key_a", "key_b"])
        assert.deepStrictEqual((yield* keys.list("acme", { after: "key_a", limit: 9 })).length, 1)
        assert.strictEqual((yield* Effect.flip(keys.add(whole))).reason, "exists")
      }))

    test("replaces a key once, and ends the old one no later than it would have ended", ({ keys }) =>
      Effect.gen(function*() {
        yield* keys.add(key("key_a", { expiresAt: 50 }))
        yield* keys.replace({ ...key("key_b"), replaces: "key_a" }, 70)
        assert.strictEqual((yield* keys.find("key_a"))?.expiresAt, 50)
        const error = yield* Effect.flip(keys.replace({ ...key("key_c"), replaces: "key_a" }, 30))
        assert.strictEqual(error.reason, "exists")
        assert.strictEqual((yield* keys.find("key_a"))?.expiresAt, 50)
        yield* keys.replace({ ...key("key_d"), replaces: "key_b" }, 30)
        assert.strictEqual((yield* keys.find("key_b"))?.expiresAt, 30)
      }))

    test("revokes a key of the tenant, once, and notes its use", ({ keys }) =>
      Effect.gen(function*() {
        yield* keys.add(key("key_a"))
        assert.isFalse(yield* keys.revoke("globex", "key_a", 5))
        assert.isTrue(yield* keys.revoke("acme", "key_a", 5))
        assert.isTrue(yield* keys.revoke("acme", "key_a", 8))
        yield* keys.noteUse("key_a", 7)
        const found = yield* keys.find("key_a")
        assert.deepStrictEqual([found?.revokedAt, found?.lastUsedAt], [5, 7])
      }))
  })

  describe(`AccessTokens (${name})`, () => {
    test("lets a token be claimed once, before it ends", ({ tokens }) =>
      Effect.gen(function*() {
        const one = token("a")
        yield* tokens.put(one)
        assert.deepStrictEqual(yield* tokens.find("link", one.digest), one)
        assert.isUndefined(yield* tokens.find("session", one.digest))
        assert.isFalse(yield* tokens.claim(one.digest, 100))
        const claims = yield* Effect.forEach([1, 2, 3, 4], () => tokens.claim(one.digest, 9), { concurrency: 4 })
        assert.strictEqual(claims.filter((claimed) => claimed).length, 1)
        yield* tokens.unclaim(one.digest)
        assert.isTrue(yield* tokens.claim(one.digest, 10))
        yield* tokens.remove(one.digest)
        assert.isUndefined(yield* tokens.find("link", one.digest))
      }))

    test("forgets what has expired", ({ tokens }) =>
      Effect.gen(function*() {
        yield* tokens.put(token("a"))
        yield* tokens.put(token("b", { createdAt: 100, expiresAt: 200 }))
        assert.isUndefined(yield* tokens.find("link", token("a").digest))
      }))
  })

  describe(`AuditLog (${name})`, () => {
    test("chains what is appended, per tenant, and gives it back newest first", ({ audit }) =>
      Effect.gen(function*() {
        const full = draft("c", { key: "key_a", code: "X", address: "::1", suppressed: 2 })
        yield* audit.append([draft("a"), draft("z", { tenant: "globex" }), draft("b")])
        yield* audit.append([full])
        const entries = yield* audit.list("acme", { limit: 9 })
        assert.deepStrictEqual(entries.map(({ object, seq }) => [seq, object]), [[3, "c"], [2, "b"], [1, "a"]])
        const { hash, seq: _, ...rest } = entries[0]!
        assert.deepStrictEqual(rest, full)
        assert.deepStrictEqual((yield* audit.list("acme", { before: 3, limit: 1 })).map(({ seq }) => seq), [2])
        const verdict = yield* audit.verify("acme")
        assert.deepStrictEqual(verdict, { entries: 3, head: { seq: 3, hash } })
        assert.deepStrictEqual(yield* audit.verify("nobody"), { entries: 0, head: { seq: 0, hash: "" } })
      }))

    test("finds that the end it is told to expect is another one, or is not there", ({ audit }) =>
      Effect.gen(function*() {
        yield* audit.append([draft("a"), draft("b")])
        const { head } = yield* audit.verify("acme")
        assert.isUndefined((yield* audit.verify("acme", head)).fault)
        yield* audit.append([draft("c")])
        assert.isUndefined((yield* audit.verify("acme", head)).fault)
        assert.strictEqual((yield* audit.verify("acme", { seq: 2, hash: "1".repeat(64) })).fault?.seq, 2)
        assert.strictEqual((yield* audit.verify("acme", { seq: 9, hash: head.hash })).fault?.seq, 4)
      }))
  })
}
