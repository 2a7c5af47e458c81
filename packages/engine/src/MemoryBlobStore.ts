/** Blobs in memory, per tenant. */
import type { BlobRef } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BlobStore, BlobStoreError } from "./BlobStore.ts"
import * as CanonicalJson from "./CanonicalJson.ts"
import * as MemoryState from "./MemoryState.ts"

type State = typeof MemoryState.MemoryState.Service

/** Stores bytes once per tenant; storing them again only renews their time. */
export const write = (state: State, tenant: string, ref: BlobRef, bytes: Uint8Array, now: number): void => {
  const found = state.blobs.get(MemoryState.key(tenant, ref))
  if (found === undefined) {
    state.blobs.set(MemoryState.key(tenant, ref), { bytes: bytes.slice(), putAt: now, references: 0 })
  } else found.putAt = Math.max(found.putAt, now)
}

/** Counts a run's reference to a blob; the same run counts once. */
export const refer = (state: State, run: MemoryState.MemoryRun, ref: BlobRef): void => {
  const found = state.blobs.get(MemoryState.key(run.tenant, ref))
  if (found === undefined || run.references.has(ref)) return
  run.references.add(ref)
  found.references += 1
}

export const forget = (state: State, tenant: string, ref: BlobRef): void => {
  const found = state.blobs.get(MemoryState.key(tenant, ref))
  if (found !== undefined) found.references -= 1
}

const collect = (state: State, before: number): number => {
  let count = 0
  for (const [key, blob] of state.blobs) {
    if (blob.references === 0 && blob.putAt < before) {
      state.blobs.delete(key)
      count += 1
    }
  }
  return count
}

const get = (state: State, tenant: string, ref: BlobRef) => {
  const found = state.blobs.get(MemoryState.key(tenant, ref))
  if (found === undefined) {
    return Effect.fail(
      new BlobStoreError({
        reason: "missing",
        ref,
        message: `Blob ${ref} is not there: it was never stored or was collected.`
      })
    )
  }
  if (CanonicalJson.address(found.bytes) !== ref) {
    return Effect.fail(
      new BlobStoreError({ reason: "corrupt", ref, message: `The bytes of blob ${ref} do not match its address.` })
    )
  }
  return Effect.succeed(found.bytes.slice())
}

export const layer: Layer.Layer<BlobStore, never, MemoryState.MemoryState> = Layer.effect(
  BlobStore,
  Effect.gen(function*() {
    const state = yield* MemoryState.MemoryState
    return BlobStore.of({
      put: (tenant, bytes) =>
        Effect.clockWith((clock) =>
          Effect.sync(() => {
            const ref = CanonicalJson.address(bytes)
            write(state, tenant, ref, bytes, clock.currentTimeMillisUnsafe())
            return ref
          })
        ),
      get: (tenant, ref) => Effect.suspend(() => get(state, tenant, ref)),
      has: (tenant, ref) => Effect.sync(() => state.blobs.has(MemoryState.key(tenant, ref))),
      collect: (before) => Effect.sync(() => collect(state, before))
    })
  })
)
