/**
 * Keys by which programs prove who they are. The secret part is never here: only its SHA-256, which tells nothing, since
 * the secret has 256 random bits.
 *
 * Promise. `find` reads what the last `add`, `change` or `revoke` of any process wrote: a revoked key is refused from then
 * on. A tenant has at most {@link keysMax} keys. Nothing is ever deleted, so that an id in a journal or an audit log can be
 * looked up later.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Keys of one tenant, revoked ones included. */
export const keysMax = 10_000

/** Between two notes that a key has been used, in milliseconds. */
export const useNotedEveryMs = 60_000

export interface AccessKey {
  /** `key_…`; public. */
  readonly id: string
  readonly tenant: string
  /** What it is for. */
  readonly name: string
  /** Who acts with it, where that is not the key itself. */
  readonly owner?: string
  readonly groups: ReadonlyArray<string>
  readonly scopes: ReadonlyArray<string>
  /** SHA-256 of the whole key text, 64 lower-case hex digits. */
  readonly digest: string
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt?: number
  readonly revokedAt?: number
  /** To the minute. */
  readonly lastUsedAt?: number
  /** The key that this one replaces. */
  readonly replaces?: string
}

export class AccessKeysError extends Schema.TaggedError<AccessKeysError>()("AccessKeysError", {
  /** `full`: the tenant has {@link keysMax} keys; `exists`: the id, or a key that replaces the same one. */
  reason: Schema.Literals(["unavailable", "exists", "full"]),
  message: Schema.String
}) {}

export class AccessKeys extends Context.Service<AccessKeys, {
  readonly add: (key: AccessKey) => Effect.Effect<void, AccessKeysError>
  /** Adds a key that replaces another, whose end becomes `until` unless it ends sooner, in one commit. */
  readonly replace: (key: AccessKey & { readonly replaces: string }, until: number) => Effect.Effect<
    void,
    AccessKeysError
  >
  /** A key of any tenant: this is how the tenant of a request becomes known. */
  readonly find: (id: string) => Effect.Effect<AccessKey | undefined, AccessKeysError>
  /** By id, after `after`. */
  readonly list: (tenant: string, query: { readonly after?: string; readonly limit: number }) => Effect.Effect<
    ReadonlyArray<AccessKey>,
    AccessKeysError
  >
  /** Ends a key at `at`; one that has been revoked keeps its time. False when the tenant has none of this id. */
  readonly revoke: (tenant: string, id: string, at: number) => Effect.Effect<boolean, AccessKeysError>
  /** Notes a use. A crash may lose it. */
  readonly noteUse: (id: string, at: number) => Effect.Effect<void, AccessKeysError>
}>()("baton/engine/AccessKeys") {}

export const isLive = (key: AccessKey, now: number): boolean =>
  key.revokedAt === undefined && (key.expiresAt === undefined || now < key.expiresAt)
