/**
 * Answers that have lost their way: a worker whose process has lost the run still holds its claim while its lease lives, so
 * that nobody else runs the attempt. Its answer goes to the run's owner; the first accepted one counts (SEMANTICS 8.2c).
 */
import * as Effect from "effect/Effect"
import type { BlobStore } from "./BlobStore.ts"
import type { Pending } from "./RunSlot.ts"
import type { Sessions } from "./Sessions.ts"

export interface Ports {
  readonly blobs: BlobStore["Service"]
  readonly sessions: Sessions["Service"]
}

export const handOver = (
  { blobs, sessions }: Ports,
  to: { readonly tenant: string; readonly run: string },
  pending: Pending
): Effect.Effect<void> =>
  Effect.forEach(pending.blobs, (blob) => blobs.put(to.tenant, blob.bytes), { discard: true }).pipe(
    Effect.andThen(sessions.give(to.tenant, to.run, JSON.stringify(pending.command))),
    Effect.catch((error) =>
      Effect.logWarning("A worker's answer was lost on the way", { run: to.run, reason: error.reason })
    ),
    Effect.asVoid
  )
