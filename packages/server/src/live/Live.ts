/**
 * Live streams of this process: who follows what, and what makes it move.
 *
 * Promise. A reader sees every event of a run after its position exactly once and in order, from the snapshot or the
 * sequence it gave until the run is over, however often it is cut (SEMANTICS 8.12c). All readers of a run share one read of
 * the journal and one encoding. A reader keeps nothing in memory beyond its connection's limit: who is slow reads the
 * journal at its own pace, who takes nothing is dropped, and neither holds the others. Hints of this process arrive at once;
 * what other processes have written is found by one look at the store for all runs together.
 */
import { ClientError } from "@baton/contract/Client"
import { fromClientError, Gone, type Problem } from "@baton/contract/http/Problems"
import * as Wire from "@baton/contract/Wire"
import type { Wakeup } from "@baton/engine/EventFeed"
import type { RunRow } from "@baton/engine/RunStore"
import type { Json } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as RcMap from "effect/RcMap"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Answers from "../Answers.ts"
import { returnMs } from "../gate/Drain.ts"
import { Host } from "../Local.ts"
import type { Parts } from "../Parts.ts"
import { Batch, type Frame, fromEnvelope } from "./Frame.ts"
import { Hub, type Journal } from "./Hub.ts"
import * as LiveLimits from "./LiveLimits.ts"
import type { Outlet } from "./Outlet.ts"
import * as Pulse from "./Pulse.ts"
import { Reader } from "./Reader.ts"
import { Ring, RingBudget } from "./Ring.ts"
import * as RunJournal from "./RunJournal.ts"
import * as TenantJournal from "./TenantJournal.ts"

/** A run, and where its reader stands; without a position it begins with a snapshot. */
export interface Place {
  readonly run: string
  readonly position: number | undefined
}

export class Live extends Context.Service<Live, {
  readonly limits: LiveLimits.LiveLimits
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Connections that are open: they are kept alive, dropped when stalled, and told when the server stops. */
  readonly outlets: Set<Outlet>
  /** A connection has begun; once the server stops it ends at once. */
  readonly opened: (outlet: Outlet) => void
  /** The run as far as a stream of it must know; refuses what is not there, and a position that never was. */
  readonly find: (tenant: string, place: Place) => Effect.Effect<RunRow, Problem>
  /** A reader of one run on a connection until the scope closes; it takes nothing before its connection is woken. */
  readonly follow: (outlet: Outlet, tenant: string, place: Place) => Effect.Effect<Reader, Problem, Scope.Scope>
  /** A reader of a tenant's summaries; without a position, from now on. */
  readonly summaries: (
    outlet: Outlet,
    tenant: string,
    position: number | undefined
  ) => Effect.Effect<Reader, Problem, Scope.Scope>
  /** Ends every connection: their peers come back and resume elsewhere. */
  readonly stop: Effect.Effect<void>
  /** Runs an effect for as long as the server lives. */
  readonly fork: (effect: Effect.Effect<void>) => void
}>()("baton/server/live/Live") {}

interface Services {
  readonly parts: Parts
  readonly limits: LiveLimits.LiveLimits
  readonly budget: RingBudget
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly hubs: Map<string, Hub>
}

/** Names hold no NUL (SEMANTICS 8.15). */
const keyOf = (tenant: string, run: string): string => `${tenant}\u0000${run}`
const nameOf = (key: string): readonly [tenant: string, run: string] => {
  const at = key.indexOf("\u0000")
  return [key.slice(0, at), key.slice(at + 1)]
}

const liveFrame = (wakeup: Wakeup & { kind: "live" }, at: number, n: number): Frame | undefined =>
  (Wire.liveTypes as ReadonlyArray<string>).includes(wakeup.type)
    ? fromEnvelope(
      wakeup.run,
      Wire.fromLive(wakeup.run, wakeup.type as Wire.LiveType, wakeup.path, at, n, wakeup.data as Json)
    )
    : undefined

/** Hints in their order: what is durable is read before live frames that came after it are passed on. */
const hearing = (services: Services, hub: Hub) => {
  let n = 0
  return Effect.fnUntraced(function*(wakeups: ReadonlyArray<Wakeup>) {
    let live: Array<Frame> = []
    for (const wakeup of wakeups) {
      if (wakeup.kind === "live") {
        const frame = liveFrame(wakeup, services.parts.clock.currentTimeMillisUnsafe(), n++)
        if (frame !== undefined) live.push(frame)
        continue
      }
      hub.hear(wakeup.head)
      if (!hub.isBehind) continue
      if (live.length > 0) yield* hub.tell(live)
      live = []
      yield* hub.advance()
    }
    if (live.length > 0) yield* hub.tell(live)
  })
}

/** A hub in a scope, filled by what is heard. */
const open = Effect.fnUntraced(function*(
  services: Services,
  key: string,
  options: { readonly journal: Journal; readonly head: number; readonly end: Frame | undefined }
) {
  const { budget, fork, limits } = services
  const ring = new Ring(options.head, limits, budget)
  const hub = new Hub({ journal: options.journal, ring, end: options.end, limits, fork })
  services.hubs.set(key, hub)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      services.hubs.delete(key)
      ring.clear()
    })
  )
  return hub
})

/** One snapshot serves all who come at the same time; the events after it are in the ring. */
const sharedSnapshot = Effect.fnUntraced(function*(parts: Parts, run: string, { fork, limits }: Services) {
  const [shared, forget] = yield* Effect.cachedInvalidateWithTTL(
    // Whoever asked first may be gone before it is made.
    Effect.uninterruptible(RunJournal.snapshot(parts, run)),
    limits.snapshotFor
  )
  return Effect.tap(shared, () => Effect.sync(() => fork(Effect.andThen(Effect.sleep(limits.snapshotFor), forget))))
})

interface RunHub {
  readonly hub: Hub
  readonly snapshot: Effect.Effect<Frame, ClientError>
}

const runHub = Effect.fnUntraced(function*(services: Services, key: string) {
  const [tenant, run] = nameOf(key)
  const parts = { ...services.parts, tenant }
  // Before the row is read: what moves in between is heard of.
  const wakeups = yield* parts.feed.subscribe(tenant, run)
  const row = yield* RunJournal.find(parts, run)
  if (row === undefined) return yield* Effect.fail(Answers.runNotFound(run))
  const hub = yield* open(services, key, {
    journal: RunJournal.make(parts, run, services.limits),
    head: row.head,
    end: RunJournal.endOf(row)
  })
  yield* Effect.forkScoped(Stream.runForEachArray(wakeups, hearing(services, hub)))
  return { hub, snapshot: yield* sharedSnapshot(parts, run, services) } satisfies RunHub
})

/** Moves of any run of the tenant; they are looked up together, not one by one. */
const tenantHub = Effect.fnUntraced(function*(services: Services, key: string) {
  const [tenant] = nameOf(key)
  const parts = { ...services.parts, tenant }
  const wakeups = yield* parts.feed.subscribe(tenant, undefined)
  const { position } = yield* Effect.mapError(parts.store.moves({ limit: 1 }), Answers.fromStore)
  const hub = yield* open(services, key, { journal: TenantJournal.make(parts), head: position, end: undefined })
  yield* wakeups.pipe(
    Stream.filter((wakeup) => wakeup.kind === "moved"),
    Stream.runForEachArray(() =>
      Effect.sync(() => hub.hear(hub.ring.head + 1)).pipe(
        Effect.andThen(hub.advance()),
        Effect.andThen(Effect.sleep(services.limits.summariesEvery))
      )
    ),
    Effect.forkScoped
  )
  return hub
})

const cursorUnknown = (message: string): Problem =>
  fromClientError(
    new ClientError({
      reason: "invalid",
      code: "CURSOR_UNKNOWN",
      message: `\`after\`: ${message}`,
      hint: "leave `after` and `Last-Event-ID` out to begin with what is there now"
    })
  )

/** Who resumes has seen the run: its history was there and has been removed. */
const missing = ({ position, run }: Place): Problem =>
  position === undefined || position === 0
    ? fromClientError(Answers.runNotFound(run))
    : new Gone({ code: "RUN_GONE", detail: `the history of ${run} is no longer there`, hint: "baton runs list" })

const find = Effect.fnUntraced(function*(parts: Parts, place: Place): Effect.fn.Return<RunRow, Problem> {
  const row = yield* Effect.mapError(RunJournal.find(parts, place.run), fromClientError)
  if (row === undefined) return yield* Effect.fail(missing(place))
  if (place.position !== undefined && place.position > row.head) {
    return yield* Effect.fail(
      cursorUnknown(`${place.run} has ${row.head} events, none with sequence ${place.position}`)
    )
  }
  return row
})

/** A place that the store has not come to is one of another store, or of one that was set back. */
const known = Effect.fnUntraced(function*({ store }: Parts, position: number | undefined) {
  if (position === undefined) return
  const moves = yield* Effect.mapError(store.moves({ limit: 1 }), (error) => fromClientError(Answers.fromStore(error)))
  if (position > moves.position) return yield* Effect.fail(cursorUnknown(`${position} is no place in this store`))
})

const reading = (hub: Hub, outlet: Outlet, position: number, opening: Frame | undefined) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const reader = new Reader(
        hub,
        outlet,
        position,
        opening === undefined ? undefined : new Batch([opening], undefined)
      )
      hub.readers.add(reader)
      return reader
    }),
    (reader) =>
      Effect.sync(() => {
        hub.readers.delete(reader)
        outlet.forget(reader)
      })
  )

/** What stays for as long as a reader holds nothing of the request that began it. */
const apart =
  (services: Context.Context<never>) =>
  <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E, Scope.Scope> =>
    Effect.updateContext(
      effect,
      (around: Context.Context<Scope.Scope>) => Context.add(services, Scope.Scope, Context.get(around, Scope.Scope))
    )

const make = Effect.gen(function*() {
  const own = apart(yield* Effect.context<never>())
  const { parts } = yield* Host
  const limits = yield* LiveLimits.load
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const hubs = new Map<string, Hub>()
  const services: Services = {
    parts,
    limits,
    fork,
    hubs,
    budget: new RingBudget(limits.ringsBytesMax)
  }
  const runs = yield* RcMap.make({
    lookup: (key: string) => runHub(services, key),
    idleTimeToLive: limits.restFor
  })
  const tenants = yield* RcMap.make({
    lookup: (key: string) => tenantHub(services, key),
    idleTimeToLive: limits.restFor
  })
  const outlets = new Set<Outlet>()
  let isStopping = false
  yield* Pulse.fork({ store: parts.store, hubs, outlets, limits, clock, keyOf })
  return Live.of({
    limits,
    now: () => clock.currentTimeMillisUnsafe(),
    outlets,
    opened: (outlet) => {
      if (isStopping) return outlet.stop(returnMs.most)
      outlets.add(outlet)
    },
    fork,
    find: (tenant, place) => find({ ...parts, tenant }, place),
    follow: Effect.fnUntraced(function*(outlet, tenant, { position, run }) {
      const { hub, snapshot } = yield* Effect.mapError(RcMap.get(runs, keyOf(tenant, run)), fromClientError)
      if (position !== undefined) return yield* reading(hub, outlet, position, undefined)
      const opening = yield* Effect.mapError(snapshot, fromClientError)
      return yield* reading(hub, outlet, opening.seq ?? 0, opening)
    }, own),
    summaries: Effect.fnUntraced(function*(outlet, tenant, position) {
      yield* known(parts, position)
      const hub = yield* Effect.mapError(RcMap.get(tenants, keyOf(tenant, "")), fromClientError)
      return yield* reading(hub, outlet, position ?? hub.ring.head, undefined)
    }, own),
    stop: Effect.suspend(() => {
      isStopping = true
      return Effect.forEach(
        [...outlets],
        (outlet) => Effect.map(Random.nextIntBetween(returnMs.least, returnMs.most), (ms) => outlet.stop(ms)),
        { discard: true }
      )
    })
  })
})

export const layer: Layer.Layer<Live, Config.ConfigError, Host> = Layer.effect(Live, make)
