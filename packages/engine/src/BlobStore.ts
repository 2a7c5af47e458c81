/**
 * Content-addressed bytes, per tenant.
 *
 * Promise. The address is the SHA-256 of the bytes; the same bytes are stored once; what is read is verified and a
 * mismatch is `corrupt`, never wrong bytes. A blob is durable when `put` returns. Knowing a hash is no permission: blobs
 * are looked up per tenant. Collected is what no record references and nobody has put for 24 hours (SEMANTICS 8.15).
 */
import type { BlobRef } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export class BlobStoreError extends Schema.TaggedError<BlobStoreError>()("BlobStoreError", {
  reason: Schema.Literals(["missing", "corrupt", "unavailable", "full", "read_only"]),
  ref: Schema.optionalKey(Schema.String),
  message: Schema.String
}) {}

export class BlobStore extends Context.Service<BlobStore, {
  readonly put: (tenant: string, bytes: Uint8Array) => Effect.Effect<BlobRef, BlobStoreError>
  readonly get: (tenant: string, ref: BlobRef) => Effect.Effect<Uint8Array, BlobStoreError>
  readonly has: (tenant: string, ref: BlobRef) => Effect.Effect<boolean, BlobStoreError>
  /** Removes unreferenced blobs not put since `before`; returns how many. */
  readonly collect: (before: number) => Effect.Effect<number, BlobStoreError>
}>()("baton/engine/BlobStore") {}
