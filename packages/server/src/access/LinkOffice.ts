/** Makes and reads links that decide one approval once. */
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { ClientError } from "@baton/contract/Client"
import { LinksClient } from "@baton/contract/LinksClient"
import { timeText } from "@baton/contract/Wire"
import { type AccessTokensError, tokensMax } from "@baton/engine/AccessTokens"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Approvals from "../Approvals.ts"
import type { Parts } from "../Parts.ts"
import * as KeyText from "./KeyText.ts"

/** How long a link lives when nobody says, in milliseconds. */
const lifetimeDefaultMs = 24 * 60 * 60 * 1000
const lifetimeMaxMs = 30 * lifetimeDefaultMs
/** Characters of base 62: 256 bits. */
const tokenLength = 43

/** What is kept of a link. */
export const LinkData = Schema.Struct({
  approval: Schema.String,
  /** Of what was asked when the link was made. */
  hash: Schema.String,
  by: Schema.String,
  groups: Schema.Array(Schema.String),
  /** The key of whoever made it: the link ends with it. */
  key: Schema.optionalKey(Schema.String)
})
export type LinkData = typeof LinkData.Type

export const isToken = (text: string): boolean => /^[0-9A-Za-z]{43}$/.test(text)

/** Where people reach the server, such as `https://baton.example.com`; without it links are told as paths. */
const publicUrl = Config.option(Config.URL("BATON_PUBLIC_URL"))

export const fromTokens = ({ message, reason }: AccessTokensError): ClientError =>
  reason === "full"
    ? new ClientError({
      reason: "conflict",
      code: "LINKS_MAX",
      message: `a tenant has at most ${tokensMax} open links`
    })
    : new ClientError({ reason: "unavailable", code: "STORE_UNAVAILABLE", message })

const refuse = (reason: ClientError["reason"], code: string, message: string) =>
  Effect.fail(new ClientError({ reason, code, message }))

export const make = (parts: Parts): LinksClient["Service"] => {
  const approvals: ApprovalsClient["Service"] = Approvals.make(parts)
  return LinksClient.of({
    create: Effect.fnUntraced(function*(target, { by = parts.by, groups = parts.groups ?? [], lifetimeMs }) {
      const lifetime = lifetimeMs ?? lifetimeDefaultMs
      if (lifetime <= 0 || lifetime > lifetimeMaxMs) {
        return yield* refuse("invalid", "LINK_INVALID", "a link lives for up to 30 days")
      }
      const { hash, id, path: step, run, status } = yield* approvals.show(target)
      if (status !== "open") {
        const code = status === "decided" ? "ALREADY_DECIDED" : "APPROVAL_VOID"
        return yield* refuse("conflict", code, `${id} is ${status}: there is nothing to decide`)
      }
      const token = KeyText.randomText(tokenLength)
      const now = parts.clock.currentTimeMillisUnsafe()
      const key = parts.key === undefined ? {} : { key: parts.key }
      const data: LinkData = { approval: id, hash, by, groups, ...key }
      yield* Effect.mapError(
        parts.tokens.put({
          digest: KeyText.digestOf(token),
          kind: "link",
          tenant: parts.tenant,
          data,
          createdAt: now,
          expiresAt: now + lifetime
        }),
        fromTokens
      )
      const path = `/approve/${token}`
      const base = yield* Effect.catch(publicUrl, () => Effect.succeed(Option.none<URL>()))
      return {
        approval: id,
        run,
        step,
        path,
        url: Option.isNone(base) ? null : new URL(path, base.value).href,
        by,
        expiresAt: timeText(now + lifetime)
      }
    })
  })
}
