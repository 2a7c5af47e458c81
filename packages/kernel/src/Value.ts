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
export const BlobRef = Schema.String.check(Schema.isPattern(/^sha256:[0-9a-f]{64}$/)).pipe(Schema.brand("BlobRef"))
export type BlobRef = typeof BlobRef.Type

/** Values whose JSON text is longer than this many bytes are kept as blobs. */
export const inlineBytesMax = 1024

/** `{v}` is the JSON itself; `{ref, bytes}` names a blob that holds it. */
export const Value = Schema.Union([
  Schema.Struct({ v: Schema.Json }),
  Schema.Struct({ ref: BlobRef, bytes: Schema.Int }),
  /**
   * A gathered list: each chunk is itself a value holding a JSON array. `count` is the number of all elements.
   * A map's `items` and `failures` are stored like this (SEMANTICS 8.7c).
   */
  Schema.Struct({
    chunks: Schema.Array(Schema.Union([
      Schema.Struct({ v: Schema.Json }),
      Schema.Struct({ ref: BlobRef, bytes: Schema.Int })
    ])),
    count: Schema.Int
  }),
  /** An object whose members are stored separately, so that one of them can be read or passed on without the others. */
  Schema.Struct({
    fields: Schema.Record(
      Schema.String,
      Schema.Union([
        Schema.Struct({ v: Schema.Json }),
        Schema.Struct({ ref: BlobRef, bytes: Schema.Int }),
        Schema.Struct({
          chunks: Schema.Array(Schema.Union([
            Schema.Struct({ v: Schema.Json }),
            Schema.Struct({ ref: BlobRef, bytes: Schema.Int })
          ])),
          count: Schema.Int
        })
      ])
    )
  })
])
export type Value = typeof Value.Type

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
  const object: Record<string, Json> = Object.create(null)
  for (const [key, field] of Object.entries(value.fields)) {
    const part = resolve(field, blobs)
    if (part === undefined) return undefined
    object[key] = part
  }
  return { ...object }
}
