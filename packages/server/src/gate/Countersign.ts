/**
 * How a server proves that it is the one that left its address in a data folder: whoever can read that file sends a
 * challenge to `/health`, and the answer carries a code (HMAC-SHA-256) that only its secret gives. A stranger that got
 * the port since, or another Baton, cannot answer it, so no command and no key goes there.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import { createHmac, timingSafeEqual } from "node:crypto"

/** Headers, in lower case. */
export const challengeHeader = "baton-challenge"
export const codeHeader = "baton-countersign"

/** Characters of a challenge at most; longer ones are not answered. */
const challengeChars = 128

/** Undefined: this server has left its address nowhere. */
export const Countersign = Context.Reference<Redacted.Redacted | undefined>("baton/server/Countersign", {
  defaultValue: () => undefined
})

export const code = (secret: Redacted.Redacted, challenge: string): string =>
  createHmac("sha256", Redacted.value(secret)).update(challenge).digest("base64url")

export const agrees = (secret: Redacted.Redacted, challenge: string, given: string | undefined): boolean => {
  const wanted = Buffer.from(code(secret, challenge))
  const said = Buffer.from(given ?? "")
  return said.length === wanted.length && timingSafeEqual(said, wanted)
}

/** Has the answer to this request carry the code, where one is asked for. */
export const answered = Effect.flatMap(
  Countersign,
  (secret) =>
    secret === undefined ? Effect.void : HttpEffect.appendPreResponseHandler((request, response) => {
      const challenge = request.headers[challengeHeader]
      return Effect.succeed(
        challenge === undefined || challenge.length > challengeChars
          ? response
          : HttpServerResponse.setHeader(response, codeHeader, code(secret, challenge))
      )
    })
)
