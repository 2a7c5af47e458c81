/**
 * The public keys of an issuer (RFC 7517), fetched when they are needed and kept. A key id that is not among them makes us
 * look again, but not more often than the cool-down allows: whoever sends random ids cannot make us hammer the issuer.
 */
import type { HttpDialer } from "@baton/engine/HttpDialer"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
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
  /** The keys as they are known, fetched anew beside the request when they are old; undefined while the issuer has never answered. */
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
  const scope = yield* Effect.scope
  let known: Known | undefined
  let looking: Fiber.Fiber<boolean> | undefined
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

  const fetched = Effect.gen(function*() {
    const found = yield* Effect.result(fetchKeys)
    if (Result.isFailure(found)) {
      yield* Effect.logWarning("the keys of the issuer of tokens cannot be fetched", found.failure)
      return false
    }
    known = { keys: found.success, at: yield* Clock.currentTimeMillis }
    return true
  })

  /** One at a time, shared by all who ask meanwhile; it goes on when the one that has begun it goes away. */
  const look = Effect.gen(function*() {
    if (looking !== undefined) return looking
    const now = yield* Clock.currentTimeMillis
    const since = now - lookedAt
    // A clock that was set back is no reason to wait for the time it was.
    if (since >= 0 && since < coolDownMs) return undefined
    lookedAt = now
    looking = yield* Effect.forkIn(fetched, scope)
    looking.addObserver(() => {
      looking = undefined
    })
    return looking
  })
  const looked = Effect.flatMap(look, (fiber) => fiber === undefined ? Effect.succeed(false) : Fiber.join(fiber))

  const ageOf = ({ at }: Known, now: number): number => Math.abs(now - at)
  const usable = (now: number) => known !== undefined && ageOf(known, now) < staleMs ? known.keys : undefined

  return {
    current: Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      // An issuer that hangs makes nobody wait whose keys are known.
      if (usable(now) === undefined) yield* looked
      else if (known !== undefined && ageOf(known, now) >= freshMs) yield* look
      return usable(yield* Clock.currentTimeMillis)
    }),
    again: Effect.gen(function*() {
      const isNew = yield* looked
      return isNew ? usable(yield* Clock.currentTimeMillis) : undefined
    })
  } satisfies KeySet
})
