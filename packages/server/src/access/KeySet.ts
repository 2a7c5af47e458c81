/**
 * The public keys of an issuer (RFC 7517), fetched when they are needed and kept. A key id that is not among them makes us
 * look again, but not more often than the cool-down allows: whoever sends random ids cannot make us hammer the issuer.
 */
import type { HttpDialer } from "@baton/engine/HttpDialer"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Jose from "jose"

/** Between two looks, whatever came of the first, in milliseconds. */
export const coolDownMs = 30_000
/** Keys older than this are fetched again, in milliseconds. */
export const freshMs = 10 * 60_000
/** Keys older than this prove nothing, even when the issuer cannot be reached, in milliseconds. */
export const staleMs = 24 * 60 * 60_000
const timeout = Duration.seconds(5)
/** Bytes of a key set. */
const bytesMax = 256 * 1024
const keysMax = 100

const Jwks = Schema.fromJsonString(Schema.Struct({
  keys: Schema.Array(Schema.Record(Schema.String, Schema.Json)).check(Schema.isMaxLength(keysMax))
}))
const decode = Schema.decodeUnknownEffect(Jwks)

/** Public keys only, and none with the exponent 1, under which every message is its own signature. */
const isSound = ({ e, kty }: Jose.JWK): boolean =>
  kty === "EC" || kty === "OKP" || (kty === "RSA" && typeof e === "string" && !/^A*(AQ)?(==)?$/.test(e))

/** Finds the key of a token among those of an issuer. */
export const resolver = ({ keys }: Jose.JSONWebKeySet): Resolver =>
  Jose.createLocalJWKSet({ keys: keys.filter(isSound) })

export type Resolver = Jose.LocalJWKSet

export interface KeySet {
  /** The keys as they are known, fetched when too old; undefined while the issuer has never answered. */
  readonly current: Effect.Effect<Resolver | undefined>
  /** The keys after another look, or undefined when it is too soon for one. */
  readonly again: Effect.Effect<Resolver | undefined>
}

interface Known {
  readonly keys: Resolver
  readonly at: number
}

/** `allow`: hosts that the operator has opened by naming the URL. */
export const make = Effect.fnUntraced(function*(dialer: HttpDialer["Service"], url: string) {
  const { hostname, port } = new URL(url)
  const allow = [port === "" ? hostname : `${hostname}:${port}`]
  const one = yield* Semaphore.make(1)
  let known: Known | undefined
  let lookedAt = Number.NEGATIVE_INFINITY

  const fetchKeys = Effect.gen(function*() {
    const answer = yield* dialer.request({
      method: "GET",
      url,
      headers: { accept: "application/json" },
      timeout,
      bytesMax,
      redirectsMax: 0,
      allow
    })
    if (answer.status !== 200) return yield* Effect.fail(new Error(`the issuer answers ${answer.status}`))
    const jwks = yield* decode(new TextDecoder().decode(answer.bytes))
    return resolver(jwks as unknown as Jose.JSONWebKeySet)
  })

  /** Looks, unless somebody else has since `seen`. */
  const look = (seen: Known | undefined) =>
    Semaphore.withPermits(one, 1)(Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      if (known !== seen) return true
      if (now - lookedAt < coolDownMs) return false
      lookedAt = now
      const fetched = yield* Effect.result(fetchKeys)
      if (Result.isFailure(fetched)) {
        yield* Effect.logWarning("the keys of the issuer of tokens cannot be fetched", fetched.failure)
        return false
      }
      known = { keys: fetched.success, at: now }
      return true
    }))

  const usable = (now: number) => known !== undefined && now - known.at < staleMs ? known.keys : undefined

  return {
    current: Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      if (known === undefined || now - known.at >= freshMs) yield* look(known)
      return usable(now)
    }),
    again: Effect.gen(function*() {
      const isNew = yield* look(known)
      return isNew ? usable(yield* Clock.currentTimeMillis) : undefined
    })
  } satisfies KeySet
})
