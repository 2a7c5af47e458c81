/**
 * Webhooks, and what is still to be delivered to them.
 *
 * Promise. What must be delivered is derived from the journal. `relay` reads the records committed since it was last asked
 * and notes, per (webhook, run), a lane: how far it was sent and how far the journal goes. Its cursor and the lanes move in
 * one transaction; a commit itself writes nothing for a webhook, so a store without webhooks pays nothing. A process that
 * dies at any point leaves a cursor or a lane behind the truth, never ahead of it: deliveries come at least once.
 *
 * One session at a time has the seat of the sender; it is taken from a dead one only, so that no two processes ever deliver
 * for one lane. Secrets are encrypted at rest, bound to the URL, and read by the sender alone.
 */
import type { DeliveryState, SignatureForm, WebhookState } from "@baton/kernel/Webhook"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** Stored webhooks of one tenant; those of single runs are not counted. */
export const webhooksMax = 100
/** Deliveries that the log of one webhook keeps; the oldest go. */
export const deliveriesKept = 1000

export interface Webhook {
  readonly tenant: string
  /** Unique in the store. */
  readonly id: string
  /** `run`: it came with the request that started one run; `environment`: the process that sends was configured with it. */
  readonly scope: "tenant" | "run" | "environment"
  /** The one run it is about. */
  readonly run: string | undefined
  readonly url: string
  /** Wire types, or `*` alone. */
  readonly events: ReadonlyArray<string>
  /** Only runs of this flow. */
  readonly flow: string | undefined
  /** Only runs that carry all of these. */
  readonly tags: { readonly [key: string]: string }
  /** `event`: the envelope; `lifecycle`: `{event, runId, data}`, as the sources name it. */
  readonly body: "event" | "lifecycle"
  readonly forms: ReadonlyArray<SignatureForm>
  /** `iss` and `aud` of the JWT form. */
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly state: WebhookState
  /** Why it is not active. */
  readonly reason: string | undefined
  readonly createdAt: number
  readonly createdBy: string
  readonly updatedAt: number
}

export interface WebhookSecret {
  /** `kid` of the JWT form. */
  readonly id: string
  readonly form: SignatureForm
  readonly value: Redacted.Redacted<string>
  readonly createdAt: number
  /** While two overlap, when the older one goes. */
  readonly expiresAt: number | undefined
}

/** What may be changed of a webhook; what is absent stays. */
export type WebhookChange = Partial<
  Pick<Webhook, "url" | "events" | "flow" | "tags" | "state" | "reason" | "issuer" | "audience">
>

/** What is still to be sent of one run to one webhook. */
export interface Lane {
  readonly webhook: string
  readonly tenant: string
  readonly run: string
  /** Sequence of the last event that needs no more sending; the journal goes on to `head`. */
  readonly sent: number
  readonly head: number
  /** Failed attempts to send the event after `sent`, and when the first of them was. */
  readonly attempts: number
  readonly failingSince: number | undefined
}

/** One line of the delivery log. */
export interface Delivery {
  readonly id: string
  readonly webhook: string
  readonly tenant: string
  /** Absent: a test. */
  readonly run: string | undefined
  readonly seq: number | undefined
  readonly type: string
  readonly state: DeliveryState
  readonly attempts: number
  /** Status of the last answer. */
  readonly status: number | undefined
  /** Why the last attempt failed. */
  readonly code: string | undefined
  readonly message: string | undefined
  readonly latencyMs: number | undefined
  /** The last attempt; while it is queued, when that was asked for. */
  readonly at: number
  /** The next attempt. */
  readonly dueAt: number | undefined
}

/** What has become of a lane: written together. */
export interface Progress {
  readonly lane: Pick<Lane, "webhook" | "tenant" | "run">
  readonly sent: number
  readonly attempts: number
  readonly failingSince: number | undefined
  readonly dueAt: number
  readonly delivery: Delivery | undefined
  /** The run is over and all of it was sent. */
  readonly ended: boolean
}

/** Who has as many deliveries under way as they may. */
export interface Full {
  readonly webhooks: ReadonlyArray<string>
  readonly tenants: ReadonlyArray<string>
}

export interface Backlog {
  readonly webhook: string
  /** Runs with something left to send, those among them whose last attempt failed, and since when. */
  readonly runs: number
  readonly failing: number
  readonly failingSince: number | undefined
}

export interface DeliveryQuery {
  readonly tenant: string
  readonly webhook: string
  readonly state?: DeliveryState
  readonly run?: string
  /** Newest first; a page starts after this delivery. */
  readonly after?: string
  readonly limit: number
}

export class WebhookStoreError extends Schema.TaggedError<WebhookStoreError>()("WebhookStoreError", {
  reason: Schema.Literals(["unavailable", "corrupt", "undecryptable"]),
  message: Schema.String
}) {}

type Answer<A> = Effect.Effect<A, WebhookStoreError>

export class WebhookStore extends Context.Service<WebhookStore, {
  /**
   * From now on it is sent what is committed. One of this id is replaced; if that was active, its lanes go on.
   * False when the tenant has {@link webhooksMax} already.
   */
  readonly put: (webhook: Webhook, secrets: ReadonlyArray<WebhookSecret>) => Answer<boolean>
  /** False when there is none. A webhook that is not active any more loses its lanes. */
  readonly change: (tenant: string, id: string, change: WebhookChange, now: number) => Answer<boolean>
  readonly setSecrets: (
    tenant: string,
    id: string,
    secrets: ReadonlyArray<WebhookSecret>,
    now: number
  ) => Answer<boolean>
  readonly remove: (tenant: string, id: string) => Answer<boolean>
  readonly find: (tenant: string, id: string) => Answer<Webhook | undefined>
  /** Stored ones and those of the environment, oldest first; with `run`, those of that run. */
  readonly list: (tenant: string, run?: string) => Answer<ReadonlyArray<Webhook>>
  readonly secrets: (tenant: string, id: string) => Answer<ReadonlyArray<WebhookSecret>>
  /** Whether any webhook is active, or a delivery is asked for once more. */
  readonly isUsed: Answer<boolean>
  /** True while this process's session is the one that sends. */
  readonly takeSeat: Answer<boolean>
  readonly leaveSeat: Answer<void>
  /** Notes what the next `limit` records of the journal have for webhooks; how many there were. */
  readonly relay: (limit: number, now: number) => Answer<number>
  /** Lanes to send now, the longest due first, but those of `except`. */
  readonly due: (
    now: number,
    limit: number,
    except: Full
  ) => Answer<ReadonlyArray<Lane & { readonly owner: Webhook }>>
  readonly progress: (progress: Progress) => Answer<void>
  readonly deliveries: (query: DeliveryQuery) => Answer<ReadonlyArray<Delivery>>
  readonly delivery: (tenant: string, id: string) => Answer<Delivery | undefined>
  /** Writes a line of the log that belongs to no lane. */
  readonly note: (delivery: Delivery) => Answer<void>
  /** Asks for one delivery once more; false when there is none, it is under way, or its webhook is disabled. */
  readonly resend: (tenant: string, id: string, now: number) => Answer<boolean>
  /** Deliveries asked for once more that are due. */
  readonly queued: (now: number, limit: number) => Answer<ReadonlyArray<Delivery & { readonly owner: Webhook }>>
  /** Events of all tenants that were noted and not sent, those that no filter asks for among them. */
  readonly waiting: Answer<number>
  readonly backlog: (tenant: string) => Answer<ReadonlyArray<Backlog>>
}>()("baton/engine/WebhookStore") {}
