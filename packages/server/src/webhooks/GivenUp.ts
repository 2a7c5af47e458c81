/**
 * The note in a run's journal that a webhook was not told of one of its events (`DeliveryGivenUp`). It is written by the run's
 * owner. Where there is none, because the run is over or its process is gone, it is written here: it changes nothing of the
 * run, and the head that was seen guards it as it guards every record. Nobody takes a run over in order to say this.
 */
import * as RunLoader from "@baton/engine/RunLoader"
import type { RunRow } from "@baton/engine/RunStore"
import type { Command } from "@baton/kernel/Command"
import * as Decide from "@baton/kernel/Decide"
import type { Event } from "@baton/kernel/Event"
import * as Effect from "effect/Effect"
import type { Parts } from "../Parts.ts"

/** Times that a note is written again when the run has moved meanwhile. */
const triesMax = 5

/** False when the run has moved. */
const write = Effect.fnUntraced(function*(parts: Parts, row: RunRow, command: Command) {
  const plan = yield* parts.plans.get(row.tenant, row.flowHash)
  const loaded = yield* RunLoader.load(parts.store, plan, row.tenant, row.run)
  if (loaded === undefined || loaded.head !== row.head) return false
  const decision = Decide.decide(loaded.state, command)
  if (decision.kind !== "events" || decision.events.length === 0) return true
  const events: ReadonlyArray<Event> = decision.events
  const [outcome] = yield* parts.store.commit([{
    tenant: row.tenant,
    run: row.run,
    expected: row.head,
    previous: row.hash,
    owner: row.owner,
    n: events.length,
    bytes: new Uint8Array(Buffer.from(JSON.stringify(events))),
    at: command.at
  }])
  return outcome?.ok === true
})

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
      if (yield* write(parts, row, command)) return
    }
  }).pipe(
    Effect.catch((error) =>
      Effect.logWarning("A run could not be told that a delivery was given up", { run, reason: error.reason })
    )
  )
