/**
 * Keys by which programs prove who they are, as a program may ask for them. A key's text is told once, when it is made.
 *
 * Refusals: `not_found` (`KEY_NOT_FOUND`), `invalid` (`KEY_INVALID`: name, tenant, scopes or times), `denied`
 * (`SCOPE_NOT_YOURS`: a key gives no more than its maker has; `TENANT_NOT_YOURS`: only `system:admin` makes keys of other
 * tenants), `conflict` (`KEY_ENDED`, `KEY_REPLACED`, `KEY_ROTATING`: two keys of one line may live at a time, `KEYS_MAX`).
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"
import { Scope } from "./http/Scope.ts"

const text = Schema.NullOr(Schema.String)

/** One line of `keys list`. Times are RFC 3339 UTC text. */
export const KeyItem = Schema.Struct({
  id: Schema.String,
  tenant: Schema.String,
  name: Schema.String,
  owner: text,
  groups: Schema.Array(Schema.String),
  scopes: Schema.Array(Schema.String),
  status: Schema.Literals(["live", "expired", "revoked"]),
  createdAt: Schema.String,
  createdBy: Schema.String,
  expiresAt: text,
  revokedAt: text,
  /** To the minute. */
  lastUsedAt: text,
  /** The key that this one takes the place of. */
  replaces: text
})
export type KeyItem = typeof KeyItem.Type

export const NewKey = Schema.Struct({
  item: KeyItem,
  /** The key itself, `baton_<env>_<id>_<secret>`: it is not told again. */
  key: Schema.String
})
export type NewKey = typeof NewKey.Type

export const CreateKey = Schema.Struct({
  name: Schema.String,
  scopes: Schema.Array(Scope),
  /** Who acts with it; the key's name when absent. */
  owner: Schema.optionalKey(Schema.String),
  groups: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Milliseconds from now; absent: a year; null: never. */
  lifetimeMs: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  /** Its second word, such as `live` or `test`. */
  env: Schema.optionalKey(Schema.String),
  tenant: Schema.optionalKey(Schema.String)
})
export type CreateKey = typeof CreateKey.Type

export class KeysClient extends Context.Service<KeysClient, {
  readonly create: (request: CreateKey) => Effect.Effect<NewKey, ClientError>
  /** By id, after `after`. */
  readonly list: (
    query: { readonly after?: string; readonly limit: number; readonly tenant?: string }
  ) => Effect.Effect<ReadonlyArray<KeyItem>, ClientError>
  /** Makes the key that takes another's place; the old one ends after `graceMs` (a day when absent). */
  readonly rotate: (id: string, options: { readonly graceMs?: number; readonly tenant?: string }) => Effect.Effect<
    NewKey,
    ClientError
  >
  /** Ends a key now. Revoking it again changes nothing. */
  readonly revoke: (id: string, options: { readonly tenant?: string }) => Effect.Effect<KeyItem, ClientError>
}>()("baton/contract/KeysClient") {}
