/**
 * Webhooks, as a program may ask for them. Secrets go in and never come out again: what Baton makes itself is told once, in
 * the answer to the request that made it.
 */
import { DeliveryState, SignatureForm, WebhookState } from "@baton/kernel/Webhook"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"
import * as Wire from "./Wire.ts"

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.Union([schema, Schema.Null])

/** Of what could not be delivered no webhook is told. */
const isTold = (type: Wire.JournalType): type is Exclude<Wire.JournalType, "orchestration.delivery.given_up"> =>
  type !== "orchestration.delivery.given_up"

/** A type of the published list, or `*` for all of them. */
export const EventSelector = Schema.Literals(["*", ...Wire.journalTypes.filter(isTold)])
export type EventSelector = typeof EventSelector.Type

const Secret = Schema.Redacted(Schema.String)
const Tags = Schema.Record(Schema.String, Schema.String)

/** A hook that hears of one run, given with the request that starts it. Without a secret its deliveries are not signed. */
export const RunHook = Schema.Struct({
  url: Schema.String,
  secret: Schema.optionalKey(Secret),
  events: Schema.optionalKey(Schema.Array(EventSelector))
})
export type RunHook = typeof RunHook.Type

export const AddWebhook = Schema.Struct({
  url: Schema.String,
  /** Default: all. */
  events: Schema.optionalKey(Schema.Array(EventSelector)),
  /** Only runs of this flow. */
  flow: Schema.optionalKey(Schema.String),
  /** Only runs that carry all of these. */
  tags: Schema.optionalKey(Tags),
  /** Default: `standard` alone. */
  signatures: Schema.optionalKey(Schema.Array(SignatureForm)),
  /** Secrets by form; Baton makes those that are not given. */
  secrets: Schema.optionalKey(Schema.Record(SignatureForm, Schema.optional(Secret))),
  /** `iss` and `aud` of the JWT form. */
  issuer: Schema.optionalKey(Schema.String),
  audience: Schema.optionalKey(Schema.String)
})
export type AddWebhook = typeof AddWebhook.Type

/** What is absent stays as it is; null takes it away. */
export const ChangeWebhook = Schema.Struct({
  url: Schema.optionalKey(Schema.String),
  events: Schema.optionalKey(Schema.Array(EventSelector)),
  flow: Schema.optionalKey(nullable(Schema.String)),
  tags: Schema.optionalKey(Tags),
  issuer: Schema.optionalKey(nullable(Schema.String)),
  audience: Schema.optionalKey(nullable(Schema.String)),
  /** `active` begins with what is committed from then on. */
  state: Schema.optionalKey(Schema.Literals(["active", "disabled"]))
})
export type ChangeWebhook = typeof ChangeWebhook.Type

export const RotateSecret = Schema.Struct({
  /** Default: the webhook's only form. */
  form: Schema.optionalKey(SignatureForm),
  /** Default: Baton makes one. */
  secret: Schema.optionalKey(Secret),
  /** How long the one before stays good, in seconds; 24 hours by default. */
  overlapSeconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 * 24 * 3600 })))
})
export type RotateSecret = typeof RotateSecret.Type

/** Times are RFC 3339 UTC text. */
export const WebhookDocument = Schema.Struct({
  schema: Schema.Literal("baton.webhook/1"),
  id: Schema.String,
  /** `environment`: set by `ORCHESTRATION_…_WEBHOOK_URL`, and only there. */
  scope: Schema.Literals(["tenant", "run", "environment"]),
  run: nullable(Schema.String),
  url: Schema.String,
  events: Schema.Array(Schema.String),
  flow: nullable(Schema.String),
  tags: Tags,
  body: Schema.Literals(["event", "lifecycle"]),
  signatures: Schema.Array(SignatureForm),
  issuer: nullable(Schema.String),
  audience: nullable(Schema.String),
  state: WebhookState,
  reason: nullable(Schema.String),
  createdAt: Schema.String,
  createdBy: Schema.String,
  updatedAt: Schema.String,
  /** Never a value; of Ed25519 the public key. */
  secrets: Schema.Array(Schema.Struct({
    id: Schema.String,
    form: SignatureForm,
    createdAt: Schema.String,
    expiresAt: nullable(Schema.String),
    publicKey: Schema.optionalKey(Schema.String)
  })),
  /** Runs with something left to send, those whose last attempt failed, and since when. */
  backlog: Schema.Struct({
    runs: Schema.Int,
    failing: Schema.Int,
    failingSince: nullable(Schema.String)
  })
})
export type WebhookDocument = typeof WebhookDocument.Type

/** A webhook with the secrets that Baton has just made for it: they are told this once. */
export const MadeWebhook = Schema.Struct({
  webhook: WebhookDocument,
  secrets: Schema.Record(SignatureForm, Schema.optional(Schema.String))
})
export type MadeWebhook = typeof MadeWebhook.Type

export const DeliveryDocument = Schema.Struct({
  schema: Schema.Literal("baton.delivery/1"),
  id: Schema.String,
  webhook: Schema.String,
  /** Null: a test. */
  run: nullable(Schema.String),
  /** `webhook-id` of the delivery: `<run>/<seq>`, or its own id for a test. */
  event: Schema.String,
  type: Schema.String,
  state: DeliveryState,
  attempts: Schema.Int,
  status: nullable(Schema.Int),
  code: nullable(Schema.String),
  message: nullable(Schema.String),
  latencyMs: nullable(Schema.Int),
  at: Schema.String,
  nextAt: nullable(Schema.String)
})
export type DeliveryDocument = typeof DeliveryDocument.Type

export interface DeliveriesQuery {
  readonly state?: DeliveryState
  readonly run?: string
  /** Newest first; a page starts after the delivery of this id. */
  readonly after?: string
  readonly limit: number
}

export class WebhooksClient extends Context.Service<WebhooksClient, {
  /** Stored ones and the environment's, oldest first. */
  readonly list: Effect.Effect<ReadonlyArray<WebhookDocument>, ClientError>
  readonly add: (request: AddWebhook) => Effect.Effect<MadeWebhook, ClientError>
  readonly show: (id: string) => Effect.Effect<WebhookDocument, ClientError>
  readonly change: (id: string, change: ChangeWebhook) => Effect.Effect<WebhookDocument, ClientError>
  /** With its log, and all that was still to be sent. */
  readonly remove: (id: string) => Effect.Effect<void, ClientError>
  readonly rotate: (id: string, request: RotateSecret) => Effect.Effect<MadeWebhook, ClientError>
  /** Sends one delivery that no run has made, now. */
  readonly test: (id: string) => Effect.Effect<DeliveryDocument, ClientError>
  readonly deliveries: (
    id: string,
    query: DeliveriesQuery
  ) => Effect.Effect<ReadonlyArray<DeliveryDocument>, ClientError>
  /** Asks for a delivery once more: the same `webhook-id`, signed anew, out of order. */
  readonly resend: (delivery: string) => Effect.Effect<DeliveryDocument, ClientError>
}>()("baton/contract/WebhooksClient") {}
