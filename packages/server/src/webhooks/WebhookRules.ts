/** What is refused of a webhook when it is written down. */
import { ClientError } from "@baton/contract/Client"
import type { AddWebhook, ChangeWebhook } from "@baton/contract/WebhooksClient"
import type { Webhook } from "@baton/engine/WebhookStore"
import * as Effect from "effect/Effect"
import type { Parts } from "../Parts.ts"

/** Tags that a webhook may ask for. */
const tagsMax = 16
/** Characters of a flow's name, of a tag's name and value, of an issuer and an audience. */
const textLengthMax = 256

export const invalid = (code: string, message: string, hint?: string) =>
  Effect.fail(new ClientError({ reason: "invalid", code, message, ...(hint === undefined ? {} : { hint }) }))

const requireUrl = (parts: Parts, url: string): Effect.Effect<void, ClientError> => {
  const problem = parts.webhooks.urlRule(url)
  return problem === undefined ? Effect.void : Effect.fail(problem)
}

const requireEvents = (events: ReadonlyArray<string>) =>
  events.length === 0
    ? invalid("WEBHOOK_EVENTS", "a webhook without events would never be told anything", "leave them out for all")
    : Effect.void

const requireTags = (tags: { readonly [key: string]: string }) =>
  Object.keys(tags).length > tagsMax
    ? invalid("WEBHOOK_TAGS", `a webhook asks for ${tagsMax} tags at most`)
    : Object.entries(tags).flat().some((text) => text.length > textLengthMax)
    ? invalid("WEBHOOK_TAGS", `a tag has ${textLengthMax} characters at most`)
    : Effect.void

type Said =
  & Partial<Pick<AddWebhook & ChangeWebhook, "url" | "events" | "tags">>
  & {
    readonly [name in "flow" | "issuer" | "audience"]?: string | null | undefined
  }

export const check = Effect.fnUntraced(function*(parts: Parts, said: Said): Effect.fn.Return<void, ClientError> {
  if (said.url !== undefined) yield* requireUrl(parts, said.url)
  if (said.events !== undefined) yield* requireEvents(said.events)
  if (said.tags !== undefined) yield* requireTags(said.tags)
  for (const name of ["flow", "issuer", "audience"] as const) {
    if ((said[name]?.length ?? 0) > textLengthMax) {
      return yield* invalid("WEBHOOK_TEXT", `${name} has ${textLengthMax} characters at most`)
    }
  }
})

/** Each once; all is all. */
export const eventsOf = <E extends string>(events: ReadonlyArray<E | "*">): ReadonlyArray<E | "*"> =>
  events.includes("*") ? ["*"] : [...new Set(events)]

/**
 * A token is sent as it is: whoever could lead it to another host would read what nobody can read back. The other forms
 * tell nothing of their secrets.
 */
export const requireSameHost = ({ forms, id, url }: Webhook, next: string): Effect.Effect<void, ClientError> =>
  !forms.includes("token") || URL.parse(url)?.origin === URL.parse(next)?.origin ? Effect.void : Effect.fail(
    new ClientError({
      reason: "conflict",
      code: "WEBHOOK_TOKEN_BOUND",
      message: `the token of ${id} is for ${URL.parse(url)?.host ?? url} alone`,
      hint: "add a webhook with a token of its own for the other host, and remove this one"
    })
  )
