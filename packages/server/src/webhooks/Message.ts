/** What is sent: the body of an event, and the headers that prove where it comes from. */
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import * as Wire from "@baton/contract/Wire"
import type { Webhook, WebhookSecret } from "@baton/engine/WebhookStore"
import type { Event } from "@baton/kernel/Event"
import type { Json } from "@baton/kernel/Value"
import * as Redacted from "effect/Redacted"

export interface Message {
  /** `webhook-id`: the same however often it is sent. */
  readonly id: string
  readonly run: string
  readonly type: string
  readonly contentType: string
  readonly body: Uint8Array
}

const encode = (value: Json): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify(value)))

/** The event without what made it too large; it can be read in full where `source` says. */
const shortened = (event: Event, bytes: number): Json => ({ type: event.type, at: event.at, omittedBytes: bytes })

/** `snapshot` is the run as the sources' lifecycle hooks show it. */
export const ofEvent = (
  webhook: Pick<Webhook, "body">,
  run: string,
  seq: number,
  event: Event,
  snapshot: Json,
  bytesMax: number
): Message => {
  const envelope = Wire.fromEvent(run, seq, event)
  const make = (data: Json): Uint8Array =>
    encode(
      webhook.body === "event"
        ? { ...envelope, data }
        : { event: envelope.type, runId: run, data: { timestamp: envelope.time, run: snapshot, payload: data } }
    )
  const whole = make(envelope.data)
  return {
    id: envelope.id,
    run,
    type: envelope.type,
    contentType: webhook.body === "event" ? "application/cloudevents+json; charset=utf-8" : "application/json",
    body: whole.length <= bytesMax ? whole : make(shortened(event, whole.length))
  }
}

/** What `webhooks test` sends; no run has made it. */
export const testType = "baton.webhook.test"

export const ofTest = (id: string, webhook: string, at: number): Message => ({
  id,
  run: "",
  type: testType,
  contentType: "application/cloudevents+json; charset=utf-8",
  body: encode({
    specversion: "1.0",
    id,
    source: `/api/v1/webhooks/${webhook}`,
    type: testType,
    time: Wire.timeText(at),
    datacontenttype: "application/json",
    data: { webhook }
  })
})

type Headers = { readonly [name: string]: string | Redacted.Redacted<string> }

/** While two secrets of a form overlap, Standard Webhooks carries a signature of each; the other forms carry the newest. */
export const headers = (
  webhook: Pick<Webhook, "forms" | "issuer" | "audience">,
  secrets: ReadonlyArray<WebhookSecret>,
  { body, contentType, id, run }: Message,
  nowMs: number
): Headers => {
  const now = Math.floor(nowMs / 1000)
  const live = secrets.filter(({ expiresAt, form }) =>
    webhook.forms.includes(form) && (expiresAt === undefined || expiresAt > nowMs)
  )
  const newest = (form: WebhookSecret["form"]) => live.findLast((secret) => secret.form === form)
  const signatures = live.flatMap(({ form, value }) => {
    const text = form === "standard" || form === "ed25519"
      ? WebhookSignature.standard(value, id, now, body)
      : undefined
    return text === undefined ? [] : [text]
  })
  const timestamped = newest("timestamped")
  const jwt = newest("jwt")
  const token = newest("token")
  return {
    "content-type": contentType,
    "user-agent": "baton",
    "webhook-id": id,
    "webhook-timestamp": String(now),
    ...(signatures.length === 0 ? {} : { "webhook-signature": signatures.join(" ") }),
    ...(timestamped === undefined ? {} : {
      "x-a2a-timestamp": String(now),
      "x-a2a-signature": WebhookSignature.timestamped(timestamped.value, now, body)
    }),
    ...(jwt === undefined ? {} : {
      authorization: Redacted.make(`Bearer ${
        WebhookSignature.token(jwt.value, now, body, {
          keyId: jwt.id,
          run,
          issuer: webhook.issuer,
          audience: webhook.audience
        })
      }`)
    }),
    ...(token === undefined ? {} : { "x-a2a-token": token.value })
  }
}
