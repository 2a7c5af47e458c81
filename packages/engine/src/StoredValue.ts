/** From JSON to stored values: small ones inline, large ones as blobs, large lists in chunks (SEMANTICS 8.7c, 8.13d). */
import type { BlobRef, Json, Stored, Value } from "@baton/kernel/Value"
import { chunkBytesMax, chunkItemsMax, inlineBytesMax } from "@baton/kernel/Value"
import { hash } from "node:crypto"

/** Bytes that must be durable before a record may name them. */
export interface NewBlob {
  readonly ref: BlobRef
  readonly bytes: Uint8Array
  /** What the bytes say, where it is at hand: for whoever needs it next. */
  readonly json?: Json
}

export const refOf = (bytes: Uint8Array): BlobRef => `sha256:${hash("sha256", bytes, "hex")}`

/** Text that may be longer than what is inline is measured; shorter text cannot need more than three bytes a unit. */
const isSmall = (text: string): boolean =>
  text.length * 3 <= inlineBytesMax || (text.length <= inlineBytesMax && Buffer.byteLength(text) <= inlineBytesMax)

export const store = (json: Json, blobs: Array<NewBlob>): Value => {
  const text = JSON.stringify(json)
  return isSmall(text) ? { v: json } : storeText(text, json, blobs)
}

const storeText = (text: string, json: Json, blobs: Array<NewBlob>): Stored => {
  const bytes = Buffer.from(text)
  const ref = refOf(bytes)
  blobs.push({ ref, bytes, json })
  return { ref, bytes: bytes.length }
}

/** A list of any length: inline when small, else chunks of at most 1,000 elements and about 1 MiB. */
export const storeList = (list: ReadonlyArray<Json>, blobs: Array<NewBlob>): Value => {
  if (list.length <= chunkItemsMax) {
    const text = JSON.stringify(list)
    if (isSmall(text)) return { v: list }
  }
  const chunks: Array<Stored & { readonly n: number }> = []
  let part: Array<string> = []
  let members: Array<Json> = []
  let size = 2
  const flush = () => {
    if (part.length === 0) return
    chunks.push({ ...storeText(`[${part.join(",")}]`, members, blobs), n: part.length })
    part = []
    members = []
    size = 2
  }
  for (const item of list) {
    const text = JSON.stringify(item)
    if (part.length >= chunkItemsMax || size + text.length > chunkBytesMax) flush()
    part.push(text)
    members.push(item)
    size += text.length + 1
  }
  flush()
  return { chunks, count: list.length }
}

/** Replaces large inline JSON anywhere in a value. */
export const externalize = (value: Value, blobs: Array<NewBlob>): Value => {
  if ("v" in value) return Array.isArray(value.v) ? storeList(value.v, blobs) : store(value.v, blobs)
  if ("fields" in value) {
    return {
      fields: Object.fromEntries(Object.entries(value.fields).map(([key, field]) => [key, externalize(field, blobs)]))
    }
  }
  return value
}
