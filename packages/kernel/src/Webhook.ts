/** Words about webhooks that the store, the wire and the sender share. */
import * as Schema from "effect/Schema"

/**
 * How a delivery proves where it comes from; a webhook may use several at once.
 *
 * `standard`: Standard Webhooks 1.0.0, `v1` (HMAC-SHA-256) · `ed25519`: the same, `v1a` · `timestamped`: `X-A2A-Timestamp`
 * and `X-A2A-Signature`, HMAC-SHA-256 in hex over `timestamp.body` · `jwt`: a bearer token (HS256) with the body's hash ·
 * `token`: `X-A2A-Token`, a word that both sides know.
 */
export const SignatureForm = Schema.Literals(["standard", "ed25519", "timestamped", "jwt", "token"])
export type SignatureForm = typeof SignatureForm.Type

/** `ended`: it belonged to one run, which is over. */
export const WebhookState = Schema.Literals(["active", "disabled", "ended"])
export type WebhookState = typeof WebhookState.Type

/**
 * `pending`: it is tried again · `queued`: asked for once more by hand · `failed`: the receiver refused it for good ·
 * `given_up`: the receiver was out of reach for too long.
 */
export const DeliveryState = Schema.Literals(["pending", "queued", "delivered", "failed", "given_up"])
export type DeliveryState = typeof DeliveryState.Type
