/**
 * Lets runs with a concurrency key start as places become free, in order of creation.
 *
 * Promise. Who holds a place and who waits is told by the rows of the runs alone; what is remembered here only says where
 * to look. A run takes its place in a record of its own, and the store writes that record only while a place is free: two
 * processes that look at once never let in one too many. A run is passed over while it is paused, and while no living
 * process owns it, since it could not start; its turn comes as soon as it can (docs/semantics.md 8.18).
 */
import { isQueued } from "@baton/kernel/Place"
import type { PlaceTerms } from "@baton/kernel/Place"
import type { RunState } from "@baton/kernel/RunState"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Coordinator } from "./Coordinator.ts"
import type { Failpoint } from "./Failpoint.ts"
import { Failpoints } from "./Failpoint.ts"
import { MachineLimits } from "./MachineLimits.ts"
import type { RunSlot } from "./RunSlot.ts"
import type { RunStoreError } from "./RunStore.ts"
import { RunStore } from "./RunStore.ts"
import { Sessions } from "./Sessions.ts"

/** Waiting runs read in one go. */
const pageMax = 200
/** Keys looked at in one turn; the others have theirs at the next. */
const keysMax = 100

/** The runs of one key that wait here. */
interface Group {
  readonly id: string
  readonly tenant: string
  readonly flow: string
  readonly key: string
  readonly runs: Set<string>
  /** A look is under way; `again`: something has happened meanwhile. */
  looking: boolean
  again: boolean
}

interface Parts {
  readonly coordinator: Coordinator["Service"]
  readonly store: RunStore["Service"]
  readonly sessions: Sessions["Service"]
  readonly clock: Clock.Clock
  readonly reach: (point: Failpoint) => Effect.Effect<void>
  readonly scope: Scope.Scope
  readonly context: Context.Context<never>
  readonly groups: Map<string, Group>
  /** Open while somebody waits here. */
  readonly work: Latch.Latch
}

const idOf = (tenant: string, flow: string, key: string): string => JSON.stringify([tenant, flow, key])

/** Lets in as many as there are places, those first that were created first. */
const admit = Effect.fnUntraced(function*(parts: Parts, group: Group): Effect.fn.Return<void, RunStoreError> {
  const { coordinator, sessions, store } = parts
  const alive = new Map<string, boolean>([[sessions.id, true]])
  let after: string | undefined
  let free: number | undefined
  for (;;) {
    const { flow, key, tenant } = group
    const query = { tenant, flow, key, limit: pageMax, ...(after === undefined ? {} : { after }) }
    const { held, max, waiting } = yield* store.places(query)
    free ??= max - held
    for (const { owner, paused, run } of waiting) {
      if (free <= 0) return
      if (paused || owner === undefined) continue
      const isAlive = alive.get(owner) ?? (yield* sessions.isAlive(owner))
      alive.set(owner, isAlive)
      if (!isAlive) continue
      free--
      // Of another process, or not taken over yet: the place is kept for it.
      if (owner !== sessions.id || coordinator.slot(tenant, run) === undefined) continue
      yield* parts.reach("place.before-take")
      coordinator.post(tenant, run, { type: "TakePlace", at: parts.clock.currentTimeMillisUnsafe() }, [])
    }
    if (waiting.length < pageMax) return
    after = waiting.at(-1)?.run
  }
})

/** One look at a time; what cannot be read now is looked at again in time. */
const look = (parts: Parts, group: Group): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (group.looking) {
      group.again = true
      return Effect.void
    }
    group.looking = true
    const rounds: Effect.Effect<void, RunStoreError> = Effect.suspend(() => {
      group.again = false
      return Effect.andThen(admit(parts, group), Effect.suspend(() => group.again ? rounds : Effect.void))
    })
    return rounds.pipe(
      Effect.catch((error) => Effect.logWarning("Runs must wait for their place", { reason: error.reason })),
      Effect.catchDefect((defect) =>
        Effect.logError("Letting runs in broke", { reason: defect instanceof Error ? defect.message : "" })
      ),
      Effect.ensuring(Effect.sync(() => {
        group.looking = false
      }))
    )
  })

const leave = ({ groups, work }: Parts, group: Group, run: string): void => {
  group.runs.delete(run)
  if (group.runs.size === 0) groups.delete(group.id)
  if (groups.size === 0) work.closeUnsafe()
}

const join = ({ groups, work }: Parts, slot: RunSlot, flow: string, { key }: PlaceTerms): Group => {
  const id = idOf(slot.tenant, flow, key)
  const known = groups.get(id)
  const group = known ?? { id, tenant: slot.tenant, flow, key, runs: new Set(), looking: false, again: false }
  if (known === undefined) groups.set(id, group)
  group.runs.add(slot.run)
  work.openUnsafe()
  return group
}

const aside = ({ context, scope }: Parts, effect: Effect.Effect<void>): void => {
  Effect.runForkWith(context)(Effect.forkIn(effect, scope))
}

/** A record of a run is durable: it waits now, or no more, or its end has made a place free. */
const moved = (parts: Parts, slot: RunSlot, state: RunState): void => {
  if (state.place === undefined) return
  const flow = state.plan.name
  const known = parts.groups.get(idOf(slot.tenant, flow, state.place.key))
  if (isQueued(state)) return aside(parts, look(parts, join(parts, slot, flow, state.place)))
  if (known === undefined) return
  leave(parts, known, slot.run)
  if (state.finished !== undefined) aside(parts, look(parts, known))
}

/** A turn over the keys that somebody waits for here; runs that live elsewhere by now are forgotten. */
const turn = (parts: Parts): Effect.Effect<void> =>
  Effect.suspend(() => {
    const groups = [...parts.groups.values()].slice(0, keysMax)
    for (const group of groups) {
      for (const run of group.runs) {
        if (parts.coordinator.slot(group.tenant, run) === undefined) leave(parts, group, run)
      }
      // Behind all others.
      if (parts.groups.delete(group.id) && group.runs.size > 0) parts.groups.set(group.id, group)
    }
    return Effect.forEach(groups, (group) => look(parts, group), { discard: true })
  })

export class Admission extends Context.Service<Admission, {
  /** Runs that wait for a place in this process. */
  readonly waiting: () => number
}>()("baton/engine/Admission") {
  static readonly layer: Layer.Layer<Admission, never, Coordinator | RunStore | Sessions> = Layer.effect(
    Admission,
    Effect.gen(function*() {
      const failpoint = yield* Failpoints
      const { placesEvery } = yield* MachineLimits
      const parts: Parts = {
        coordinator: yield* Coordinator,
        store: yield* RunStore,
        sessions: yield* Sessions,
        clock: yield* Clock.Clock,
        reach: failpoint ?? (() => Effect.void),
        scope: yield* Effect.scope,
        context: yield* Effect.context<never>(),
        groups: new Map(),
        work: Latch.makeUnsafe(false)
      }
      parts.coordinator.whenMoved((slot, state) => moved(parts, slot, state))
      yield* Effect.forkScoped(parts.work.await.pipe(
        Effect.andThen(Effect.sleep(placesEvery)),
        Effect.andThen(Effect.suspend(() => turn(parts))),
        Effect.forever
      ))
      return {
        waiting: () => [...parts.groups.values()].reduce((count, { runs }) => count + runs.size, 0)
      }
    })
  )
}
