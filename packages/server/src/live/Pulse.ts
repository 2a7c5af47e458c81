/** What happens by itself: a look at what other processes have written, and the care for connections. */
import type { RunStore } from "@baton/engine/RunStore"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Hub } from "./Hub.ts"
import type { LiveLimits } from "./LiveLimits.ts"
import type { Outlet } from "./Outlet.ts"

interface Services {
  readonly store: RunStore["Service"]
  readonly hubs: ReadonlyMap<string, Hub>
  readonly outlets: Set<Outlet>
  readonly limits: LiveLimits
  readonly clock: Clock.Clock
  readonly keyOf: (tenant: string, run: string) => string
}

/** How often connections are looked after. */
const careEvery = Duration.seconds(1)

/** One question to the store, however many runs are followed. */
const look = Effect.fnUntraced(function*({ hubs, keyOf, limits, store }: Services, after: number | undefined) {
  if (hubs.size === 0 || after === undefined) return (yield* store.moves({ limit: 1 })).position
  const { moves, position } = yield* store.moves({ after, limit: limits.pollRunsMax })
  for (const move of moves) {
    hubs.get(keyOf(move.tenant, move.run))?.hear(move.head)
    hubs.get(keyOf(move.tenant, ""))?.hear(move.position)
  }
  for (const hub of hubs.values()) if (hub.isBehind) yield* hub.advance()
  return position
})

const polling = (services: Services) => {
  let after: number | undefined
  return Effect.suspend(() => look(services, after)).pipe(
    Effect.map((position) => {
      after = position
    }),
    // Readers are late, no more: the next look begins where this one should have.
    Effect.catch(({ reason }) => Effect.logDebug("the store cannot be asked what has moved", { reason })),
    Effect.andThen(Effect.sleep(services.limits.pollEvery)),
    Effect.forever
  )
}

/** Connections looked after in one go, before others of this process have their turn. */
const outletsAtOnce = 200

const tend = ({ limits }: Services, outlet: Outlet, now: number): void => {
  const stallAfter = Duration.toMillis(limits.stallAfter)
  if (!outlet.isClosed) outlet.care(now)
  const stalled = outlet.fullSince === undefined ? 0 : now - outlet.fullSince
  if (stalled >= stallAfter + Duration.toMillis(limits.dropGrace)) outlet.destroy()
  else if (stalled >= stallAfter) outlet.overflow()
  else if (now - outlet.openedAt >= Duration.toMillis(limits.connectionFor)) outlet.stop()
  else if (
    !outlet.isClosed && !outlet.isFull && now - outlet.sentAt >= Duration.toMillis(limits.keepAliveEvery)
  ) outlet.keepAlive()
}

const care = Effect.fnUntraced(function*(services: Services) {
  const outlets = [...services.outlets]
  for (let from = 0; from < outlets.length; from += outletsAtOnce) {
    if (from > 0) yield* Effect.yieldNow
    const now = services.clock.currentTimeMillisUnsafe()
    for (const outlet of outlets.slice(from, from + outletsAtOnce)) tend(services, outlet, now)
  }
})

/** Until the scope closes. */
export const fork = (services: Services) =>
  Effect.all([
    Effect.forkScoped(polling(services)),
    Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(careEvery), care(services))))
  ], { discard: true })
