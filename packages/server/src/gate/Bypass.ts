/**
 * Programs of the operator's own are not limited: they sign the time with a shared secret,
 * `Baton-Internal: t=<seconds since the epoch>,v1=<hex of HMAC-SHA256 over the digits of t>`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createHmac, timingSafeEqual } from "node:crypto"

const header = "baton-internal"
/** Seconds by which the clocks may differ, and for which a copied header is worth something. */
const toleranceSeconds = 60

const form = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/

/** Whether the request is signed with the secret, now. */
export const holds = (
  secret: Option.Option<Redacted.Redacted<string>>,
  headers: Headers.Headers
): Effect.Effect<boolean> => {
  const match = form.exec(headers[header] ?? "")
  if (Option.isNone(secret) || match === null) return Effect.succeed(false)
  const [, time = "", signature = ""] = match
  return Effect.map(Clock.currentTimeMillis, (now) => {
    const expected = createHmac("sha256", Redacted.value(secret.value)).update(time).digest()
    return Math.abs(now / 1_000 - Number(time)) <= toleranceSeconds &&
      timingSafeEqual(expected, Buffer.from(signature, "hex"))
  })
}
