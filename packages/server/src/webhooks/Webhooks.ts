/** Webhooks in a process: the sender, with what the environment adds. */
import type { ClientError } from "@baton/contract/Client"
import type { WebhookStoreError } from "@baton/engine/WebhookStore"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Parts } from "../Parts.ts"
import type * as Deliveries from "./Deliveries.ts"
import * as EnvironmentHooks from "./EnvironmentHooks.ts"
import * as Sender from "./Sender.ts"
import { WebhookLimits } from "./WebhookLimits.ts"

export const meansOf = (parts: Parts): Effect.Effect<Deliveries.Means> =>
  Effect.map(WebhookLimits, (limits) => ({ parts, webhooks: parts.webhooks, dialer: parts.dialer, limits }))

/** Sends until the scope closes. */
export const start = Effect.fnUntraced(function*(
  parts: Parts,
  mode: Sender.SenderOptions["mode"]
): Effect.fn.Return<void, ClientError | Config.ConfigError | WebhookStoreError, Scope.Scope> {
  const environment = yield* EnvironmentHooks.read(parts.clock.currentTimeMillisUnsafe())
  yield* Sender.start(yield* meansOf(parts), { mode, environment })
})
