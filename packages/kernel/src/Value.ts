/**
 * Stored values. A value is either inline JSON or the address of a blob that holds its JSON bytes.
 *
 * Inline values are at most {@link inlineBytesMax} bytes of UTF-8 JSON; anything larger, and anything marked sensitive,
 * is a blob, so that a value can be erased without breaking the journal's hash chain (SEMANTICS 8.13).
 */
import * as Schema from "effect/Schema"

export type Json = Schema.Json
export type JsonObject = { readonly [key: string]: Json }

/** `sha256:` and 64 lower-case hex digits: the address of content-addressed bytes. */
export const BlobRef = Schema.TemplateLiteral(["sha256:", Schema.String]).check(
  Schema.isPattern(/^sha256:[0-9a-f]{64}$/)
)
export type BlobRef = typeof BlobRef.Type

/** Values whose JSON text is longer than this many bytes are kept as blobs. */
export const inlineBytesMax = 1024
/** A chunk of a stored list holds at most this many elements and this many bytes (SEMANTICS 8.7c). */
export const chunkItemsMax = 1000
export const chunkBytesMax = 1024 * 1024

/** The JSON itself. */
export interface Inline {
  readonly v: Json
}
/** A blob that holds the JSON. */
export interface Stored {
  readonly ref: BlobRef
  readonly bytes: number
}
/** A list kept in parts: each chunk holds a JSON array of `n` elements; `count` is the number of all elements. */
export interface Chunked {
  readonly chunks: ReadonlyArray<(Inline | Stored) & { readonly n: number }>
  readonly count: number
}
/** An object whose members are stored separately, so that one can be read or passed on without the others. */
export interface Fields {
  readonly fields: { readonly [key: string]: Value }
}
export type Value = Inline | Stored | Chunked | Fields

const ref = { ref: BlobRef, bytes: Schema.Int }

export const Value: Schema.Codec<Value> = Schema.Union([
  Schema.Struct({ v: Schema.Json }),
  Schema.Struct(ref),
  Schema.Struct({
    chunks: Schema.Array(Schema.Union([
      Schema.Struct({ v: Schema.Json, n: Schema.Int }),
      Schema.Struct({ ...ref, n: Schema.Int })
    ])),
    count: Schema.Int
  }),
  Schema.Struct({ fields: Schema.Record(Schema.String, Schema.suspend((): Schema.Codec<Value> => Value)) })
])

export const inline = (v: Json): Value => ({ v })
export const none: Value = { v: null }

/** The blobs that must be loaded before `resolve` can answer; empty when the value is complete as it stands. */
export const refs = (value: Value): ReadonlyArray<BlobRef> => {
  if ("v" in value) return []
  if ("ref" in value) return [value.ref]
  if ("chunks" in value) return value.chunks.flatMap(refs)
  return Object.values(value.fields).flatMap(refs)
}

/** Reads a value, given the blobs it needs; `undefined` when one of them is missing. */
export const resolve = (value: Value, blobs: ReadonlyMap<BlobRef, Json>): Json | undefined => {
  if ("v" in value) return value.v
  if ("ref" in value) return blobs.get(value.ref)
  if ("chunks" in value) {
    const items: Array<Json> = []
    for (const chunk of value.chunks) {
      const part = resolve(chunk, blobs)
      if (!Array.isArray(part)) return undefined
      for (const item of part) items.push(item)
    }
    return items
  }
  const entries: Array<[string, Json]> = []
  for (const [key, field] of Object.entries(value.fields)) {
    const part = resolve(field, blobs)
    if (part === undefined) return undefined
    entries.push([key, part])
  }
  return Object.fromEntries(entries)
}
