/** Decoded blobs at hand, bounded by bytes, the longest unused going first. A cache only: every miss is read and verified. */
import type { BlobRef, Json } from "@baton/kernel/Value"

export class BlobCache {
  readonly #entries = new Map<BlobRef, { readonly json: Json; readonly bytes: number }>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(ref: BlobRef): Json | undefined {
    const entry = this.#entries.get(ref)
    if (entry === undefined) return undefined
    // Map order is insertion order: touching an entry moves it behind the others.
    this.#entries.delete(ref)
    this.#entries.set(ref, entry)
    return entry.json
  }

  set(ref: BlobRef, json: Json, bytes: number): void {
    const before = this.#entries.get(ref)
    if (before !== undefined) {
      this.#bytes -= before.bytes
      this.#entries.delete(ref)
    }
    if (bytes > this.#bytesMax) return
    this.#entries.set(ref, { json, bytes })
    this.#bytes += bytes
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) break
      this.#entries.delete(oldest)
      this.#bytes -= entry.bytes
    }
  }
}
