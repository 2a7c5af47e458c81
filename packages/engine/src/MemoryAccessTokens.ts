/** Access tokens in memory, one store per layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type AccessToken, AccessTokens, AccessTokensError, tokensMax } from "./AccessTokens.ts"

export const layer: Layer.Layer<AccessTokens> = Layer.sync(AccessTokens, () => {
  const tokens = new Map<string, AccessToken>()
  return AccessTokens.of({
    put: (token) =>
      Effect.suspend(() => {
        for (const [digest, { expiresAt }] of tokens) if (expiresAt <= token.createdAt) tokens.delete(digest)
        const alike = [...tokens.values()].filter(({ kind, tenant }) => kind === token.kind && tenant === token.tenant)
        if (alike.length >= tokensMax) {
          const message = `Tenant ${token.tenant} has ${tokensMax} open tokens of this kind.`
          return Effect.fail(new AccessTokensError({ reason: "full", message }))
        }
        tokens.set(token.digest, token)
        return Effect.void
      }),
    find: (kind, digest) =>
      Effect.sync(() => {
        const token = tokens.get(digest)
        return token?.kind === kind ? token : undefined
      }),
    claim: (digest, at) =>
      Effect.sync(() => {
        const token = tokens.get(digest)
        if (token === undefined || token.usedAt !== undefined || token.expiresAt <= at) return false
        tokens.set(digest, { ...token, usedAt: at })
        return true
      }),
    unclaim: (digest) =>
      Effect.sync(() => {
        const { usedAt: _, ...token } = tokens.get(digest) ?? {}
        if ("digest" in token) tokens.set(digest, token as AccessToken)
      }),
    remove: (digest) => Effect.sync(() => void tokens.delete(digest))
  })
})
