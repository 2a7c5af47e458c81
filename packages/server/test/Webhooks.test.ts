/** Webhooks over a real loopback receiver: everything that was committed comes, run by run in order, and is genuine. */
import { Client } from "@baton/contract/Client"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isLast } from "./Receiver.ts"
import { atDesk, baton, folder, heard, logged, receiver, start } from "./WebhookDesk.ts"

const seconds = Effect.map(Clock.currentTimeMillis, (now) => Math.floor(now / 1000))

describe("a webhook", () => {
  it.live("hears every event of a run once, in order, signed; its secret is nowhere to be read", () =>
    atDesk(({ data, target }) =>
      Effect.gen(function*() {
        const { add, list } = yield* WebhooksClient
        const { secrets, webhook } = yield* add({ url: target.url })
        const secret = secrets.standard!
        assert.match(secret, /^whsec_/)
        const run = yield* start()
        yield* heard(target, (all) => all.some(isLast))
        assert.deepStrictEqual(target.ids, target.ids.map((_, index) => `${run}/${index + 1}`))
        assert.strictEqual(target.all[0]!.type, "orchestration.run.created")
        const now = yield* seconds
        for (const { body, headers } of target.all) {
          assert.isTrue(WebhookSignature.verify(secret, headers, body, now).valid)
        }
        for (const { name } of readdirSync(data, { withFileTypes: true }).filter((entry) => entry.isFile())) {
          assert.isFalse(readFileSync(join(data, name)).includes(secret), name)
        }
        assert.notInclude(JSON.stringify([webhook, yield* list]), secret)
      })
    ))

  it.live("that fails is asked again until it takes the event, and nothing overtakes it", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        const statuses = [500, 429, 408, 0, 200]
        target.answer = (_received, response, n) => {
          const status = statuses[(n - 1) % statuses.length]!
          if (status === 0) response.destroy()
          else response.writeHead(status).end()
        }
        const run = yield* start()
        yield* heard(target, (all) => all.filter(isLast).length === statuses.length)
        const events = target.ids.length / statuses.length
        const expected = Array.from({ length: events }, (_, index) => statuses.map(() => `${run}/${index + 1}`))
        assert.deepStrictEqual(target.ids, expected.flat())
        const log = yield* logged(
          webhook.id,
          (log) => log.filter(({ state }) => state === "delivered").length === events
        )
        assert.isTrue(log.every(({ attempts, status }) => attempts === statuses.length && status === 200))
      })
    ))

  it.live(
    "hears 1,000 events in order although every tenth is refused at first",
    () =>
      atDesk(({ target }) =>
        Effect.gen(function*() {
          const { add } = yield* WebhooksClient
          yield* add({ url: target.url })
          target.answer = (_received, response, n) => void response.writeHead(n % 10 === 0 ? 503 : 204).end()
          const flow = "name: many\nnodes:\n  many:\n    map: \"${ input.list }\"\n    each: { value: \"${ item }\" }\n"
          const list = Array.from({ length: 510 }, (_, n) => n)
          const run = yield* start({ flow: { text: flow, file: "flow.yaml" }, input: { list } })
          yield* heard(target, (all) => all.some(isLast))
          const once = target.ids.filter((id, index) => id !== target.ids[index - 1])
          assert.isAtLeast(once.length, 1000)
          assert.deepStrictEqual(once, once.map((_, index) => `${run}/${index + 1}`))
        }), { limits: { retryMax: Duration.millis(1), retryFirst: Duration.millis(1) } }),
    60_000
  )

  it.live("hears what was committed while nobody sent, once somebody does", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      const run = yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        yield* add({ url: target.url })
        const client = yield* Client
        const run = yield* start()
        while ((yield* client.show(run)).status !== "succeeded") yield* Effect.sleep(5)
        return run
      }).pipe(Effect.provide(baton(data, [target.host], { webhooks: "none" })))
      assert.lengthOf(target.all, 0)
      yield* Effect.provide(heard(target, (all) => all.some(isLast)), baton(data, [target.host]))
      assert.deepStrictEqual(target.ids, target.ids.map((_, index) => `${run}/${index + 1}`))
    }).pipe(Effect.scoped))

  it.live("hears from one of two processes alone, and from the other once that one is gone", () =>
    Effect.gen(function*() {
      const target = yield* receiver
      const data = yield* folder
      // The first sends until its scope closes; the second has been there all the time.
      const second = baton(data, [target.host])
      yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        yield* add({ url: target.url })
        const runs = yield* Effect.forEach([1, 2, 3], () => start())
        yield* Effect.provide(
          Effect.gen(function*() {
            const more = yield* start()
            yield* heard(target, (all) => all.filter(isLast).length === 4)
            assert.strictEqual(new Set(target.ids).size, target.ids.length)
            assert.isTrue([...runs, more].every((run) => target.ids.some((id) => id.startsWith(run))))
          }),
          baton(data, [target.host])
        )
        const last = yield* start()
        yield* heard(target, (all) => all.filter(isLast).length === 5)
        assert.isTrue(target.ids.some((id) => id.startsWith(last)))
      }).pipe(Effect.provide(second))
    }).pipe(Effect.scoped))
})

describe("one receiver among others", () => {
  it.live("that hangs holds nobody up", () =>
    Effect.gen(function*() {
      const slow = yield* receiver
      const target = yield* receiver
      const data = yield* folder
      slow.answer = () => undefined
      yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { webhook } = yield* add({ url: slow.url })
        yield* add({ url: target.url })
        yield* Effect.forEach(Array.from({ length: 10 }), () => start())
        yield* heard(target, (all) => all.filter(isLast).length === 10)
        const [line] = yield* logged(webhook.id, (log) => log.some(({ attempts }) => attempts > 1))
        assert.deepInclude(line, { state: "pending", status: null, code: "TIMEOUT_TOTAL" })
      }).pipe(Effect.provide(baton(data, [slow.host, target.host], { limits: { timeout: Duration.millis(500) } })))
    }).pipe(Effect.scoped), 60_000)
})

describe("signatures", () => {
  it.live("of every form prove the same delivery", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { secrets, webhook } = yield* add({
          url: target.url,
          signatures: ["standard", "ed25519", "timestamped", "jwt", "token"],
          audience: "receiver"
        })
        assert.deepStrictEqual(Object.keys(secrets).sort(), ["jwt", "standard", "timestamped", "token"])
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        const { body, headers } = target.all[0]!
        const now = yield* seconds
        const key = webhook.secrets.find(({ form }) => form === "ed25519")!.publicKey!
        assert.isTrue(WebhookSignature.verify(secrets.standard!, headers, body, now).valid)
        assert.isTrue(WebhookSignature.verify(key, headers, body, now).valid)
        assert.strictEqual(headers["x-a2a-token"], secrets.token)
        const stamp = Number(headers["x-a2a-timestamp"])
        const expected = WebhookSignature.timestamped(Redacted.make(secrets.timestamped!), stamp, body)
        assert.strictEqual(headers["x-a2a-signature"], expected)
        const claims = headers.authorization!.split(".")[1]!
        assert.deepInclude(JSON.parse(Buffer.from(claims, "base64url").toString()), { aud: "receiver" })
      })
    ))

  it.live("of both secrets come while they overlap, then of the new one alone", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, rotate, test } = yield* WebhooksClient
        const { secrets, webhook } = yield* add({ url: target.url })
        const once = Effect.fnUntraced(function*(secret: string) {
          yield* test(webhook.id)
          const { body, headers } = target.all.at(-1)!
          return WebhookSignature.verify(secret, headers, body, yield* seconds).valid
        })
        const rotated = yield* rotate(webhook.id, {})
        assert.lengthOf(rotated.webhook.secrets, 2)
        assert.isTrue(yield* once(secrets.standard!))
        assert.isTrue(yield* once(rotated.secrets.standard!))
        const again = yield* rotate(webhook.id, { overlapSeconds: 0 })
        assert.isFalse(yield* once(rotated.secrets.standard!))
        assert.isTrue(yield* once(again.secrets.standard!))
      })
    ))
})
