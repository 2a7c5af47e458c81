/** JSON that nobody would send, and journals that nobody would write. */
import type { Json } from "@baton/kernel/Value"
import type { Chance } from "./Chance.ts"

const scalars: ReadonlyArray<Json> = [
  null,
  true,
  "",
  "n0",
  "n0[0]",
  "n1[999]",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud800",
  0,
  -1,
  1,
  2,
  3.5,
  1e9,
  9e15,
  -9e15,
  1e300
]

export const json = (chance: Chance, depth = 3): Json => {
  if (depth === 0 || chance.is(0.6)) return chance.pick(scalars)
  if (chance.is(0.5)) return Array.from({ length: chance.int(0, 3) }, () => json(chance, depth - 1))
  const keys = ["type", "v", "at", "path", "attempt", "steps", "ref", "fields", "chunks", "__proto__", "ok"]
  return Object.fromEntries(
    Array.from({ length: chance.int(0, 4) }, () => [chance.pick(keys), json(chance, depth - 1)])
  )
}

/** The same value with something in it changed, taken away or put in. */
export const garble = (chance: Chance, value: Json): Json => {
  if (typeof value !== "object" || value === null || chance.is(0.1)) return json(chance)
  if (Array.isArray(value)) {
    const copy = [...value]
    const at = chance.int(0, Math.max(0, copy.length - 1))
    const way = copy.length === 0 ? 0 : chance.int(0, 4)
    if (way === 0) copy.push(json(chance))
    else if (way === 1) copy.splice(at, 1)
    else copy[at] = garble(chance, copy[at] ?? null)
    return copy
  }
  const copy: { [key: string]: Json } = { ...(value as { [key: string]: Json }) }
  const keys = Object.keys(copy)
  if (keys.length === 0) return json(chance)
  const key = chance.pick(keys)
  if (chance.is(0.15)) delete copy[key]
  else copy[key] = garble(chance, copy[key] ?? null)
  return copy
}

export const nested = (depth: number): Json => {
  let value: Json = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}
