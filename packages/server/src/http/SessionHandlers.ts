/** The endpoints of browser sessions, and of links to approvals. */
import { Caller, type Principal, sessionCookie } from "@baton/contract/http/Access"
import { Api } from "@baton/contract/http/Api"
import { Conflict, Unavailable } from "@baton/contract/http/Problems"
import type { PrincipalDocument } from "@baton/contract/http/SessionApi"
import { LinksClient } from "@baton/contract/LinksClient"
import type { AccessTokensError } from "@baton/engine/AccessTokens"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import { Gatekeeper, principalOf } from "../access/Gatekeeper.ts"
import * as KeyText from "../access/KeyText.ts"
import { Trail } from "../access/Trail.ts"
import { Host } from "../Local.ts"
import { asked } from "./Asked.ts"

/** How long a session lives at most, in milliseconds. */
const lifetimeMs = 12 * 60 * 60 * 1000
/** Characters of base 62: 256 bits. */
const tokenLength = 43

const cookie = (value: string, seconds: number) =>
  HttpEffect.appendPreResponseHandler((_request, response) =>
    Effect.succeed(HttpServerResponse.setCookieUnsafe(response, sessionCookie, value, {
      httpOnly: true,
      secure: true,
      sameSite: "lax",
      path: "/",
      maxAge: Duration.seconds(seconds)
    }))
  )

const document = ({ groups, method, scopes, subject, tenant }: Principal): PrincipalDocument => ({
  tenant,
  subject,
  groups: [...groups],
  scopes: [...scopes],
  method
})

const fromTokens = ({ message, reason }: AccessTokensError) =>
  reason === "full"
    ? new Conflict({ code: "SESSIONS_MAX", detail: message })
    : new Unavailable({ code: "STORE_UNAVAILABLE", detail: message })

export const SessionHandlers = HttpApiBuilder.group(
  Api,
  "session",
  Effect.fnUntraced(function*(handlers) {
    const gatekeeper = yield* Gatekeeper
    const { parts: { clock, tokens } } = yield* Host
    return handlers.handleAll({
      show: () => Effect.map(Caller, ({ principal }) => document(principal)),
      close: ({ request }) =>
        Effect.gen(function*() {
          const token = request.cookies[sessionCookie]
          if (token !== undefined) yield* Effect.mapError(tokens.remove(KeyText.digestOf(token)), fromTokens)
          yield* cookie("", 0)
        }),
      open: ({ payload, request }) =>
        Effect.gen(function*() {
          const key = yield* gatekeeper.keyOf(Redacted.value(payload.key))
          if (key === undefined) return yield* Effect.fail(yield* gatekeeper.refuse(request))
          const principal = principalOf(key, "session")
          const trail = yield* Trail
          if (trail !== undefined) trail.principal = principal
          const now = clock.currentTimeMillisUnsafe()
          const expiresAt = Math.min(now + lifetimeMs, key.expiresAt ?? Number.MAX_SAFE_INTEGER)
          const token = KeyText.randomText(tokenLength)
          yield* Effect.mapError(
            tokens.put({
              digest: KeyText.digestOf(token),
              kind: "session",
              tenant: key.tenant,
              data: { key: key.id },
              createdAt: now,
              expiresAt
            }),
            fromTokens
          )
          yield* cookie(token, Math.floor((expiresAt - now) / 1000))
          return document(principal)
        })
    })
  })
)

export const LinksHandlers = HttpApiBuilder.group(
  Api,
  "links",
  (handlers) =>
    handlers.handleAll({
      create: ({ params, payload, query }) =>
        asked(LinksClient, (links) =>
          links.create({ target: params.target, ...(query.step === undefined ? {} : { step: query.step }) }, payload))
    })
)
