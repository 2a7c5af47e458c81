/** What the doctor has to say of webhooks; nothing where there are none. */
import type { ClientError } from "@baton/contract/Client"
import type { Finding } from "@baton/contract/StoreClient"
import { timeText } from "@baton/contract/Wire"
import type { Backlog, Webhook } from "@baton/engine/WebhookStore"
import * as Effect from "effect/Effect"
import type { Parts } from "../Parts.ts"
import * as WebhookSecrets from "./WebhookSecrets.ts"

const ofStates = (all: ReadonlyArray<Webhook>): Finding => {
  const disabled = all.filter(({ state }) => state === "disabled")
  return disabled.length === 0
    ? { id: "webhooks.active", status: "ok", message: `${all.length} webhooks, all active` }
    : {
      id: "webhooks.active",
      status: "warn",
      message: `${disabled.length} webhooks are disabled, such as ${disabled[0]?.id}: ${disabled[0]?.reason}`,
      fix: `baton webhooks enable ${disabled[0]?.id}`
    }
}

const ofBacklogs = (failing: ReadonlyArray<Backlog>): Finding => {
  const [first] = failing
  return first === undefined
    ? { id: "webhooks.backlog", status: "ok", message: "no webhook refuses what it is sent" }
    : {
      id: "webhooks.backlog",
      status: "warn",
      message:
        `${failing.length} webhooks do not take what they are sent, such as ${first.webhook}: ${first.failing} runs${
          first.failingSince === undefined ? "" : ` since ${timeText(first.failingSince)}`
        }`,
      fix: `baton webhooks deliveries ${first.webhook}`
    }
}

const ofSecrets = (unreadable: ReadonlyArray<Webhook>): ReadonlyArray<Finding> =>
  unreadable.length === 0 ? [] : [{
    id: "webhooks.secrets",
    status: "fail",
    message: `the secrets of ${unreadable.length} webhooks were sealed with another key, such as ${unreadable[0]?.id}`,
    fix: `start with that key (BATON_KEY), or: baton webhooks rotate ${unreadable[0]?.id}`
  }]

export const findings = Effect.fnUntraced(
  function*(parts: Parts): Effect.fn.Return<ReadonlyArray<Finding>, ClientError> {
    const { store } = parts.webhooks
    const all = yield* WebhookSecrets.asked(store.list(parts.tenant))
    if (all.length === 0) return []
    const failing = (yield* WebhookSecrets.asked(store.backlog(parts.tenant))).filter((one) => one.failing > 0)
    const unreadable = yield* Effect.filter(
      all,
      (webhook) => Effect.map(WebhookSecrets.read(parts, webhook), (secrets) => secrets === undefined)
    )
    return [ofStates(all), ofBacklogs(failing), ...ofSecrets(unreadable)]
  }
)
