/** Blobs in the store file. */
import { BlobStore, BlobStoreError } from "@baton/engine/BlobStore"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type { RunStoreError } from "@baton/engine/RunStore"
import type { BlobRef } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as BlobTable from "./BlobTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"

const refail = ({ message, reason }: RunStoreError): BlobStoreError =>
  new BlobStoreError({
    reason: reason === "busy" || reason === "newer" || reason === "gone" ? "unavailable" : reason,
    message
  })

const verify = (ref: BlobRef, bytes: Uint8Array | undefined): Effect.Effect<Uint8Array, BlobStoreError> => {
  if (bytes === undefined) {
    const message = `Blob ${ref} is not there: it was never stored or was collected.`
    return Effect.fail(new BlobStoreError({ reason: "missing", ref, message }))
  }
  if (CanonicalJson.address(bytes) === ref) return Effect.succeed(bytes)
  const message = `The bytes of blob ${ref} do not match its address. Restore the store from a backup.`
  return Effect.fail(new BlobStoreError({ reason: "corrupt", ref, message }))
}

export const make = ({ read, write }: StoreAccess) =>
  BlobStore.of({
    put: Effect.fnUntraced(function*(tenant, bytes) {
      const now = yield* Clock.currentTimeMillis
      const ref = CanonicalJson.address(bytes)
      yield* write("putBlob", tenant, ref, bytes, now)
      return ref
    }, Effect.mapError(refail)),
    get: (tenant, ref) =>
      read((connection) => BlobTable.read(connection, tenant, ref)).pipe(
        Effect.mapError(refail),
        Effect.flatMap((bytes) => verify(ref, bytes))
      ),
    has: (tenant, ref) =>
      Effect.mapError(read((connection) => BlobTable.find(connection, tenant, ref) !== undefined), refail),
    collect: Effect.fnUntraced(function*(before) {
      yield* write("collectFlows", before)
      let count = 0
      for (let after: number | undefined = 0; after !== undefined;) {
        const { next, removed }: BlobTable.Collected = yield* write("collectBlobs", before, after)
        count += removed
        after = next
        // Commits have their turn between two of them.
        yield* Effect.yieldNow
      }
      return count
    }, Effect.mapError(refail))
  })
