/**
 * Secrets in the store file, sealed with the key in `<data>/key` or in `BATON_KEY` (64 hex digits, or base64 of 32 bytes).
 * A backup of the store file without the key tells nobody anything.
 */
import * as EnvironmentSecrets from "@baton/engine/EnvironmentSecrets"
import type { RunStoreError } from "@baton/engine/RunStore"
import { requireValid, type Secrets, SecretsError } from "@baton/engine/Secrets"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SecretBox from "./SecretBox.ts"
import * as SecretTable from "./SecretTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"

const refail = ({ message }: RunStoreError): SecretsError => new SecretsError({ reason: "unavailable", message })

const keyConfig = Config.option(Config.Redacted("BATON_KEY"))

const keyWrong = new SecretsError({
  reason: "unavailable",
  message:
    "BATON_KEY is no key. Give 64 hex digits or the base64 of 32 random bytes, such as `openssl rand -hex 32` makes."
})

/** The environment's key; else that of the file, or one for this process only when there is no file. */
export const openKey = (file: string | undefined): Effect.Effect<SecretBox.Key, SecretsError> =>
  Effect.gen(function*() {
    const configured = yield* Effect.mapError(keyConfig, () => keyWrong)
    if (Option.isNone(configured)) {
      return yield* Effect.try({
        try: () => file === undefined ? SecretBox.randomKey() : SecretBox.openKey(file),
        catch: (thrown) =>
          thrown instanceof SecretsError
            ? thrown
            : new SecretsError({ reason: "unavailable", message: "The key could not be opened." })
      })
    }
    return SecretBox.parseKey(Redacted.value(configured.value)) ?? (yield* keyWrong)
  })

const Hosts = Schema.fromJsonString(Schema.Array(Schema.String))
const decodeHosts = Schema.decodeUnknownEffect(Hosts)

const undecryptable = (name: string): SecretsError =>
  new SecretsError({
    reason: "undecryptable",
    message: `Secret ${name} cannot be opened: it was sealed with another key or has been changed. Set it again.`
  })

export const make = Effect.fnUntraced(function*(
  { read, write }: StoreAccess,
  key: Effect.Effect<SecretBox.Key, SecretsError>
) {
  const hostsOf = (name: string, hosts: string) => Effect.mapError(decodeHosts(hosts), () => undecryptable(name))
  const stored: typeof Secrets.Service = {
    reveal: Effect.fnUntraced(function*(tenant, name, host) {
      const row = yield* Effect.mapError(read((connection) => SecretTable.get(connection, tenant, name)), refail)
      const found = row === undefined ? undefined : { hosts: yield* hostsOf(name, row.hosts), value: row }
      const sealed = yield* EnvironmentSecrets.requireBound(name, host, found)
      return SecretBox.unseal(yield* key, tenant, name, sealed) ?? (yield* undecryptable(name))
    }),
    has: (tenant, name) =>
      Effect.mapError(read((connection) => SecretTable.get(connection, tenant, name) !== undefined), refail),
    set: Effect.fnUntraced(function*(tenant, name, value, hosts) {
      const valid = JSON.stringify(yield* requireValid(name, hosts))
      const sealed = SecretBox.seal(yield* key, tenant, name, value, valid)
      const updatedAt = yield* Clock.currentTimeMillis
      yield* Effect.mapError(write("setSecret", tenant, name, { ...sealed, hosts: valid, updatedAt }), refail)
    }),
    list: Effect.fnUntraced(function*(tenant) {
      const rows = yield* Effect.mapError(read((connection) => SecretTable.list(connection, tenant)), refail)
      return yield* Effect.forEach(
        rows,
        ({ hosts, name, updatedAt }) =>
          Effect.map(hostsOf(name, hosts), (hosts) => ({ name, hosts, source: "store" as const, updatedAt }))
      )
    }),
    remove: (tenant, name) => Effect.mapError(write("removeSecret", tenant, name), refail)
  }
  return EnvironmentSecrets.over(yield* EnvironmentSecrets.read, stored)
})
