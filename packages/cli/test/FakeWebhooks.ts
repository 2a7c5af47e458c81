/** Webhooks for tests of the command line: one, with one delivery that was given up. */
import { ClientError } from "@baton/contract/Client"
import type { DeliveryDocument, WebhookDocument } from "@baton/contract/WebhooksClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as Effect from "effect/Effect"

const at = "2026-01-01T00:00:00.000Z"

const webhook: WebhookDocument = {
  schema: "baton.webhook/1",
  id: "whk_1",
  scope: "tenant",
  run: null,
  url: "https://x.test/hook",
  events: ["*"],
  flow: null,
  tags: {},
  body: "event",
  signatures: ["standard"],
  issuer: null,
  audience: null,
  state: "active",
  reason: null,
  createdAt: at,
  createdBy: "local",
  updatedAt: at,
  secrets: [{ id: "wks_1", form: "standard", createdAt: at, expiresAt: null }],
  backlog: { runs: 2, failing: 1, failingSince: at }
}

const delivery: DeliveryDocument = {
  schema: "baton.delivery/1",
  id: "dlv_1",
  webhook: "whk_1",
  run: "run_1",
  event: "run_1/3",
  type: "orchestration.run.failed",
  state: "given_up",
  attempts: 9,
  status: 503,
  code: "HTTP_STATUS",
  message: "The receiver answered with status 503.",
  latencyMs: 12,
  at,
  nextAt: null
}

const none = (id: string) =>
  new ClientError({ reason: "not_found", code: "WEBHOOK_NOT_FOUND", message: `there is no webhook ${id}` })

/** Answers for `whk_1` and `dlv_1`; `record` keeps what was asked. */
export const make = (record: (...call: ReadonlyArray<unknown>) => Effect.Effect<void>): WebhooksClient["Service"] => {
  const known = <A>(id: string, answer: A) => id === webhook.id ? Effect.succeed(answer) : Effect.fail(none(id))
  return WebhooksClient.of({
    list: Effect.succeed([webhook]),
    add: (request) =>
      Effect.as(record("webhooks.add", request), {
        webhook: { ...webhook, url: request.url },
        secrets: request.secrets === undefined ? { standard: "whsec_made" } : {}
      }),
    show: (id) => known(id, webhook),
    change: (id, change) => Effect.andThen(record("webhooks.change", id, change), known(id, webhook)),
    remove: (id) => Effect.andThen(record("webhooks.remove", id), known(id, undefined)),
    rotate: (id, request) =>
      Effect.andThen(
        record("webhooks.rotate", id, request),
        known(id, { webhook, secrets: { standard: "whsec_new" } })
      ),
    test: (id) => known(id, { ...delivery, run: null, event: "dlv_1", attempts: 1 }),
    deliveries: (id, query) => Effect.andThen(record("webhooks.deliveries", id, query), known(id, [delivery])),
    resend: (id) => Effect.as(record("webhooks.resend", id), { ...delivery, state: "queued" as const })
  })
}
