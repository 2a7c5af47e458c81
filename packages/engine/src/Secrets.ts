/**
 * Named secrets, bound to hosts.
 *
 * Promise. A secret is encrypted at rest, leaves the store only for one call to a host it is bound to, and is never
 * listed, logged, journaled or hashed. `BATON_SECRET_<NAME>` in the environment wins over the store and is bound by
 * `BATON_SECRET_<NAME>_HOSTS` (comma-separated); without it, to no host.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

export interface SecretInfo {
  readonly name: string
  /** Host names, or `*.example.com`. */
  readonly hosts: ReadonlyArray<string>
  readonly source: "store" | "environment"
  readonly updatedAt: number | undefined
}

export class SecretsError extends Schema.TaggedError<SecretsError>()("SecretsError", {
  reason: Schema.Literals(["missing", "host_not_allowed", "unavailable", "name_invalid", "undecryptable"]),
  message: Schema.String
}) {}

export class Secrets extends Context.Service<Secrets, {
  /** The secret for one call to `host`. */
  readonly reveal: (
    tenant: string,
    name: string,
    host: string
  ) => Effect.Effect<Redacted.Redacted<string>, SecretsError>
  readonly has: (tenant: string, name: string) => Effect.Effect<boolean, SecretsError>
  readonly set: (
    tenant: string,
    name: string,
    value: Redacted.Redacted<string>,
    hosts: ReadonlyArray<string>
  ) => Effect.Effect<void, SecretsError>
  readonly list: (tenant: string) => Effect.Effect<ReadonlyArray<SecretInfo>, SecretsError>
  readonly remove: (tenant: string, name: string) => Effect.Effect<boolean, SecretsError>
}>()("baton/engine/Secrets") {}
