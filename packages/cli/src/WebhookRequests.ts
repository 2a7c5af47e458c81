/** What is asked for below `baton webhooks`. */
import type { DeliveryState, SignatureForm } from "@baton/kernel/Webhook"

export interface WebhooksList {
  readonly _tag: "WebhooksList"
}

export interface WebhooksAdd {
  readonly _tag: "WebhooksAdd"
  readonly url: string
  readonly event: ReadonlyArray<string>
  readonly flow: string | undefined
  /** `KEY=VALUE` */
  readonly tag: ReadonlyArray<string>
  readonly sign: ReadonlyArray<SignatureForm>
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** The secret comes from stdin or a hidden prompt. */
  readonly ownSecret: boolean
}

export interface WebhooksShow {
  readonly _tag: "WebhooksShow"
  readonly id: string
}

export interface WebhooksTest {
  readonly _tag: "WebhooksTest"
  readonly id: string
}

export interface WebhooksState {
  readonly _tag: "WebhooksState"
  readonly id: string
  readonly state: "active" | "disabled"
}

export interface WebhooksRotate {
  readonly _tag: "WebhooksRotate"
  readonly id: string
  readonly form: SignatureForm | undefined
  /** Milliseconds. */
  readonly overlap: number | undefined
  readonly ownSecret: boolean
}

export interface WebhooksRemove {
  readonly _tag: "WebhooksRemove"
  readonly id: string
}

export interface WebhooksDeliveries {
  readonly _tag: "WebhooksDeliveries"
  readonly id: string
  readonly state: DeliveryState | undefined
  readonly run: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

export interface WebhooksResend {
  readonly _tag: "WebhooksResend"
  readonly delivery: string
}

export type WebhookRequest =
  | WebhooksList
  | WebhooksAdd
  | WebhooksShow
  | WebhooksTest
  | WebhooksState
  | WebhooksRotate
  | WebhooksRemove
  | WebhooksDeliveries
  | WebhooksResend
