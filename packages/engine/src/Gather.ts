/**
 * Gathers the list of a map once every item has settled: an internal attempt that reads each item's output once and writes
 * the lists in chunks (SEMANTICS 8.7c). Output: `{items, results, failures, succeeded, failed}`; `items[i]` is null where
 * item i failed, `results` holds what succeeded, `failures` is `{index, code, message}` each.
 */
import type { ItemTable } from "@baton/kernel/ItemTable"
import type { BlobRef, Json, Value } from "@baton/kernel/Value"
import { inline, inlineBytesMax, refs, resolve } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import type { BlobStore, BlobStoreError } from "./BlobStore.ts"
import type { NewBlob } from "./StoredValue.ts"
import { storeList } from "./StoredValue.ts"

export interface Gathered {
  readonly output: Value
  readonly blobs: ReadonlyArray<NewBlob>
}

/** Items gathered before other work gets a turn. */
const pauseEvery = 1000
/** Bytes of chunks that may wait for the commit of the completion; more are written ahead of it. */
const carriedBytesMax = 4 * 1024 * 1024

/** A list that is written chunk by chunk, so that no more than one chunk of it is in memory. */
class Writer {
  readonly #chunks: Array<Value & { readonly n: number }> = []
  readonly #blobs: Array<NewBlob>
  #part: Array<Json> = []
  count = 0

  constructor(blobs: Array<NewBlob>) {
    this.#blobs = blobs
  }

  add(item: Json): void {
    this.#part.push(item)
    this.count++
    if (this.#part.length === pauseEvery) this.#flush()
  }

  #flush(): void {
    if (this.#part.length === 0) return
    const value = storeList(this.#part, this.#blobs)
    if ("chunks" in value) this.#chunks.push(...value.chunks)
    else if ("v" in value) this.#chunks.push({ v: value.v, n: this.#part.length })
    this.#part = []
  }

  get value(): Value {
    if (this.#chunks.length === 0) {
      const value = storeList(this.#part, this.#blobs)
      this.#part = []
      return value
    }
    this.#flush()
    return { chunks: this.#chunks as Extract<Value, { chunks: unknown }>["chunks"], count: this.count }
  }
}

const read = Effect.fnUntraced(function*(blobs: BlobStore["Service"], tenant: string, value: Value) {
  const loaded = new Map<BlobRef, Json>()
  for (const ref of refs(value)) {
    const bytes = yield* blobs.get(tenant, ref)
    loaded.set(ref, JSON.parse(Buffer.from(bytes).toString("utf8")))
  }
  return resolve(value, loaded) ?? null
})

export const gather = Effect.fnUntraced(function*(
  blobs: BlobStore["Service"],
  tenant: string,
  table: ItemTable
): Effect.fn.Return<Gathered, BlobStoreError> {
  const made: Array<NewBlob> = []
  const items = new Writer(made)
  const failures = new Writer(made)
  const results = table.succeeded === table.count ? undefined : new Writer(made)
  for (let index = 0; index < table.count; index++) {
    const output = table.output(index)
    const status = table.status(index)
    if (status === "succeeded" && output !== undefined) {
      const json = "v" in output ? output.v : yield* read(blobs, tenant, output)
      items.add(json)
      results?.add(json)
    } else {
      items.add(null)
      failures.add(failureOf(table, index, status))
    }
    if (index % pauseEvery === pauseEvery - 1) yield* spill(blobs, tenant, made)
  }
  const list = items.value
  const fields: { readonly [key: string]: Value } = {
    items: list,
    results: results?.value ?? list,
    failures: failures.value,
    succeeded: inline(table.succeeded),
    failed: inline(table.count - table.succeeded)
  }
  return { output: small(fields) ?? { fields }, blobs: made }
})

const failureOf = (table: ItemTable, index: number, status: string): Json => {
  const error = table.note(index)?.error
  return error === undefined
    ? { index, code: "CANCELLED", message: `the item was ${status}` }
    : { index, code: error.code, message: error.message }
}

const spill = (
  blobs: BlobStore["Service"],
  tenant: string,
  made: Array<NewBlob>
): Effect.Effect<void, BlobStoreError> => {
  if (made.reduce((sum, blob) => sum + blob.bytes.length, 0) <= carriedBytesMax) return Effect.yieldNow
  return Effect.andThen(
    Effect.forEach(made.splice(0), (blob) => blobs.put(tenant, blob.bytes), { discard: true }),
    Effect.yieldNow
  )
}

/** A small map reads like any other small value. */
const small = (fields: { readonly [key: string]: Value }): Value | undefined => {
  const whole: Record<string, Json> = {}
  for (const [key, value] of Object.entries(fields)) {
    if (!("v" in value)) return undefined
    whole[key] = value.v
  }
  return Buffer.byteLength(JSON.stringify(whole)) <= inlineBytesMax ? { v: whole } : undefined
}
