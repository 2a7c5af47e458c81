/** What must not get out by a webhook, what must not be lost, and who is told of what. */
import { AuditClient } from "@baton/contract/AuditClient"
import { StoreClient } from "@baton/contract/StoreClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { webhooksMax } from "@baton/engine/WebhookStore"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { ServerResponse } from "node:http"
import { AccessServer, flow, layer } from "./access/AccessServer.ts"
import { isLast } from "./Receiver.ts"
import { atDesk, baton, folder, heard, logged, receiver, start } from "./WebhookDesk.ts"

const until = <A, E, R>(read: Effect.Effect<A, E, R>, enough: (found: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    read,
    (found) => enough(found) ? Effect.succeed(found) : Effect.andThen(Effect.sleep(5), until(read, enough))
  )

const codeOf = <A, R>(effect: Effect.Effect<A, { readonly code: string }, R>) =>
  Effect.map(Effect.flip(effect), ({ code }) => code)

describe("what is written down", () => {
  it.live("has bounds, and a page begins after a delivery of the same webhook only", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, change, deliveries, test } = yield* WebhooksClient
        const { url } = target
        const long = "x".repeat(257)
        assert.strictEqual(yield* codeOf(add({ url, flow: long })), "WEBHOOK_TEXT")
        assert.strictEqual(yield* codeOf(add({ url, issuer: long })), "WEBHOOK_TEXT")
        assert.strictEqual(yield* codeOf(add({ url, tags: { a: long } })), "WEBHOOK_TAGS")
        const many = ["orchestration.run.failed", "orchestration.run.failed"] as const
        const { webhook } = yield* add({ url, events: many })
        assert.deepStrictEqual(webhook.events, ["orchestration.run.failed"])
        assert.deepStrictEqual((yield* change(webhook.id, { events: [...many, "*"] })).events, ["*"])
        const { webhook: other } = yield* add({ url })
        const more = Array.from({ length: webhooksMax }, () => Effect.result(add({ url })))
        const added = yield* Effect.forEach(more, (one) => one, { concurrency: 20 })
        const refused = added.filter(({ _tag }) => _tag === "Failure")
        assert.strictEqual(added.length - refused.length, webhooksMax - 2)
        assert.strictEqual(yield* codeOf(add({ url })), "WEBHOOKS_MAX")
        const { id } = yield* test(webhook.id)
        assert.deepStrictEqual(yield* deliveries(webhook.id, { limit: 10, after: id }), [])
        assert.strictEqual(yield* codeOf(deliveries(other.id, { limit: 10, after: id })), "CURSOR_UNKNOWN")
        const unknown = id.replace(/.{4}$/, "zzzz")
        assert.strictEqual(yield* codeOf(deliveries(webhook.id, { limit: 10, after: unknown })), "CURSOR_UNKNOWN")
      })
    ))

  it.live("loses no secret that was told, whatever is changed at the same time", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, change, rotate, show } = yield* WebhooksClient
        const { webhook: { id } } = yield* add({ url: target.url, signatures: ["standard", "timestamped"] })
        const moves = Array.from({ length: 12 }, (_, n) =>
          n % 3 === 0
            ? Effect.asVoid(change(id, { url: `${target.url}/${n}` }))
            : Effect.asVoid(rotate(id, { form: n % 3 === 1 ? "standard" : "timestamped", overlapSeconds: 0 })))
        const before = (yield* show(id)).secrets
        yield* Effect.forEach(moves, (move) => move, { concurrency: 12 })
        const after = (yield* show(id)).secrets
        assert.lengthOf(after, 2)
        for (const one of before) assert.isFalse(after.some(({ id }) => id === one.id), one.form)
      })
    ))

  it.live("sends a token to no other host than the one it was given for", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, change } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url, signatures: ["standard", "token"] })
        const elsewhere = { url: "https://example.com/hook" }
        assert.strictEqual(yield* codeOf(change(webhook.id, elsewhere)), "WEBHOOK_TOKEN_BOUND")
        yield* change(webhook.id, { url: `http://${target.host}/other` })
        const { webhook: signed } = yield* add({ url: target.url })
        assert.strictEqual((yield* change(signed.id, elsewhere)).url, elsewhere.url)
      })
    ))

  it.live("has an entry in the audit log, also beside the server, and so has what Baton does itself", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      yield* Effect.gen(function*() {
        const { add, change, remove, rotate, show } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        yield* change(webhook.id, { tags: {} })
        yield* rotate(webhook.id, {})
        target.answer = (_, response) => void response.writeHead(410).end()
        yield* start()
        yield* until(show(webhook.id), ({ state }) => state === "disabled")
        const audit = Effect.flatMap(AuditClient, ({ list }) => list({ limit: 10 }))
        yield* until(audit, ([last]) => last?.action === "webhooks disable")
        yield* remove(webhook.id)
        const said = (yield* audit).map(({ action, actor, method, object }) => {
          assert.strictEqual(object, webhook.id)
          return [action, actor, method]
        })
        const local = ["add", "change", "rotate"].map((what) => [`webhooks ${what}`, "local", "local"])
        assert.deepStrictEqual(said.toReversed(), [
          ...local,
          ["webhooks disable", "baton", "engine"],
          ["webhooks remove", "local", "local"]
        ])
      }).pipe(Effect.provide(baton(data, [target.host])))
    }).pipe(Effect.scoped))
})

describe("a delivery that is asked for once more", () => {
  it.live("does not go to a webhook that is disabled", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, change, resend } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        const [one] = yield* logged(webhook.id, (log) => log.some(({ state }) => state === "delivered"))
        yield* change(webhook.id, { state: "disabled" })
        assert.strictEqual(yield* codeOf(resend(one!.id)), "WEBHOOK_DISABLED")
        assert.lengthOf(target.all.filter(isLast), 1)
      })
    ))

  it.live("is tried as long as any other, and then given up", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, resend } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url, events: ["orchestration.run.completed"] })
        yield* start()
        const [one] = yield* logged(webhook.id, ([line]) => line?.state === "delivered")
        target.answer = (_, response) => void response.writeHead(503).end()
        yield* resend(one!.id)
        const [line] = yield* logged(webhook.id, ([line]) => line?.state === "given_up")
        assert.isAtLeast(line!.attempts, 2)
      }), { limits: { giveUpAfter: Duration.millis(200) } }))
})

describe("secrets that were sealed with another key", () => {
  it.live("hide no webhook, are told of, and can be rotated: every form is signed again", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      const key = (digit: string) => ({ env: { BATON_KEY: digit.repeat(64) } })
      const id = yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        return (yield* add({ url: target.url, signatures: ["standard", "timestamped"] })).webhook.id
      }).pipe(Effect.provide(baton(data, [target.host], key("a"))))
      yield* Effect.gen(function*() {
        const { list, resend, rotate, test } = yield* WebhooksClient
        const [shown] = yield* list
        assert.deepInclude(shown, { id, state: "active", secrets: [] })
        assert.match(String(shown?.reason), /sealed with another key/)
        const { diagnose } = yield* StoreClient
        const find = Effect.map(diagnose, (all) => all.find((one) => one.id === "webhooks.secrets"))
        assert.deepInclude(yield* find, { status: "fail" })
        assert.strictEqual(yield* codeOf(test(id)), "WEBHOOK_UNDECRYPTABLE")
        const { secrets, webhook } = yield* rotate(id, { form: "standard" })
        assert.strictEqual(webhook.reason, null)
        assert.sameMembers(Object.keys(secrets), ["standard", "timestamped"])
        assert.isUndefined(yield* find)
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        const { body, headers } = target.all[0]!
        const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        assert.isTrue(WebhookSignature.verify(secrets.standard!, headers, body, now).valid)
        const timestamp = Number(headers["x-a2a-timestamp"])
        const signed = WebhookSignature.timestamped(Redacted.make(secrets.timestamped!), timestamp, Buffer.from(body))
        assert.strictEqual(headers["x-a2a-signature"], signed)
        const [line] = yield* logged(id, (log) => log.some(({ state }) => state === "delivered"))
        assert.strictEqual((yield* resend(line!.id)).state, "queued")
      }).pipe(Effect.provide(baton(data, [target.host], key("b"))))
    }).pipe(Effect.scoped))
})

describe("a hook of the environment", () => {
  it.live("that was gone is told again once a process starts that names it", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      const env = { ORCHESTRATION_PROGRESS_WEBHOOK_URL: target.url }
      target.answer = (_, response) => void response.writeHead(410).end()
      const shown = Effect.flatMap(WebhooksClient, ({ show }) => show("environment-progress"))
      yield* Effect.andThen(start(), until(shown, ({ state }) => state === "disabled")).pipe(
        Effect.provide(baton(data, [], { env, webhooks: "attend" }))
      )
      target.answer = (_, response) => void response.writeHead(204).end()
      yield* Effect.gen(function*() {
        assert.deepInclude(yield* shown, { state: "active", reason: null })
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
      }).pipe(Effect.provide(baton(data, [], { env, webhooks: "attend" })))
    }).pipe(Effect.scoped))

  it.live("shows each tenant its own runs in its log, and no other's", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const env = { ORCHESTRATION_PROGRESS_WEBHOOK_URL: target.url }
      yield* Effect.gen(function*() {
        const server = yield* AccessServer
        const { key: own } = yield* server.newKey({})
        const { key: other } = yield* server.newKey({ tenant: "acme" })
        const body = { flow: JSON.parse(flow) }
        const theirs = String((yield* server.ask("POST", "/api/v1/runs", { key: other, body })).body["id"])
        const mine = String((yield* server.ask("POST", "/api/v1/runs", { key: own, body })).body["id"])
        yield* heard(target, (all) => all.filter(isLast).length === 2)
        const path = "/api/v1/webhooks/environment-progress/deliveries"
        const log = yield* until(server.ask("GET", path, { key: own }), ({ text }) => text.includes(mine))
        assert.notInclude(log.text, theirs)
        assert.strictEqual((yield* server.ask("GET", path, { key: other })).status, 404)
      }).pipe(
        Effect.provide(layer()),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
      )
    }).pipe(Effect.scoped), 60_000)
})

describe("the sender", () => {
  it.live("makes so many tests at once and no more: each holds a request as long as its receiver likes", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, test } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        const held: Array<ServerResponse> = []
        target.answer = (_, response) => void held.push(response)
        const two = yield* Effect.forEach([1, 2], () => Effect.forkChild(test(webhook.id), { startImmediately: true }))
        yield* heard(target, (all) => all.length === 2)
        assert.strictEqual(yield* codeOf(test(webhook.id)), "WEBHOOK_TESTS_MAX")
        for (const response of held) response.writeHead(204).end()
        for (const fiber of two) assert.strictEqual((yield* Fiber.join(fiber)).state, "delivered")
        target.answer = (_, response) => void response.writeHead(204).end()
        assert.strictEqual((yield* test(webhook.id)).state, "delivered")
      }), { limits: { testsMax: 2 } }))

  it.live("asks a receiver that fails for one run at a time, so that it takes nobody's place", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const dead = yield* receiver
      const data = yield* folder
      yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const held: Array<ServerResponse> = []
        dead.answer = (_, response, n) => void (n === 1 ? response.writeHead(503).end() : held.push(response))
        const events = ["orchestration.run.completed"] as const
        yield* add({ url: dead.url, events })
        yield* start()
        yield* heard(dead, (all) => all.length === 2)
        yield* add({ url: target.url, events })
        for (let n = 0; n < 8; n++) yield* start()
        yield* heard(target, (all) => all.length === 8)
        assert.lengthOf(held, 1)
      }).pipe(Effect.provide(baton(data, [target.host, dead.host])))
    }).pipe(Effect.scoped))

  it.live("tells of runs of a store in memory too", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { secrets, webhook } = yield* add({ url: target.url })
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        const { body, headers } = target.all[0]!
        const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        assert.isTrue(WebhookSignature.verify(secrets.standard!, headers, body, now).valid)
        yield* logged(webhook.id, (log) => log.length === target.all.length)
      }).pipe(Effect.provide(baton(":memory:", [target.host])))
    }).pipe(Effect.scoped))
})
