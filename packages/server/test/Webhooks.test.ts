/** Webhooks over a real loopback receiver: everything that was committed comes, run by run in order, and is genuine. */
import { Client } from "@baton/contract/Client"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"
import { defaults, type Limits, WebhookLimits } from "../src/webhooks/WebhookLimits.ts"
import { isLast, Receiver, typeOf } from "./Receiver.ts"

const hello = `name: hello
nodes:
  one: { value: "\${ 1 }" }
  two: { needs: [one], value: "\${ needs.one + 1 }" }
output: "\${ nodes.two.output }"
`

const receiver = Effect.acquireRelease(
  Effect.promise(() => new Receiver().open()),
  (one) => Effect.sync(() => one.close())
)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-webhooks-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const quick: Limits = {
  ...defaults,
  retryFirst: Duration.millis(4),
  retryMax: Duration.millis(50),
  idleEvery: Duration.millis(20)
}

interface Surroundings {
  readonly env?: { readonly [name: string]: string }
  readonly limits?: Partial<Limits>
  readonly webhooks?: "send" | "attend" | "none"
}

const baton = (data: string, allow: ReadonlyArray<string>, { env = {}, limits = {}, webhooks }: Surroundings = {}) =>
  Local.layer({
    data,
    handlers: undefined,
    adopt: false,
    outputRoot: join(data, "output"),
    ...(webhooks === undefined ? {} : { webhooks })
  }).pipe(
    Layer.provide(Layer.succeed(WebhookLimits, { ...quick, ...limits })),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { BATON_NET_ALLOW: allow.join(","), ...env } })))
  )

const start = (flow = hello) =>
  Effect.flatMap(
    Client,
    (client) => Effect.map(client.start({ flow: { text: flow, file: "flow.yaml" }, input: {} }), ({ id }) => id)
  )

/** A first body of work: one receiver, one data folder, one process. */
const withOne = <A, E>(
  test: (one: { readonly target: Receiver; readonly data: string }) => Effect.Effect<A, E, Client | WebhooksClient>,
  surroundings: Surroundings = {}
) =>
  Effect.gen(function*() {
    const target = yield* receiver
    const data = yield* folder
    return yield* Effect.provide(test({ target, data }), baton(data, [target.host], surroundings))
  }).pipe(Effect.scoped)

describe("a webhook", () => {
  it.live("hears every event of a run once, in order, signed", () =>
    withOne(({ data, target }) =>
      Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        const { secrets, webhook } = yield* add({ url: target.url })
        const secret = secrets.standard!
        assert.match(secret, /^whsec_/)
        assert.strictEqual(webhook.state, "active")
        const run = yield* start()
        yield* Effect.promise(() => target.until((all) => all.some(isLast)))
        assert.deepStrictEqual(target.ids, target.ids.map((_, index) => `${run}/${index + 1}`))
        assert.strictEqual(typeOf(target.all[0]!), "orchestration.run.created")
        const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        for (const { body, headers } of target.all) {
          assert.isTrue(WebhookSignature.verify(secret, headers, body, now).valid)
        }
        const files = readdirSync(data, { withFileTypes: true }).filter((entry) => entry.isFile())
        for (const { name } of files) assert.isFalse(readFileSync(join(data, name)).includes(secret), name)
      })
    ))

  it.live("that fails is tried again until it takes the event, and nothing overtakes it", () =>
    withOne(({ target }) =>
      Effect.gen(function*() {
        const { add, deliveries } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        const statuses = [500, 503, 429, 408, 0]
        target.answer = (_received, response, n) => {
          const status = statuses[(n - 1) % (statuses.length + 1)]
          if (status === 0) response.destroy()
          else response.writeHead(status ?? 200).end()
        }
        const run = yield* start()
        yield* Effect.promise(() => target.until((all) => all.filter(isLast).length === statuses.length + 1))
        const events = target.ids.length / (statuses.length + 1)
        const expected = Array.from({ length: events }, (_, index) =>
          Array.from({ length: 6 }, () => `${run}/${index + 1}`))
        assert.deepStrictEqual(target.ids, expected.flat())
        const log = yield* untilLogged(deliveries(webhook.id, { limit: 100 }), events)
        assert.isTrue(log.every(({ attempts, state, status }) =>
          state === "delivered" && attempts === 6 && status === 200
        ))
      })
    ))
})

/** The line of a delivery is written when its answer has come: shortly after the receiver knows of it. */
const untilLogged = <D extends { readonly state: string }, E>(
  read: Effect.Effect<ReadonlyArray<D>, E>,
  count: number
): Effect.Effect<ReadonlyArray<D>, E> =>
  Effect.flatMap(read, (found) =>
    found.filter(({ state }) => state !== "pending").length >= count
      ? Effect.succeed(found)
      : Effect.andThen(Effect.sleep(5), untilLogged(read, count)))
