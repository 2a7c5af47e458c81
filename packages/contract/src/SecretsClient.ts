/**
 * Secrets, as a program may ask for them: set, list by name, remove. There is no way to read one back.
 *
 * In process this is the engine's `Secrets` port of the one tenant; `invalid` with code `SECRET_NAME_INVALID` answers a
 * bad name, `unavailable` a store that cannot be read or a key that does not fit.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

/** One line of `secrets list`; never a value, never a hash of one. */
export const SecretItem = Schema.Struct({
  name: Schema.String,
  /** Host names, or `*.example.com`: where the secret may be sent. */
  hosts: Schema.Array(Schema.String),
  source: Schema.Literals(["store", "environment"]),
  updatedAt: Schema.Union([Schema.String, Schema.Null])
})
export type SecretItem = typeof SecretItem.Type

export class SecretsClient extends Context.Service<SecretsClient, {
  /** Stores or replaces a secret, bound to `hosts`; without a host it can be sent nowhere. */
  readonly set: (
    name: string,
    value: Redacted.Redacted<string>,
    hosts: ReadonlyArray<string>
  ) => Effect.Effect<void, ClientError>
  readonly list: Effect.Effect<ReadonlyArray<SecretItem>, ClientError>
  /** False when there was none. */
  readonly remove: (name: string) => Effect.Effect<boolean, ClientError>
}>()("baton/contract/SecretsClient") {}
