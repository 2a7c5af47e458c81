/** A data folder, a receiver and a Baton that may reach it, for the length of one test. */
import { Client } from "@baton/contract/Client"
import type { DeliveryDocument } from "@baton/contract/WebhooksClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"
import { defaults, type Limits, WebhookLimits } from "../src/webhooks/WebhookLimits.ts"
import { Receiver } from "./Receiver.ts"

/** Two steps, seven events. */
export const hello = `name: hello
nodes:
  one: { value: "\${ 1 }" }
  two: { needs: [one], value: "\${ needs.one + 1 }" }
output: "\${ nodes.two.output }"
`

export const receiver = Effect.acquireRelease(
  Effect.promise(() => new Receiver().open()),
  (one) => Effect.sync(() => one.close())
)

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-webhooks-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const quick: Partial<Limits> = {
  retryFirst: Duration.millis(4),
  retryMax: Duration.millis(50),
  lookEvery: Duration.millis(10),
  idleEvery: Duration.millis(10),
  stopGrace: Duration.millis(200)
}

export interface Surroundings {
  readonly env?: { readonly [name: string]: string }
  readonly limits?: Partial<Limits>
  readonly webhooks?: "send" | "attend" | "none"
}

/** `allow`: hosts inside that calls may reach. */
export const baton = (
  data: string,
  allow: ReadonlyArray<string>,
  { env = {}, limits = {}, webhooks }: Surroundings = {}
) =>
  Local.layer({
    data,
    handlers: undefined,
    adopt: false,
    outputRoot: join(data, "output"),
    ...(webhooks === undefined ? {} : { webhooks })
  }).pipe(
    Layer.provide(Layer.succeed(WebhookLimits, { ...defaults, ...quick, ...limits })),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { BATON_NET_ALLOW: allow.join(","), ...env } })))
  )

export const start = (more: Partial<Parameters<Client["Service"]["start"]>[0]> = {}) =>
  Effect.flatMap(Client, (client) =>
    Effect.map(
      client.start({ flow: { text: hello, file: "flow.yaml" }, input: {}, ...more }),
      ({ id }) => id
    ))

export interface Desk {
  readonly target: Receiver
  readonly data: string
}

/** One receiver, one data folder, one process. */
export const atDesk = <A, E>(
  test: (desk: Desk) => Effect.Effect<A, E, Client | WebhooksClient>,
  surroundings: Surroundings = {}
) =>
  Effect.gen(function*() {
    const target = yield* receiver
    const data = yield* folder
    return yield* Effect.provide(test({ target, data }), baton(data, [target.host], surroundings))
  }).pipe(Effect.scoped)

/** The log once `enough` of it is there: the line of a delivery follows the answer, which the receiver sees first. */
export const logged = (
  id: string,
  enough: (log: ReadonlyArray<DeliveryDocument>) => boolean
): Effect.Effect<ReadonlyArray<DeliveryDocument>, unknown, WebhooksClient> =>
  Effect.gen(function*() {
    const { deliveries } = yield* WebhooksClient
    const log = yield* deliveries(id, { limit: 500 })
    if (enough(log)) return log
    yield* Effect.sleep(5)
    return yield* logged(id, enough)
  })

export const heard = (target: Receiver, enough: Parameters<Receiver["until"]>[0]) =>
  Effect.promise(() => target.until(enough))
