/**
 * One line of the operator's allow-list: a host that calls may reach although it is not public, or on a port that is not
 * among the policy's. The forms:
 *
 *   `metrics.internal`  `metrics.internal:9090`  `*.svc.cluster.local`  `localhost`
 *   `127.0.0.1`  `127.0.0.1:11434`  `10.0.0.0/8`  `10.0.0.0/8:9000`
 *   `::1`  `[::1]:8080`  `fd00::/8`  `[fd00::/8]:9000`
 *
 * An entry with a port opens that port alone; without one it opens the policy's ports. Networks wider than
 * `PREFIX_MIN_V4`/`PREFIX_MIN_V6` are refused: there is no way to write "everything private".
 */
import * as Host from "effect/net/Host"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** Shortest prefix of an IPv4 network, in bits: the whole of 10.0.0.0/8 is the widest private range there is. */
export const PREFIX_MIN_V4 = 8
/** Shortest prefix of an IPv6 network, in bits: fc00::/7 holds every unique local address. */
export const PREFIX_MIN_V6 = 7

export type AllowEntry =
  | { readonly _tag: "Name"; readonly name: string; readonly subdomains: boolean; readonly port: number | undefined }
  | { readonly _tag: "Network"; readonly network: IpNetwork.IpNetwork; readonly port: number | undefined }

export class AllowEntryError extends Schema.TaggedError<AllowEntryError>()("AllowEntryError", {
  entry: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `The allow entry "${this.entry}" ${this.problem}. Write a host name, an address or a network, and a port if it needs one.`
  }
}

export const fromString = (text: string): Result.Result<AllowEntry, AllowEntryError> =>
  Result.gen(function*() {
    const refuse = (problem: string) => Result.fail(new AllowEntryError({ entry: text, problem }))
    const parts = split(text.trim())
    if (parts === undefined) return yield* refuse("is not a host, an address or a network")
    const port = parts.port === undefined ? undefined : Number(parts.port)
    if (port !== undefined && (port < 1 || port > 65535)) return yield* refuse("has a port outside 1 to 65535")
    if (parts.prefix !== undefined || isAddress(parts.host)) {
      const network = networkOf(parts.host, parts.prefix)
      if (network === undefined) return yield* refuse("is not a network with its host bits zero")
      const prefixMin = NetAddress.isIpv4Address(network.address) ? PREFIX_MIN_V4 : PREFIX_MIN_V6
      if (network.prefixLength < prefixMin) return yield* refuse(`is wider than /${prefixMin}`)
      return { _tag: "Network", network, port } as const
    }
    const subdomains = parts.host.startsWith("*.")
    const name = Host.domainNameFromString(nameOf(subdomains ? parts.host.slice(2) : parts.host))
    if (Result.isFailure(name)) return yield* refuse("is not a host name in its plain spelling")
    return { _tag: "Name", name: name.success, subdomains, port } as const
  })

/** A host name as names are compared here: lower case, without the dot of an absolute name. */
export const nameOf = (hostname: string): string => hostname.toLowerCase().replace(/\.$/, "")

export const namesHost = (entry: AllowEntry, name: string): boolean =>
  entry._tag === "Name" && (entry.subdomains ? name.endsWith(`.${entry.name}`) : name === entry.name)

export const coversAddress = (entry: AllowEntry, address: NetAddress.IpAddress): boolean =>
  entry._tag === "Network" && IpNetwork.contains(entry.network, address)

/** Whether the entry names one address and nothing beside it. */
export const isSingleAddress = (entry: AllowEntry): boolean =>
  entry._tag === "Network" && entry.network.prefixLength === NetAddress.width(entry.network.address)

const isAddress = (host: string): boolean => Result.isSuccess(NetAddress.ipFromString(host))

const networkOf = (host: string, prefix: string | undefined): IpNetwork.IpNetwork | undefined => {
  const address = NetAddress.ipFromString(host)
  if (Result.isFailure(address)) return undefined
  const length = prefix === undefined ? NetAddress.width(address.success) : Number(prefix)
  return Result.getOrUndefined(IpNetwork.make(address.success, length))
}

interface Parts {
  readonly host: string
  readonly prefix: string | undefined
  readonly port: string | undefined
}

const bracketed = /^\[([^\]/]+)(?:\/(\d{1,3}))?\](?:\/(\d{1,3}))?(?::(\d{1,5}))?$/
const bareIpv6 = /^([0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(?:\/(\d{1,3}))?$/
const plain = /^([^:/[\]\s]+)(?:\/(\d{1,3}))?(?::(\d{1,5}))?$/

const split = (text: string): Parts | undefined => {
  const inBrackets = bracketed.exec(text)
  if (inBrackets !== null) {
    const [, host = "", inner, outer, port] = inBrackets
    return host.includes(":") && (inner === undefined || outer === undefined)
      ? { host, prefix: inner ?? outer, port }
      : undefined
  }
  const ipv6 = bareIpv6.exec(text)
  if (ipv6 !== null) return { host: ipv6[1] ?? "", prefix: ipv6[2], port: undefined }
  const other = plain.exec(text)
  return other === null ? undefined : { host: other[1] ?? "", prefix: other[2], port: other[3] }
}
