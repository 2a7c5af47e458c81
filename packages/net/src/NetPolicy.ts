/**
 * Where outgoing calls may go. The default is strict: public addresses, http and https, web ports, no path that smells of
 * a file system. What lies inside is opened host by host, by the operator alone; a flow has no say.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Address from "./Address.ts"
import * as AllowEntry from "./AllowEntry.ts"
import * as PathRule from "./PathRule.ts"

const Entry = Schema.String.check(Schema.makeFilter((text: string) => {
  const entry = AllowEntry.fromString(text)
  return Result.isSuccess(entry) ? undefined : entry.failure.message
}))

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))

export const PolicyDocument = Schema.Struct({
  schemes: Schema.Array(Schema.Literals(["http", "https"])),
  /** Ports open on every public host; an entry of `allow` may open another one on its host. */
  ports: Schema.Array(Port),
  /** See `AllowEntry` for the forms. */
  allow: Schema.Array(Entry),
  paths: PathRule.PathRules
})
export type PolicyDocument = typeof PolicyDocument.Type

export const strict: PolicyDocument = {
  schemes: ["http", "https"],
  ports: [80, 443, 8080, 8443],
  allow: [],
  paths: PathRule.strict
}

export class NetPolicy extends Context.Reference<PolicyDocument>("baton/net/NetPolicy", {
  defaultValue: () => strict
}) {
  /** `BATON_NET_ALLOW` and `BATON_NET_PORTS`, comma-separated; the ports replace the default ones. */
  static readonly layerFromEnv = Layer.effect(
    NetPolicy,
    Effect.map(
      Config.all({
        allow: Config.Array(Entry, "BATON_NET_ALLOW").pipe(Config.withDefault(strict.allow)),
        ports: Config.Array(Port, "BATON_NET_PORTS").pipe(Config.withDefault(strict.ports))
      }),
      (fromEnv) => ({ ...strict, ...fromEnv })
    )
  )
}

/** A policy made ready for calls. */
export interface Rules {
  /** Equal rules have equal keys, and only they: sockets are shared by key. */
  readonly key: string
  readonly schemes: ReadonlySet<string>
  readonly ports: ReadonlySet<number>
  readonly entries: ReadonlyArray<AllowEntry.AllowEntry>
  readonly pathProblem: PathRule.PathCheck
}

export const compile = (policy: PolicyDocument): Result.Result<Rules, AllowEntry.AllowEntryError> =>
  Result.map(Result.all(policy.allow.map(AllowEntry.fromString)), (entries) => ({
    key: JSON.stringify([policy.schemes.toSorted(), policy.ports.toSorted(), policy.allow.toSorted(), policy.paths]),
    schemes: new Set(policy.schemes.map((scheme) => `${scheme}:`)),
    ports: new Set(policy.ports),
    entries,
    pathProblem: PathRule.compile(policy.paths)
  }))

/** What a call is about to connect to, as far as the URL tells. */
export interface Endpoint {
  /** Absent when the URL holds an address. */
  readonly name: string | undefined
  readonly port: number
}

/** Whether any answer could open the port for the name; false saves the look-up. */
export const mayOpenPort = (rules: Rules, { name, port }: Endpoint): boolean =>
  rules.ports.has(port) ||
  rules.entries.some((entry) =>
    entry.port === port && (entry._tag === "Network" || (name !== undefined && AllowEntry.namesHost(entry, name)))
  )

export const namesHost = (rules: Rules, name: string): boolean =>
  rules.entries.some((entry) => AllowEntry.namesHost(entry, name))

export type Denial = "ADDRESS_PRIVATE" | "PORT_REFUSED"

/** The only maker of a `CheckedAddress`. */
export const admit = (
  rules: Rules,
  endpoint: Endpoint,
  address: NetAddress.IpAddress
): Result.Result<Address.CheckedAddress, Denial> => {
  const kind = Address.kindOf(address)
  const open = rules.entries.filter((entry) =>
    (entry.port === undefined || entry.port === endpoint.port) && opens(entry, endpoint, address, kind)
  )
  if (kind !== "public" && open.length === 0) return Result.fail("ADDRESS_PRIVATE")
  if (!rules.ports.has(endpoint.port) && !open.some((entry) => entry.port === endpoint.port)) {
    return Result.fail("PORT_REFUSED")
  }
  return Result.succeed({
    text: NetAddress.formatIp(address),
    family: NetAddress.isIpv4Address(address) ? 4 : 6
  } as Address.CheckedAddress)
}

const opens = (
  entry: AllowEntry.AllowEntry,
  endpoint: Endpoint,
  address: NetAddress.IpAddress,
  kind: Address.AddressKind
): boolean => {
  if (AllowEntry.coversAddress(entry, address)) return kind !== "metadata" || AllowEntry.isSingleAddress(entry)
  const named = endpoint.name !== undefined && AllowEntry.namesHost(entry, endpoint.name)
  return named && (kind === "public" || kind === "local")
}
