/**
 * Short-lived proofs that stand for something else: a browser's session (for the key it was opened with) and a link that
 * lets somebody decide one approval once. A token's text is never here, only its SHA-256.
 *
 * Promise. `claim` succeeds once per token over all processes. What has expired is as good as gone and is removed when
 * others are put; a tenant has at most {@link tokensMax} of a kind.
 */
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Unexpired tokens of one kind and tenant. */
export const tokensMax = 10_000

export interface AccessToken {
  /** SHA-256 of its text, 64 lower-case hex digits. */
  readonly digest: string
  readonly kind: "session" | "link"
  readonly tenant: string
  readonly data: Json
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedAt?: number
}

export class AccessTokensError extends Schema.TaggedError<AccessTokensError>()("AccessTokensError", {
  reason: Schema.Literals(["unavailable", "full"]),
  message: Schema.String
}) {}

export class AccessTokens extends Context.Service<AccessTokens, {
  readonly put: (token: AccessToken) => Effect.Effect<void, AccessTokensError>
  /** Also one that has been used or has expired, for as long as it is there. */
  readonly find: (kind: AccessToken["kind"], digest: string) => Effect.Effect<
    AccessToken | undefined,
    AccessTokensError
  >
  /** Uses a token up; false when it is used, expired or not there. */
  readonly claim: (digest: string, at: number) => Effect.Effect<boolean, AccessTokensError>
  /** Gives back what was claimed in vain. */
  readonly unclaim: (digest: string) => Effect.Effect<void, AccessTokensError>
  readonly remove: (digest: string) => Effect.Effect<void, AccessTokensError>
}>()("baton/engine/AccessTokens") {}
