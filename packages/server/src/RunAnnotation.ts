/**
 * What a run takes that nobody runs, because it is over or because its process is gone: remarks that change nothing of what it
 * does (K5). They are written where they come up; the head that was seen guards them as it guards every record, and nobody
 * takes a run over in order to say them.
 */
import * as RunLoader from "@baton/engine/RunLoader"
import type { RunRow, UsageRow } from "@baton/engine/RunStore"
import * as RunUsage from "@baton/engine/RunUsage"
import type { Command } from "@baton/kernel/Command"
import * as Decide from "@baton/kernel/Decide"
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import type { RunState } from "@baton/kernel/RunState"
import * as Effect from "effect/Effect"
import type { Parts } from "./Parts.ts"

/** What the events settle in the ledger; the state is folded. */
const usageOf = (state: RunState, events: ReadonlyArray<Event>): ReadonlyArray<UsageRow> =>
  events.flatMap((event) => {
    const before = state.ledger === undefined ? undefined : RunUsage.mark(state.ledger)
    evolve(state, event)
    return RunUsage.row(state, event, before) ?? []
  })

/** The head that it lies behind; 0 when there was nothing to write, `undefined` when the run has moved meanwhile. */
export const write = Effect.fnUntraced(function*(parts: Parts, row: RunRow, command: Command) {
  const plan = yield* parts.plans.get(row.tenant, row.flowHash)
  const loaded = yield* RunLoader.load(parts.store, plan, row.tenant, row.run)
  if (loaded === undefined || loaded.head !== row.head) return undefined
  const decision = Decide.decide(loaded.state, command)
  if (decision.kind !== "events" || decision.events.length === 0) return { head: 0, events: 0 }
  const events: ReadonlyArray<Event> = decision.events
  const usage = usageOf(loaded.state, events)
  const [outcome] = yield* parts.store.commit([{
    tenant: row.tenant,
    run: row.run,
    expected: row.head,
    previous: row.hash,
    owner: row.owner,
    n: events.length,
    bytes: new Uint8Array(Buffer.from(JSON.stringify(events))),
    at: command.at,
    ...(usage.length === 0 ? {} : { usage })
  }])
  return outcome?.ok === true ? { head: outcome.head, events: events.length } : undefined
})
