/**
 * Secrets of the environment: `BATON_SECRET_<NAME>`, bound by `BATON_SECRET_<NAME>_HOSTS`. They win over stored ones and
 * belong to every tenant: whoever sets the environment is the operator. Read once, when the layer is built.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { isBound, isHostPattern, missing, notAllowed, type SecretInfo, type Secrets, SecretsError } from "./Secrets.ts"

type Service = typeof Secrets.Service

interface EnvironmentSecret {
  readonly value: Redacted.Redacted<string>
  readonly hosts: ReadonlyArray<string>
}

/** By name in capitals. */
type Environment = ReadonlyMap<string, EnvironmentSecret>

const prefix = ["BATON", "SECRET"]

/** Parts of a name (`A_B_C` has three) that are looked into. */
const partsMax = 16

/** Elements of a numbered group (`KEY_0`, `KEY_1`, …) that are looked at. */
const numberedMax = 100

/** Every variable below a path, with its value. */
const variables = (
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<readonly [name: string, value: string]>, ConfigProvider.SourceError> =>
  Effect.gen(function*() {
    const node = yield* provider.load([...prefix, ...path])
    if (node === undefined) return []
    const own = node.value === undefined || path.length === 0 ? [] : [[path.join("_"), node.value] as const]
    if (node._tag === "Value" || path.length === partsMax) return own
    const below = node._tag === "Record"
      ? [...node.keys]
      : Array.from({ length: Math.min(node.length, numberedMax) }, (_, i) => String(i))
    const nested = yield* Effect.forEach(below, (part) => variables(provider, [...path, part]))
    return [...own, ...nested.flat()]
  })

const hostsSuffix = "_HOSTS"

export const read: Effect.Effect<Environment, SecretsError> = Effect.gen(function*() {
  const provider = yield* ConfigProvider.ConfigProvider
  const found = new Map(yield* variables(provider, []))
  const secrets = new Map<string, EnvironmentSecret>()
  for (const [name, value] of found) {
    if (name.endsWith(hostsSuffix)) continue
    const hosts = (found.get(name + hostsSuffix) ?? "").split(",").map((host) => host.trim().toLowerCase())
    secrets.set(name, {
      value: Redacted.make(value, { label: name }),
      hosts: hosts.filter(isHostPattern)
    })
  }
  return secrets
}).pipe(Effect.catchTag("SourceError", () =>
  Effect.fail(
    new SecretsError({ reason: "unavailable", message: "The environment's secrets could not be read." })
  )))

const info = ([name, { hosts }]: readonly [string, EnvironmentSecret]): SecretInfo => ({
  name,
  hosts,
  source: "environment",
  updatedAt: undefined
})

/** A store's secrets with the environment's before them. */
export const over = (environment: Environment, stored: Service): Service => {
  const find = (name: string) => environment.get(name.toUpperCase())
  return {
    ...stored,
    reveal: (tenant, name, host) => {
      const found = find(name)
      if (found === undefined) return stored.reveal(tenant, name, host)
      return isBound(found.hosts, host) ? Effect.succeed(found.value) : Effect.fail(notAllowed(name, host))
    },
    has: (tenant, name) => find(name) === undefined ? stored.has(tenant, name) : Effect.succeed(true),
    list: (tenant) =>
      Effect.map(
        stored.list(tenant),
        (rows) =>
          [...[...environment].map(info), ...rows.filter(({ name }) => find(name) === undefined)]
            .sort((a, b) => (a.name < b.name ? -1 : 1))
      )
  }
}

/** What a reader of a stored secret does with it: bound to the host, or refused. */
export const requireBound = <A>(
  name: string,
  host: string,
  found: { readonly hosts: ReadonlyArray<string>; readonly value: A } | undefined
): Effect.Effect<A, SecretsError> => {
  if (found === undefined) return Effect.fail(missing(name))
  return isBound(found.hosts, host) ? Effect.succeed(found.value) : Effect.fail(notAllowed(name, host))
}
