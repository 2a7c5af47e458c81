/** What becomes of deliveries that are not taken, and of receivers that may not be reached. */
import { Client } from "@baton/contract/Client"
import { StoreClient } from "@baton/contract/StoreClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { isLast } from "./Receiver.ts"
import { atDesk, baton, folder, heard, logged, receiver, start } from "./WebhookDesk.ts"

const until = <A, E, R>(read: Effect.Effect<A, E, R>, enough: (found: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    read,
    (found) => enough(found) ? Effect.succeed(found) : Effect.andThen(Effect.sleep(5), until(read, enough))
  )

describe("a delivery", () => {
  it.live("that is refused for good is not sent again, and the next one is sent", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        target.answer = (_received, response, n) => void response.writeHead(n === 2 ? 422 : 204).end()
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        assert.strictEqual(new Set(target.ids).size, target.ids.length)
        const log = yield* logged(webhook.id, (log) => log.length === target.ids.length)
        assert.deepInclude(log.at(-2), { state: "failed", status: 422, attempts: 1, code: "HTTP_STATUS" })
      })
    ))

  it.live("does not follow a redirect", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        target.answer = (_received, response) => void response.writeHead(307, { location: "/elsewhere" }).end()
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        const [line] = yield* logged(webhook.id, (log) => log.length === target.ids.length)
        assert.deepInclude(line, { state: "failed", status: 307, code: "REDIRECT" })
        assert.isTrue(target.all.every(({ path }) => path === "/hook"))
      })
    ))

  it.live("is given up when the receiver is out of reach for too long, is seen, and can be sent again", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, resend } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url, events: ["orchestration.run.created"] })
        target.answer = (_received, response) => void response.writeHead(503).end()
        const run = yield* start()
        const log = yield* logged(webhook.id, (log) => log.some(({ state }) => state === "given_up"))
        assert.lengthOf(log, 1)
        assert.isAbove(log[0]!.attempts, 1)
        target.answer = (_received, response) => void response.writeHead(200).end()
        const before = target.all.length
        assert.strictEqual((yield* resend(log[0]!.id)).state, "queued")
        yield* heard(target, (all) => all.length > before)
        assert.strictEqual(target.ids.at(-1), `${run}/1`)
        yield* logged(webhook.id, ([line]) => line!.state === "delivered")
        const again = yield* Effect.flip(resend("dlv_none"))
        assert.strictEqual(again.code, "DELIVERY_NOT_FOUND")
      }), { limits: { giveUpAfter: Duration.millis(40) } }))

  it.live("that is given up is noted in the journal of its run, although that is over and its process gone", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      target.answer = (_received, response) => void response.writeHead(500).end()
      const run = yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        yield* add({ url: target.url, events: ["orchestration.run.created"] })
        const client = yield* Client
        const run = yield* start()
        yield* until(client.show(run), ({ status }) => status === "succeeded")
        return run
      }).pipe(Effect.provide(baton(data, [target.host], { webhooks: "none" })))
      yield* Effect.gen(function*() {
        const client = yield* Client
        const events = yield* until(
          Stream.runCollect(client.events(run, { after: 0, follow: false })),
          (events) => events.some(({ type }) => type === "orchestration.delivery.given_up")
        )
        assert.deepInclude(events.at(-1)?.data, { type: "DeliveryGivenUp", seq: 1, code: "HTTP_STATUS" })
        assert.strictEqual(events.at(-2)?.type, "orchestration.run.completed")
        assert.strictEqual((yield* client.show(run)).status, "succeeded")
        const store = yield* StoreClient
        const findings = yield* store.diagnose
        assert.strictEqual(findings.find(({ id }) => id === "store.chain")?.status, "ok")
        assert.strictEqual(findings.find(({ id }) => id === "webhooks.active")?.status, "ok")
      }).pipe(Effect.provide(baton(data, [target.host], { limits: { giveUpAfter: Duration.millis(20) } })))
    }).pipe(Effect.scoped))

  it.live("waits as long as the receiver asks for", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        target.answer = (_received, response) => void response.writeHead(429, { "retry-after": "600" }).end()
        yield* start()
        const [line] = yield* logged(webhook.id, (log) => log.length > 0)
        assert.strictEqual(line!.state, "pending")
        assert.isAtLeast(Date.parse(line!.nextAt!) - Date.parse(line!.at), 600_000)
      })
    ))

  it.live("is not taken for lost because the answer is long", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, test } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        target.answer = (_received, response) => void response.writeHead(200).end(Buffer.alloc(1_000_000, 97))
        assert.deepInclude(yield* test(webhook.id), { state: "delivered", status: 200 })
      })
    ))
})

describe("a receiver", () => {
  it.live("that is gone (410) is told nothing any more, until somebody says so", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, change, show } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        target.answer = (_received, response) => void response.writeHead(410).end()
        yield* start()
        const disabled = yield* until(show(webhook.id), ({ state }) => state === "disabled")
        assert.deepInclude(disabled, { reason: "the receiver answered 410 Gone" })
        assert.lengthOf(target.all, 1)
        target.answer = (_received, response) => void response.writeHead(204).end()
        yield* change(webhook.id, { state: "active" })
        const run = yield* start()
        yield* heard(target, (all) => all.some(isLast))
        assert.isTrue(target.ids.slice(1).every((id) => id.startsWith(run)))
      })
    ))

  it.live("inside is refused where it is written down, and where a name turns out to lead there", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const refused = (url: string) => Effect.map(Effect.flip(add({ url })), ({ code, reason }) => [reason, code])
        assert.deepStrictEqual(yield* refused(target.url), ["invalid", "PORT_REFUSED"])
        assert.deepStrictEqual(yield* refused("http://127.0.0.1/hook"), ["invalid", "ADDRESS_PRIVATE"])
        assert.deepStrictEqual(yield* refused("http://169.254.169.254/"), ["invalid", "ADDRESS_PRIVATE"])
        assert.deepStrictEqual(yield* refused("http://localhost/hook"), ["invalid", "ADDRESS_PRIVATE"])
        assert.deepStrictEqual(yield* refused("ftp://example.com/"), ["invalid", "URL_SCHEME"])
        assert.deepStrictEqual(yield* refused("https://a:b@example.com/"), ["invalid", "URL_CREDENTIALS"])
      }).pipe(Effect.provide(baton(data, [])))
      // What was open when it was written down may be closed when it is sent.
      const id = yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        return (yield* add({ url: target.url })).webhook.id
      }).pipe(Effect.provide(baton(data, [target.host], { webhooks: "none" })))
      yield* Effect.gen(function*() {
        yield* start()
        const [line] = yield* logged(id, (log) => log.length > 0)
        assert.deepInclude(line, { state: "failed", status: null, code: "PORT_REFUSED" })
        assert.lengthOf(target.all, 0)
      }).pipe(Effect.provide(baton(data, [])))
    }).pipe(Effect.scoped))
})

describe("a hook of one run", () => {
  it.live("hears of that run alone, signed with its own secret, and ends with it", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { list } = yield* WebhooksClient
        yield* start()
        const secret = WebhookSignature.secretOf("standard", new Uint8Array(32).fill(5))
        const run = yield* start({ webhook: { url: target.url, secret, events: ["orchestration.run.completed"] } })
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        assert.deepStrictEqual(target.ids.map((id) => id.split("/")[0]), [run])
        const { body, headers } = target.all[0]!
        const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        assert.isTrue(WebhookSignature.verify(Redacted.value(secret), headers, body, now).valid)
        assert.deepStrictEqual(yield* list, [])
        const client = yield* Client
        const refused = yield* Effect.flip(start({ webhook: { url: "http://10.0.0.1/" } }))
        assert.strictEqual(refused.code, "ADDRESS_PRIVATE")
        assert.lengthOf(yield* client.list({ limit: 10 }), 3)
      })
    ))
})

describe("hooks of the environment", () => {
  it.live("hear of every run in the form that the sources name, and go when nobody names them", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      const env = {
        ORCHESTRATION_PROGRESS_WEBHOOK_URL: target.url,
        ORCHESTRATION_CHECKPOINT_WEBHOOK_URL: `http://${target.host}/checkpoints`
      }
      yield* Effect.gen(function*() {
        const { list, remove } = yield* WebhooksClient
        const flow = "name: asks\nnodes:\n  ok: { approval: \"Fine?\" }\n"
        const run = yield* start({ flow: { text: flow, file: "flow.yaml" } })
        yield* heard(target, (all) => all.some(({ path }) => path === "/checkpoints"))
        const { body } = target.all.find(({ path }) => path === "/checkpoints")!
        const said = JSON.parse(body)
        assert.deepInclude(said, { event: "orchestration.checkpoint.requested", runId: run })
        assert.deepInclude(said.data.run, {
          id: run,
          flow: "asks",
          stats: { totalSteps: 1, completedSteps: 0, progressPercentage: 0 }
        })
        assert.strictEqual(said.data.payload.type, "StepWaiting")
        assert.lengthOf(yield* list, 2)
        assert.strictEqual((yield* Effect.flip(remove("environment-progress"))).code, "WEBHOOK_OF_ENVIRONMENT")
      }).pipe(Effect.provide(baton(data, [], { env, webhooks: "attend" })))
      const listed = Effect.flatMap(WebhooksClient, ({ list }) => list)
      yield* Effect.provide(until(listed, (all) => all.length === 2), baton(data, [], { webhooks: "send" }))
      yield* Effect.provide(until(listed, (all) => all.length === 0), baton(data, [], { webhooks: "attend" }))
    }).pipe(Effect.scoped))

  it.live("that are no URLs are refused at the start, by name", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const env = { ORCHESTRATION_PROGRESS_WEBHOOK_URL: "not a url" }
      const refused = yield* Effect.flip(Effect.provide(Effect.void, baton(data, [], { env })))
      assert.strictEqual(refused.code, "CONFIG_INVALID")
      assert.include(refused.message, "ORCHESTRATION_PROGRESS_WEBHOOK_URL")
    }).pipe(Effect.scoped))
})
