/**
 * What may leave an attempt: JSON within bounds, valid for the node's schema, as a stored value.
 *
 * Bounds (SEMANTICS 8.15): no NUL, no lone surrogate, bounded depth. What a model wrote is repaired with a
 * warning; anything else that breaks them fails the attempt.
 */
import * as JsonBounds from "@baton/kernel/JsonBounds"
import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Json, JsonObject, Value } from "@baton/kernel/Value"
import * as Result from "effect/Result"
import * as StoredValue from "./StoredValue.ts"

/** UTF-8 bytes of one step's output as JSON. */
export const outputBytesMax = 16 * 1024 * 1024
/** Lines of schema problems that an error names. */
export const problemsMax = 10

/** The shortest value takes two bytes, so no document within the byte limit has more values than this. */
const bounds: JsonBounds.Bounds = {
  depthMax: JsonBounds.defaultBounds.depthMax,
  valuesMax: outputBytesMax / 2,
  textMax: outputBytesMax
}

/** Why a value is no JSON within bounds; `undefined` when it is. */
export const problem = (value: unknown): string | undefined => {
  const violation = JsonBounds.check(value, bounds)
  if (violation === undefined) return undefined
  return violation.pointer === "" ? violation.message : `${violation.message} It is at ${violation.pointer}.`
}

/**
 * A copy that shares nothing with what it was made from. As in `JSON.stringify`, members that are `undefined` are left
 * out and elements that are become null; everything else that is no JSON within bounds is a problem.
 */
export const copy = (value: unknown): Result.Result<Json, string> => {
  const copied = value === undefined ? null : copyOf(value, 0, { values: 0 })
  const found = problem(copied)
  return found === undefined ? Result.succeed(copied as Json) : Result.fail(found)
}

/** What cannot be copied, or not within bounds, stays in the copy for the check to find. */
const copyOf = (value: unknown, depth: number, count: { values: number }): unknown => {
  if (typeof value !== "object" || value === null || depth > bounds.depthMax || ++count.values > bounds.valuesMax) {
    return value
  }
  if (Array.isArray(value)) {
    return Array.from(value, (element) => element === undefined ? null : copyOf(element, depth + 1, count))
  }
  if (!isPlain(value)) return value
  const members: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const member = (value as { readonly [key: string]: unknown })[key]
    if (member !== undefined) put(members, key, copyOf(member, depth + 1, count))
  }
  return members
}

/** Objects of other realms count too: their prototype is the end of its chain. */
const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Plain assignment to `__proto__` would set the prototype. */
const put = (members: Record<string, unknown>, key: string, value: unknown): void => {
  if (key !== "__proto__") members[key] = value
  else Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true })
}

/** The same document with every string (and name) mapped. */
export const mapText = (value: Json, map: (text: string) => string): Json => {
  if (typeof value === "string") return map(value)
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map((element) => mapText(element, map))
  const members: { [key: string]: Json } = {}
  for (const [key, member] of Object.entries(value)) put(members, map(key), mapText(member, map))
  return members
}

/** What a model wrote, without NUL characters and with replacement characters for lone surrogates. */
export const repair = (value: Json): Json => mapText(value, (text) => text.replaceAll("\0", "").toWellFormed())

/** A value as it is stored, and the bytes that must be written together with the record that names it. */
export interface Kept {
  readonly value: Value
  readonly blobs: ReadonlyArray<StoredValue.NewBlob>
}

/** A value inline when its JSON is small, otherwise as a blob; `undefined` when it is larger than {@link outputBytesMax}. */
export const store = (json: Json): Kept | undefined => {
  if (typeof json !== "object" && typeof json !== "string") return { value: { v: json }, blobs: noBlobs }
  const blobs: Array<StoredValue.NewBlob> = []
  const value = StoredValue.store(json, blobs)
  return "ref" in value && value.bytes > outputBytesMax ? undefined : { value, blobs }
}

const noBlobs: ReadonlyArray<StoredValue.NewBlob> = []

/** One line per problem; none when the value conforms. Bounded in time, whatever the schema's patterns are. */
export const schemaProblems = (schema: JsonObject, value: Json): ReadonlyArray<string> =>
  JsonSchema.validate(schema, value).slice(0, problemsMax).map(({ message, pointer }) =>
    `${pointer.slice(0, 200)}: ${message.slice(0, 300)}`
  )
