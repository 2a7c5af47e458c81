/**
 * Named secrets, bound to hosts.
 *
 * Promise. A secret is encrypted at rest, leaves the store only for one call to a host it is bound to, and is never
 * listed, logged, journaled or hashed. `BATON_SECRET_<NAME>` in the environment wins over the store and is bound by
 * `BATON_SECRET_<NAME>_HOSTS` (comma-separated); without it, to no host.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * Letters, digits and `_`, not beginning with a digit: what an expression can name as `secrets.NAME`. In the environment
 * the name is written in capitals; `…_HOSTS` would be mistaken for the hosts of another secret.
 */
export const isName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) && !/_hosts$/i.test(name)

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
const hostPattern = new RegExp(`^(?:(?:\\*\\.${label}\\.)?${label}(?:\\.${label})*|\\[[0-9a-f:.]+\\])$`)

/** A host name, an address, or `*.` before a name of at least two parts; in small letters, without a port. */
export const isHostPattern = (pattern: string): boolean => pattern.length <= 253 && hostPattern.test(pattern)

/** `*.example.com` stands for every name below `example.com`, at any depth, and not for `example.com` itself. */
export const isBound = (hosts: ReadonlyArray<string>, host: string): boolean => {
  const name = host.toLowerCase().replace(/\.$/, "")
  return hosts.some((pattern) => pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern) &&
    !name.startsWith(".")
}

export const missing = (name: string): SecretsError =>
  new SecretsError({ reason: "missing", message: `No secret ${name} is set. Set it with: baton secrets set ${name}` })

export const notAllowed = (name: string, host: string): SecretsError =>
  new SecretsError({
    reason: "host_not_allowed",
    message: `Secret ${name} is not bound to ${host}. Bind it to that host, or send the call elsewhere.`
  })

/** Checks what is about to be stored; gives the hosts in small letters. */
export const requireValid = (
  name: string,
  hosts: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>, SecretsError> => {
  if (!isName(name)) {
    const message = "A secret's name is made of letters, digits and _, begins with no digit and does not end in _HOSTS."
    return Effect.fail(new SecretsError({ reason: "name_invalid", message }))
  }
  const lower = hosts.map((host) => host.toLowerCase())
  const wrong = lower.find((host) => !isHostPattern(host))
  if (wrong === undefined) return Effect.succeed(lower)
  const message = `${wrong} is no host. Write a name such as api.example.com or *.example.com, without scheme and port.`
  return Effect.fail(new SecretsError({ reason: "name_invalid", message }))
}

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
