/** The ports of those who ask, kept: most requests come from a few callers. */
import type { Ports } from "@baton/contract/Ports"
import type * as Context from "effect/Context"
import type { Parts } from "./Parts.ts"

export type Who = Pick<Parts, "tenant" | "by" | "groups" | "scopes" | "key">

/** Callers whose ports are kept; the longest unused goes first. */
const callersMax = 500

type PortsOf = (who: Who) => Context.Context<Ports>

export const remembered = (make: PortsOf): PortsOf => {
  const known = new Map<string, Context.Context<Ports>>()
  return (who) => {
    const { by, groups, key = null, scopes, tenant } = who
    const name = JSON.stringify([tenant, by, key, groups ?? null, scopes === undefined ? null : [...scopes]])
    const found = known.get(name) ?? make(who)
    known.delete(name)
    known.set(name, found)
    const [oldest] = known.keys()
    if (known.size > callersMax && oldest !== undefined) known.delete(oldest)
    return found
  }
}
