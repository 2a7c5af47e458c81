/** Secrets in memory, with the environment's before them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as EnvironmentSecrets from "./EnvironmentSecrets.ts"
import { requireValid, Secrets, type SecretsError } from "./Secrets.ts"

interface Stored {
  readonly value: Redacted.Redacted<string>
  readonly hosts: ReadonlyArray<string>
  readonly updatedAt: number
}

const make = (): typeof Secrets.Service => {
  const tenants = new Map<string, Map<string, Stored>>()
  const of = (tenant: string): ReadonlyMap<string, Stored> => tenants.get(tenant) ?? new Map()
  return {
    reveal: (tenant, name, host) =>
      Effect.suspend(() => EnvironmentSecrets.requireBound(name, host, of(tenant).get(name))),
    has: (tenant, name) => Effect.sync(() => of(tenant).has(name)),
    set: Effect.fnUntraced(function*(tenant, name, value, hosts) {
      const valid = yield* requireValid(name, hosts)
      const updatedAt = yield* Clock.currentTimeMillis
      tenants.set(tenant, new Map([...of(tenant), [name, { value, hosts: valid, updatedAt }]]))
    }),
    list: (tenant) =>
      Effect.sync(() =>
        [...of(tenant)]
          .map(([name, { hosts, updatedAt }]) => ({ name, hosts, source: "store" as const, updatedAt }))
          .sort((a, b) => (a.name < b.name ? -1 : 1))
      ),
    remove: (tenant, name) => Effect.sync(() => tenants.get(tenant)?.delete(name) ?? false)
  }
}

export const layer: Layer.Layer<Secrets, SecretsError> = Layer.effect(
  Secrets,
  Effect.map(EnvironmentSecrets.read, (environment) => EnvironmentSecrets.over(environment, make()))
)
