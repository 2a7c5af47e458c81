/**
 * Counts credentials that were refused, by address. Guessing a secret of 256 bits is hopeless anyway: what this bounds is
 * the work and the noise. A valid credential passes from any address, since behind one address may be everybody.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/** Refused credentials per address and window. */
export const attemptsMax = 20
/** Milliseconds. */
export const windowMs = 60_000
/** Addresses remembered; those heard of longest ago are forgotten first. */
export const addressesMax = 10_000

/** A customer of IPv6 has 2^64 addresses: one network counts as one. */
const placeOf = (address: string): string => {
  const parsed = Result.getOrUndefined(NetAddress.ipFromString(address))
  if (parsed === undefined) return address.slice(0, 64)
  const canonical = NetAddress.toCanonical(parsed)
  return NetAddress.isIpv4Address(canonical)
    ? NetAddress.formatIp(canonical)
    : NetAddress.formatIp(parsed).split(":").slice(0, 4).join(":")
}

export class FailedAttempts {
  readonly #seen = new Map<string, { count: number; readonly since: number }>()

  /** Counts one more; milliseconds until the address may fail again, or undefined while it may. */
  add(address: string, now: number): number | undefined {
    const place = placeOf(address)
    const known = this.#seen.get(place)
    const entry = known === undefined || now - known.since >= windowMs ? { count: 0, since: now } : known
    entry.count++
    this.#seen.delete(place)
    this.#seen.set(place, entry)
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= addressesMax) break
      this.#seen.delete(oldest)
    }
    return entry.count > attemptsMax ? entry.since + windowMs - now : undefined
  }

  get size(): number {
    return this.#seen.size
  }
}
