/**
 * Which addresses a socket may go to. IPv4 is everything minus the special ranges; IPv6 is 2000::/3 minus the special
 * ranges, since most of the IPv6 space belongs to nobody and a list of bad ranges can never be complete. Facts: the IANA
 * special-purpose registries for IPv4 and IPv6 (RFC 6890) and the metadata services of the clouds.
 */
import * as NetAddress from "effect/net/NetAddress"
import { BlockList } from "node:net"

/**
 * - `public`: on the internet.
 * - `local`: loopback, private, carrier NAT, unique local; an allow entry by name opens these.
 * - `metadata`: hands out the machine's credentials; only an entry for that very address opens it.
 * - `special`: everything else (unspecified, link-local, multicast, reserved, tunnels, documentation).
 */
export type AddressKind = "public" | "local" | "metadata" | "special"

/** An address that passed the policy of the call at hand; only the policy makes one, and only one opens a socket. */
export interface CheckedAddress {
  readonly [checked]: true
  readonly text: string
  readonly family: 4 | 6
}
declare const checked: unique symbol

export const kindOf = (address: NetAddress.IpAddress): AddressKind => {
  const text = NetAddress.formatIp(address)
  if (metadata.has(text)) return "metadata"
  if (NetAddress.isIpv4Address(address)) {
    return localV4.check(text, "ipv4") ? "local" : specialV4.check(text, "ipv4") ? "special" : "public"
  }
  const inside = embeddedIpv4(address)
  if (inside !== undefined && metadata.has(NetAddress.formatIp(inside))) return "metadata"
  if (localV6.check(text, "ipv6")) return "local"
  return globalV6.check(text, "ipv6") && !specialV6.check(text, "ipv6") ? "public" : "special"
}

/** The IPv4 address that a mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) address leads to. */
const embeddedIpv4 = (address: NetAddress.Ipv6Address): NetAddress.Ipv4Address | undefined => {
  const [a, b, c, d, e, f, high, low] = NetAddress.ipv6ToSegments(address)
  const mapped = a === 0 && b === 0 && e === 0 && f === 0xffff
  const translated = a === 0x64 && b === 0xff9b && e === 0 && f === 0
  return c === 0 && d === 0 && (mapped || translated)
    ? NetAddress.ipv4FromBytesUnsafe(Uint8Array.of(high >> 8, high & 255, low >> 8, low & 255))
    : undefined
}

const metadata: ReadonlySet<string> = new Set([
  "169.254.169.254", // most clouds
  "169.254.170.2", // ECS tasks
  "169.254.170.23", // EKS pod identity
  "169.254.0.23", // Tencent
  "169.254.42.42", // Scaleway
  "168.63.129.16", // Azure's wire server: a public address to every other list
  "100.100.100.200", // Alibaba, inside carrier NAT
  "192.0.0.192", // Oracle
  "fd00:ec2::254", // EC2
  "fd00:ec2::23", // EKS pod identity
  "fd20:ce::254", // Google
  "fd00:42::42" // Scaleway
])

const listOf = (
  family: "ipv4" | "ipv6",
  networks: ReadonlyArray<readonly [net: string, prefix: number]>
): BlockList => {
  const list = new BlockList()
  for (const [net, prefix] of networks) list.addSubnet(net, prefix, family)
  return list
}

const localV4 = listOf("ipv4", [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16]
])

const specialV4 = listOf("ipv4", [
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24], // 6to4 relays
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4]
])

const localV6 = listOf("ipv6", [["::1", 128], ["fc00::", 7]])

const globalV6 = listOf("ipv6", [["2000::", 3]])

const specialV6 = listOf("ipv6", [
  ["2001::", 23], // Teredo, benchmarking, ORCHID
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4
  ["3fff::", 20] // documentation
])
