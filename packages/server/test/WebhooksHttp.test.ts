/** Webhooks over HTTP: the same words, answers and errors as in process, and no secret in what comes back later. */
import { Client } from "@baton/contract/Client"
import * as RemotePorts from "@baton/contract/remote/RemotePorts"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { join } from "node:path"
import * as Serve from "../src/Serve.ts"
import { defaults, WebhookLimits } from "../src/webhooks/WebhookLimits.ts"
import { isLast } from "./Receiver.ts"
import { folder, heard, receiver, start } from "./WebhookDesk.ts"

const served = (data: string, allow: string) =>
  Serve.layer({
    host: "127.0.0.1",
    port: 0,
    mode: "dev",
    data,
    handlers: undefined,
    outputRoot: join(data, "output")
  }).pipe(
    Layer.provide(Layer.succeed(WebhookLimits, { ...defaults, idleEvery: Duration.millis(10) })),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { BATON_NET_ALLOW: allow } })))
  )

const base = Effect.map(
  HttpServer.HttpServer,
  ({ address }) => `http://127.0.0.1:${"port" in address ? address.port : 0}`
)

const remote = Layer.unwrap(Effect.map(base, (url) => RemotePorts.layer({ url, key: undefined })))

describe("webhooks over HTTP", () => {
  it.live(
    "are added, hear of runs, are changed, rotated, tested, sent again and removed",
    () =>
      Effect.gen(function*() {
        const target = yield* receiver
        const data = yield* folder
        yield* Effect.gen(function*() {
          const webhooks = yield* WebhooksClient
          const refused = yield* Effect.flip(webhooks.add({ url: "http://192.168.1.1/" }))
          assert.deepStrictEqual([refused.reason, refused.code], ["invalid", "ADDRESS_PRIVATE"])
          const own = WebhookSignature.secretOf("standard", new Uint8Array(32).fill(3))
          const { secrets, webhook } = yield* webhooks.add({ url: target.url, secrets: { standard: own } })
          assert.deepStrictEqual(secrets, {})
          const run = yield* start({ webhook: { url: `${target.url}/of-run`, secret: own } })
          yield* heard(target, (all) => all.filter(isLast).length === 2)
          const changed = yield* webhooks.change(webhook.id, { events: ["orchestration.run.failed"], tags: { a: "b" } })
          assert.deepInclude(changed, { events: ["orchestration.run.failed"], tags: { a: "b" }, state: "active" })
          const rotated = yield* webhooks.rotate(webhook.id, { overlapSeconds: 60 })
          assert.match(rotated.secrets.standard!, /^whsec_/)
          assert.deepInclude(yield* webhooks.test(webhook.id), { state: "delivered", status: 204 })
          const log = yield* webhooks.deliveries(webhook.id, { limit: 100, run })
          assert.isTrue(log.every(({ state }) => state === "delivered"))
          const before = target.all.length
          assert.strictEqual((yield* webhooks.resend(log[0]!.id)).state, "queued")
          yield* heard(target, (all) => all.length > before)
          assert.strictEqual(target.ids.at(-1), log[0]!.event)
          const shown = JSON.stringify([yield* webhooks.list, yield* webhooks.show(webhook.id), log])
          for (const secret of [Redacted.value(own), rotated.secrets.standard!]) assert.notInclude(shown, secret)
          const metrics = yield* Effect.flatMap(base, (url) =>
            Effect.promise(async () => (await fetch(`${url}/metrics`)).text()))
          assert.match(metrics, /^baton_webhook_deliveries_total\{outcome="delivered"\} \d+$/m)
          assert.match(metrics, /^baton_webhook_waiting \d+$/m)
          yield* webhooks.remove(webhook.id)
          const gone = yield* Effect.flip(webhooks.show(webhook.id))
          assert.deepStrictEqual([gone.reason, gone.code], ["not_found", "WEBHOOK_NOT_FOUND"])
          const client = yield* Client
          assert.strictEqual((yield* client.show(run)).status, "succeeded")
        }).pipe(Effect.provide(Layer.provideMerge(remote, served(data, target.host))))
      }).pipe(Effect.scoped),
    30_000
  )
})
