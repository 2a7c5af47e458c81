/**
 * Bearer tokens (RFC 7519, RFC 9068) of configured issuers: whom they prove. A token must be signed by a key that its issuer
 * publishes, with a listed algorithm, be for us, name its subject and its end, and be of a tenant. Nothing is taken from it
 * before that but the name of its issuer.
 */
import type { Principal } from "@baton/contract/http/Access"
import { type Problem, Unavailable } from "@baton/contract/http/Problems"
import { Scope } from "@baton/contract/http/Scope"
import { HttpDialer } from "@baton/engine/HttpDialer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Jose from "jose"
import type { Issuer } from "./AccessConfig.ts"
import { isTenant } from "./KeyOffice.ts"
import * as KeySet from "./KeySet.ts"

/** How far the clocks of issuer and server may be apart, in seconds. */
export const leewaySeconds = 30
const subjectLengthMax = 256
const groupsMax = 200

export class TokenVerifier extends Context.Service<TokenVerifier, {
  /** Undefined when the text proves nobody. */
  readonly verify: (text: string) => Effect.Effect<Principal | undefined, Problem>
}>()("baton/server/access/TokenVerifier") {}

/** Without a configured issuer, nobody. */
export const none: Layer.Layer<TokenVerifier> = Layer.succeed(TokenVerifier, {
  verify: () => Effect.succeed(undefined)
})

const scopes: ReadonlySet<string> = new Set(Scope.literals)
const isScope = (text: string): text is Scope => scopes.has(text)

/** A claim; dots lead into objects, unless a claim has the whole name. */
const claimOf = (payload: Jose.JWTPayload, name: string): unknown => {
  if (Object.hasOwn(payload, name)) return payload[name]
  let at: unknown = payload
  for (const part of name.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined
    at = (at as { readonly [key: string]: unknown })[part]
  }
  return at
}

/** Words of a claim: a list, or text with spaces (RFC 8693). */
const wordsOf = (claim: unknown): ReadonlyArray<string> =>
  typeof claim === "string"
    ? claim.split(" ").filter((word) => word !== "")
    : Array.isArray(claim)
    ? claim.filter((word) => typeof word === "string")
    : []

const isAccessToken = (typ: string | undefined): boolean =>
  typ === undefined || /^(application\/)?(jwt|at\+jwt)$/i.test(typ)

const principalOf = (issuer: Issuer, payload: Jose.JWTPayload): Principal | undefined => {
  const tenant = claimOf(payload, issuer.claims.tenant) ?? issuer.tenant
  const subject = payload.sub ?? ""
  if (typeof tenant !== "string" || !isTenant(tenant)) return undefined
  if (subject === "" || subject.length > subjectLengthMax || /\p{C}/u.test(subject)) return undefined
  return {
    tenant,
    subject,
    groups: wordsOf(claimOf(payload, issuer.claims.groups)).slice(0, groupsMax),
    scopes: new Set(wordsOf(claimOf(payload, issuer.claims.scopes)).filter(isScope)),
    method: "jwt"
  }
}

/** Three parts of base64url (RFC 7515, section 7.1), without the padding and the spaces that some decoders overlook. */
const isCompact = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)

/** Which configured issuer a token says it is from: not proven yet. */
const issuerOf = (text: string): string | undefined => {
  try {
    return Jose.decodeJwt(text).iss
  } catch {
    return undefined
  }
}

const check = (issuer: Issuer, text: string, keys: KeySet.Resolver) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.tryPromise({
      try: () =>
        Jose.jwtVerify(text, keys, {
          issuer: issuer.issuer,
          audience: issuer.audience,
          algorithms: [...issuer.algorithms],
          clockTolerance: leewaySeconds,
          currentDate: DateTime.toDateUtc(DateTime.makeUnsafe(now)),
          requiredClaims: ["exp", "sub"]
        }),
      catch: (error) => error
    }))

const verifier = Effect.fnUntraced(function*(dialer: HttpDialer["Service"], issuer: Issuer) {
  const keySet = yield* KeySet.make(dialer, issuer.jwksUrl)
  return Effect.fnUntraced(function*(text: string): Effect.fn.Return<Principal | undefined, Problem> {
    const keys = yield* keySet.current
    if (keys === undefined) {
      return yield* new Unavailable({
        code: "ISSUER_UNREACHABLE",
        detail: "The keys of the token's issuer are not known."
      })
    }
    let checked = yield* Effect.result(check(issuer, text, keys))
    if (Result.isFailure(checked) && checked.failure instanceof Jose.errors.JWKSNoMatchingKey) {
      const newer = yield* keySet.again
      if (newer !== undefined) checked = yield* Effect.result(check(issuer, text, newer))
    }
    if (Result.isFailure(checked)) return undefined
    const { payload, protectedHeader } = checked.success
    return isAccessToken(protectedHeader.typ) ? principalOf(issuer, payload) : undefined
  })
})

export const layer = (issuers: ReadonlyArray<Issuer>): Layer.Layer<TokenVerifier, never, HttpDialer> =>
  Layer.effect(
    TokenVerifier,
    Effect.gen(function*() {
      const dialer = yield* HttpDialer
      const verifiers = new Map(
        yield* Effect.forEach(
          issuers,
          (issuer) => Effect.map(verifier(dialer, issuer), (verify) => [issuer.issuer, verify] as const)
        )
      )
      return {
        verify: (text) =>
          verifiers.get(isCompact(text) ? issuerOf(text) ?? "" : "")?.(text) ?? Effect.succeed(undefined)
      }
    })
  )
