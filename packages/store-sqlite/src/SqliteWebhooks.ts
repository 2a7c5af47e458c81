/** Webhooks in the store file. Their secrets are sealed with the store's key, each list bound to its webhook and its URL. */
import type { RunStoreError } from "@baton/engine/RunStore"
import type { SecretsError } from "@baton/engine/Secrets"
import type { WebhookSecret } from "@baton/engine/WebhookStore"
import { WebhookStore, WebhookStoreError } from "@baton/engine/WebhookStore"
import { SignatureForm } from "@baton/kernel/Webhook"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as DeliveryTable from "./DeliveryTable.ts"
import * as LaneTable from "./LaneTable.ts"
import * as SecretBox from "./SecretBox.ts"
import type { StoreAccess } from "./StoreAccess.ts"
import * as WebhookTable from "./WebhookTable.ts"

const refail = <A>(effect: Effect.Effect<A, RunStoreError>): Effect.Effect<A, WebhookStoreError> =>
  Effect.mapError(
    effect,
    ({ message, reason }) =>
      new WebhookStoreError({ reason: reason === "corrupt" ? "corrupt" : "unavailable", message })
  )

const Stored = Schema.fromJsonString(Schema.Array(Schema.Struct({
  id: Schema.String,
  form: SignatureForm,
  value: Schema.String,
  createdAt: Schema.Number,
  expiresAt: Schema.optionalKey(Schema.Number)
})))
const decode = Schema.decodeUnknownEffect(Stored)

const undecryptable = (id: string): WebhookStoreError =>
  new WebhookStoreError({
    reason: "undecryptable",
    message:
      `The secrets of webhook ${id} cannot be opened: they were sealed with another key or have been changed. Rotate them.`
  })

const textOf = (secrets: ReadonlyArray<WebhookSecret>): Redacted.Redacted<string> =>
  Redacted.make(JSON.stringify(secrets.map(({ expiresAt, value, ...rest }) => ({
    ...rest,
    value: Redacted.value(value),
    ...(expiresAt === undefined ? {} : { expiresAt })
  }))))

/** No secret of the `secrets` port has a colon in its name. */
const nameOf = (id: string): string => `webhook:${id}`

/** `folder` holds the session files; none in memory. */
export const make = (
  { read, write }: StoreAccess,
  key: Effect.Effect<SecretBox.Key, SecretsError>,
  session: string,
  folder: string | undefined
) => {
  const opened = Effect.mapError(key, ({ message }) => new WebhookStoreError({ reason: "unavailable", message }))
  const sealed = (tenant: string, id: string, url: string, secrets: ReadonlyArray<WebhookSecret>) =>
    Effect.map(opened, (key) => SecretBox.seal(key, tenant, nameOf(id), textOf(secrets), url))
  const secrets = Effect.fnUntraced(function*(tenant: string, id: string) {
    const row = yield* refail(read((connection) => WebhookTable.findSealed(connection, tenant, id)))
    if (row === undefined) return []
    const { url, ...box } = row
    const text = SecretBox.unseal(yield* opened, tenant, nameOf(id), { ...box, hosts: url, updatedAt: 0 })
    if (text === undefined) return yield* undecryptable(id)
    const list = yield* Effect.mapError(decode(Redacted.value(text)), () => undecryptable(id))
    return list.map(({ expiresAt, value, ...rest }) => ({ ...rest, value: Redacted.make(value), expiresAt }))
  })
  return WebhookStore.of({
    put: (webhook, list) =>
      Effect.flatMap(
        sealed(webhook.tenant, webhook.id, webhook.url, list),
        (box) => refail(write("putWebhook", webhook, box))
      ),
    change: Effect.fnUntraced(function*(tenant, id, change, now) {
      const box = change.url === undefined
        ? undefined
        : yield* sealed(tenant, id, change.url, yield* secrets(tenant, id))
      return yield* refail(write("changeWebhook", tenant, id, { ...change, sealed: box }, now))
    }),
    setSecrets: Effect.fnUntraced(function*(tenant, id, list, now) {
      const found = yield* refail(read((connection) => WebhookTable.find(connection, tenant, id)))
      if (found === undefined) return false
      return yield* refail(write("sealWebhook", found, yield* sealed(tenant, id, found.url, list), now))
    }),
    remove: (tenant, id) => refail(write("removeWebhook", tenant, id)),
    find: (tenant, id) => refail(read((connection) => WebhookTable.find(connection, tenant, id))),
    list: (tenant, run) => refail(read((connection) => WebhookTable.list(connection, tenant, run))),
    secrets,
    isUsed: refail(read(WebhookTable.isWanted)),
    takeSeat: refail(write("takeSeat", session, folder)),
    leaveSeat: refail(write("leaveSeat", session)),
    relay: (limit, now) => refail(write("relayWebhooks", limit, now)),
    due: (now, limit, except) => refail(read((connection) => LaneTable.due(connection, now, limit, except))),
    progress: (progress) => refail(write("webhookProgress", progress)),
    deliveries: (query) => refail(read((connection) => DeliveryTable.list(connection, query))),
    delivery: (tenant, id) => refail(read((connection) => DeliveryTable.find(connection, tenant, id))),
    note: (delivery) => refail(write("noteDelivery", delivery)),
    resend: (tenant, id, now) => refail(write("resendDelivery", tenant, id, now)),
    queued: (now, limit) => refail(read((connection) => DeliveryTable.queued(connection, now, limit))),
    waiting: refail(read(LaneTable.waiting)),
    backlog: (tenant) => refail(read((connection) => LaneTable.backlog(connection, tenant)))
  })
}
