/**
 * The note in a run's journal that a webhook was not told of one of its events (`DeliveryGivenUp`). It is written by the run's
 * owner, or here where there is none, because the run is over or its process is gone.
 */
import type { RunRow } from "@baton/engine/RunStore"
import type { Command } from "@baton/kernel/Command"
import * as Effect from "effect/Effect"
import type { Parts } from "../Parts.ts"
import * as RunAnnotation from "../RunAnnotation.ts"

/** Times that a note is written again when the run has moved meanwhile. */
const triesMax = 5

const isOwned = (parts: Parts, { endedAt, owner }: RunRow) =>
  endedAt !== undefined || owner === undefined ? Effect.succeed(false) : parts.sessions.isAlive(owner)

/** `parts` are those of the run's tenant. */
export const note = (parts: Parts, run: string, command: Extract<Command, { readonly type: "GiveUpDelivery" }>) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < triesMax; tries++) {
      if (parts.coordinator.slot(parts.tenant, run) !== undefined) {
        const settled = yield* parts.coordinator.command(parts.tenant, run, command)
        if (settled.kind !== "lost") return
        continue
      }
      const row = yield* parts.store.find(parts.tenant, run)
      if (row === undefined) return
      if (yield* isOwned(parts, row)) {
        yield* parts.sessions.give(parts.tenant, run, JSON.stringify(command))
        return
      }
      if ((yield* RunAnnotation.write(parts, row, command)) !== undefined) return
    }
  }).pipe(
    Effect.catch((error) =>
      Effect.logWarning("A run could not be told that a delivery was given up", { run, reason: error.reason })
    )
  )
