/** Webhooks in a process: what telling needs, and the sender with what the environment adds. */
import type { ClientError } from "@baton/contract/Client"
import { HttpDialer } from "@baton/engine/HttpDialer"
import type { WebhookStoreError } from "@baton/engine/WebhookStore"
import { WebhookStore } from "@baton/engine/WebhookStore"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Parts } from "../Parts.ts"
import * as Names from "../telemetry/MetricNames.ts"
import { Telemetry } from "../telemetry/Telemetry.ts"
import * as DeliveryTrace from "./DeliveryTrace.ts"
import * as EnvironmentHooks from "./EnvironmentHooks.ts"
import type { Outcome } from "./Post.ts"
import * as Sender from "./Sender.ts"
import * as UrlRule from "./UrlRule.ts"
import type { Limits } from "./WebhookLimits.ts"
import * as WebhookLimits from "./WebhookLimits.ts"

export interface Telling {
  readonly store: WebhookStore["Service"]
  readonly dialer: HttpDialer["Service"]
  /** What is wrong with the URL of a webhook. */
  readonly urlRule: UrlRule.UrlRule
  readonly limits: Limits
  /** Hears how each attempt ended. */
  readonly tried: (outcome: Outcome["kind"]) => void
  /** Makes an attempt part of its run's trace. */
  readonly traced: DeliveryTrace.DeliveryTrace
  /** One change of secrets at a time: each reads them, and writes all of them. */
  readonly changing: Semaphore.Semaphore
  /** Places for tests. */
  readonly tests: Semaphore.Semaphore
}

export const make: Effect.Effect<Telling, Config.ConfigError, WebhookStore | HttpDialer | Telemetry> = Effect.gen(
  function*() {
    const store = yield* WebhookStore
    const { meter, sampler, scrapes, sink } = yield* Telemetry
    if (meter !== undefined) {
      scrapes.add(Effect.ignore(Effect.map(store.waiting, meter.of(Names.webhooksWaiting))))
    }
    const limits = yield* WebhookLimits.load
    return {
      store,
      changing: yield* Semaphore.make(1),
      tests: yield* Semaphore.make(limits.testsMax),
      tried: (outcome) => meter?.of(Names.webhooks, outcome)(1),
      traced: DeliveryTrace.make(sink, sampler),
      dialer: yield* HttpDialer,
      urlRule: yield* UrlRule.make,
      limits
    }
  }
)

/** Sends until the scope closes. */
export const start = Effect.fnUntraced(function*(
  parts: Parts,
  mode: Sender.SenderOptions["mode"]
): Effect.fn.Return<void, ClientError | Config.ConfigError | WebhookStoreError, Scope.Scope> {
  const environment = yield* EnvironmentHooks.read(parts.clock.currentTimeMillisUnsafe())
  yield* Sender.start(parts, { mode, environment })
})
