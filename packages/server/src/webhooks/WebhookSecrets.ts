/** Secrets of webhooks: made, read as far as they can be, and told once. */
import { ClientError } from "@baton/contract/Client"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import type { Webhook, WebhookSecret, WebhookStoreError } from "@baton/engine/WebhookStore"
import type { SignatureForm } from "@baton/kernel/Webhook"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import * as Answers from "../Answers.ts"
import type { Parts } from "../Parts.ts"
import * as RunId from "../RunId.ts"

/** Bytes of a secret that Baton makes. */
const secretBytes = 32

const fromStore = ({ message, reason }: WebhookStoreError): ClientError =>
  new ClientError({
    reason: "unavailable",
    code: reason === "undecryptable" ? "WEBHOOK_UNDECRYPTABLE" : Answers.storeCodes[reason],
    message
  })

export const asked = <A>(effect: Effect.Effect<A, WebhookStoreError>) => Effect.mapError(effect, fromStore)

/** Undefined when they were sealed with another key: they are lost, unless that key comes back. */
export const read = (
  { webhooks: { store } }: Parts,
  { id, tenant }: Pick<Webhook, "id" | "tenant">
): Effect.Effect<ReadonlyArray<WebhookSecret> | undefined, ClientError> =>
  asked(Effect.catch(
    store.secrets(tenant, id),
    (error) => error.reason === "undecryptable" ? Effect.succeed(undefined) : Effect.fail(error)
  ))

/** A given secret that fits its form, or a fresh one. */
export const secretFor = Effect.fnUntraced(function*(
  form: SignatureForm,
  given: Redacted.Redacted<string> | undefined,
  now: number
): Effect.fn.Return<WebhookSecret, ClientError> {
  const problem = given === undefined ? undefined : WebhookSignature.secretProblem(form, given)
  if (problem !== undefined) {
    const message = `the secret of ${form} ${problem}`
    return yield* Effect.fail(new ClientError({ reason: "invalid", code: "WEBHOOK_SECRET", message }))
  }
  const value = given ?? WebhookSignature.secretOf(form, randomBytes(secretBytes))
  return { id: RunId.make("wks", now), form, value, createdAt: now, expiresAt: undefined }
})

/** What Baton has made itself, but private keys: their public half is in the document. */
export const told = (
  secrets: ReadonlyArray<WebhookSecret>,
  given: { readonly [form in SignatureForm]?: Redacted.Redacted<string> | undefined }
) =>
  Object.fromEntries(
    secrets.flatMap(({ form, value }) =>
      form === "ed25519" || given[form] !== undefined ? [] : [[form, Redacted.value(value)]]
    )
  )
