/**
 * JSON Merge Patch (RFC 7396): members of an object are added or replaced, `null` removes one, anything else replaces the
 * whole. What may be applied is bounded first, so that no patch can be larger or deeper than what it changes may be.
 */
import * as JsonBounds from "./JsonBounds.ts"
import type { Json, JsonObject } from "./Value.ts"

/** Deepest nesting of a patch; a scalar has depth 0. */
export const depthMax = 32
/** Most values of all kinds in a patch. */
export const valuesMax = 10_000
/** Most text of a patch, keys included, in UTF-16 units. */
export const textMax = 256 * 1024

/** Why the value cannot be applied as a patch; `undefined` when it can. */
export const check = (patch: unknown): JsonBounds.Violation | undefined =>
  JsonBounds.check(patch, { depthMax, valuesMax, textMax })

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Neither argument is changed. `__proto__` is a name like any other. */
export const apply = (target: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return patch
  const members = new Map<string, Json>(isObject(target) ? Object.entries(target) : [])
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) members.delete(name)
    else members.set(name, apply(members.get(name), change))
  }
  return Object.fromEntries(members)
}
