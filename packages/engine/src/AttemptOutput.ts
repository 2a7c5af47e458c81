/**
 * What may leave an attempt: JSON within bounds, valid for the node's schema, as a stored value.
 *
 * Bounds (SEMANTICS 8.15): no NUL, no lone surrogate, depth at most {@link depthMax}. What a model wrote is repaired with a
 * warning; anything else that breaks them fails the attempt.
 */
import type { BlobRef, Json, JsonObject, Value } from "@baton/kernel/Value"
import { inlineBytesMax } from "@baton/kernel/Value"
import * as JsonSchema from "@cfworker/json-schema"
import * as Result from "effect/Result"
import * as CanonicalJson from "./CanonicalJson.ts"

/** Containers inside containers. */
export const depthMax = 128
/** UTF-8 bytes of one step's output as JSON. */
export const outputBytesMax = 16 * 1024 * 1024
/** Values in one document; the shortest value takes two bytes, so no document within the byte limit has more. */
const valuesMax = outputBytesMax / 2
/** Lines of schema problems that an error names. */
export const problemsMax = 10

/** Why a value is no JSON within bounds; `undefined` when it is. */
export const problem = (value: unknown): string | undefined => find(value, 0, { values: 0 }, "")

interface Count {
  values: number
}

const find = (value: unknown, depth: number, count: Count, at: string): string | undefined => {
  switch (typeof value) {
    case "string":
      return textProblem(value, at)
    case "boolean":
      return undefined
    case "number":
      return Number.isFinite(value) ? undefined : `${place(at)} is ${value}, which JSON does not have`
    case "object":
      return value === null ? undefined : findInside(value, depth, count, at)
    default:
      return `${place(at)} is ${value === undefined ? "undefined" : `a ${typeof value}`}, which JSON does not have`
  }
}

const findInside = (value: object, depth: number, count: Count, at: string): string | undefined => {
  if (depth >= depthMax) return `it is nested deeper than ${depthMax} levels`
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (++count.values > valuesMax) return tooMany
      const found = find(value[index], depth + 1, count, `${at}/${index}`)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isPlain(value)) return `${place(at)} is ${article(value)}, which JSON does not have`
  for (const key of Object.keys(value)) {
    if (++count.values > valuesMax) return tooMany
    const found = textProblem(key, at) ?? find((value as Members)[key], depth + 1, count, `${at}/${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

type Members = { readonly [key: string]: unknown }

const tooMany = `it holds more than ${valuesMax} values`

const textProblem = (text: string, at: string): string | undefined => {
  if (text.includes("\0")) return `${place(at)} holds a NUL character`
  return text.isWellFormed() ? undefined : `${place(at)} holds half of a surrogate pair`
}

/** Where in a document, cut: keys come from outside. */
const place = (at: string): string => at === "" ? "it" : JSON.stringify(at.slice(0, 200).toWellFormed())

/** Objects of other realms count too: their prototype is the end of its chain. */
const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const article = (value: object): string => {
  const name: unknown = value.constructor?.name
  return typeof name === "string" && name !== "" ? `a ${name.slice(0, 64)}` : "no plain object"
}

/**
 * A copy that shares nothing with what it was made from. As in `JSON.stringify`, members that are `undefined` are left
 * out and elements that are become null; everything else that is no JSON within bounds is a problem.
 */
export const copy = (value: unknown): Result.Result<Json, string> => {
  const count: Count = { values: 0 }
  try {
    return Result.succeed(value === undefined ? null : copyOf(value, 0, count, ""))
  } catch (error) {
    if (error instanceof NotJson) return Result.fail(error.message)
    throw error
  }
}

class NotJson extends Error {}

const copyOf = (value: unknown, depth: number, count: Count, at: string): Json => {
  if (typeof value !== "object" || value === null) {
    const found = find(value, depth, count, at)
    if (found !== undefined) throw new NotJson(found)
    return value as Json
  }
  if (depth >= depthMax) throw new NotJson(`it is nested deeper than ${depthMax} levels`)
  if (Array.isArray(value)) {
    return Array.from(value, (element, index) => {
      if (++count.values > valuesMax) throw new NotJson(tooMany)
      return element === undefined ? null : copyOf(element, depth + 1, count, `${at}/${index}`)
    })
  }
  if (!isPlain(value)) throw new NotJson(`${place(at)} is ${article(value)}, which JSON does not have`)
  const members: Record<string, Json> = {}
  for (const key of Object.keys(value)) {
    if (++count.values > valuesMax) throw new NotJson(tooMany)
    const found = textProblem(key, at)
    if (found !== undefined) throw new NotJson(found)
    const member = (value as Members)[key]
    if (member !== undefined) put(members, key, copyOf(member, depth + 1, count, `${at}/${key}`))
  }
  return members
}

/** Plain assignment to `__proto__` would set the prototype. */
const put = (members: Record<string, Json>, key: string, value: Json): void => {
  if (key !== "__proto__") members[key] = value
  else Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true })
}

/** The same document with every string (and name) mapped. */
export const mapText = (value: Json, map: (text: string) => string): Json => {
  if (typeof value === "string") return map(value)
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map((element) => mapText(element, map))
  const members: Record<string, Json> = {}
  for (const [key, member] of Object.entries(value)) put(members, map(key), mapText(member, map))
  return members
}

/** What a model wrote, without NUL characters and with replacement characters for lone surrogates. */
export const repair = (value: Json): Json => mapText(value, (text) => text.replaceAll("\0", "").toWellFormed())

/** A value as it is stored; `blob` is what must be written together with the record that names it. */
export interface Stored {
  readonly value: Value
  readonly blob: { readonly ref: BlobRef; readonly bytes: Uint8Array } | undefined
}

/** A value inline when its JSON is small, otherwise as a blob; `undefined` when it is larger than {@link outputBytesMax}. */
export const store = (json: Json): Stored | undefined => {
  if (typeof json === "number" || typeof json === "boolean" || json === null) {
    return { value: { v: json }, blob: undefined }
  }
  const text = JSON.stringify(json)
  if (text.length <= inlineBytesMax && Buffer.byteLength(text) <= inlineBytesMax) {
    return { value: { v: json }, blob: undefined }
  }
  const bytes = Buffer.from(text)
  if (bytes.byteLength > outputBytesMax) return undefined
  const ref = CanonicalJson.address(bytes)
  return { value: { ref, bytes: bytes.byteLength }, blob: { ref, bytes } }
}

const validators = new WeakMap<JsonObject, JsonSchema.Validator>()

/** One line per problem; none when the value conforms. Schemas are parsed once per document that holds them. */
export const schemaProblems = (schema: JsonObject, value: Json): ReadonlyArray<string> => {
  let validator = validators.get(schema)
  if (validator === undefined) {
    validator = new JsonSchema.Validator(schema as JsonSchema.Schema, "2020-12", false)
    validators.set(schema, validator)
  }
  const result = validator.validate(value)
  if (result.valid) return []
  return result.errors.slice(0, problemsMax).map((unit) =>
    `${unit.instanceLocation.slice(0, 200)}: ${unit.error.slice(0, 300)}`
  )
}
