/**
 * Workers: take offers by node type, run attempts, post completions.
 *
 * Promise. At most the configured number of attempts of a type runs at once. An attempt is begun at most once while it is
 * offered, however often the queue delivers it. A cancel or a breached deadline interrupts what runs, and the interruption
 * reaches the call. On stop, nothing new is taken, running attempts get the grace time, and what does not end is
 * interrupted and left offered: the next owner begins it again as the same attempt.
 */
import type { Command } from "@baton/kernel/Command"
import { semantics } from "@baton/kernel/Event"
import { locate } from "@baton/kernel/EvolveStep"
import type { RunState } from "@baton/kernel/RunState"
import * as Suspect from "@baton/kernel/Suspect"
import type { Json, Value } from "@baton/kernel/Value"
import { inline, none } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Attempt from "./Attempt.ts"
import { BlobStore } from "./BlobStore.ts"
import { Coordinator } from "./Coordinator.ts"
import { EventFeed } from "./EventFeed.ts"
import { Failpoints } from "./Failpoint.ts"
import * as Gather from "./Gather.ts"
import { MachineLimits } from "./MachineLimits.ts"
import type { Probe } from "./Probe.ts"
import { Probes } from "./Probe.ts"
import { ReceiptStore } from "./ReceiptStore.ts"
import type { RunSlot } from "./RunSlot.ts"
import { attemptKey } from "./RunSlot.ts"
import type * as RunSource from "./RunSource.ts"
import { RunStore } from "./RunStore.ts"
import type { Secrets } from "./Secrets.ts"
import { Sessions } from "./Sessions.ts"
import { StepLog } from "./StepLog.ts"
import type { Offer } from "./StepQueue.ts"
import { StepQueue } from "./StepQueue.ts"
import { StepTypes } from "./StepType.ts"
import { unbroken } from "./Sweeper.ts"
import * as WorkerRequest from "./WorkerRequest.ts"
import { serves, WorkerTypes } from "./WorkerTypes.ts"

interface Pool extends WorkerRequest.Desk {
  readonly queue: StepQueue["Service"]
  readonly store: RunStore["Service"]
  readonly session: string
  readonly attempts: Attempt.AttemptServices
  readonly limits: MachineLimits
  /** Attempts under way, by tenant, run, path and attempt. */
  readonly running: Map<string, Running>
  readonly lanes: Map<string, Lane>
  readonly probe: Probe | undefined
  stopping: boolean
}

interface Running {
  readonly fiber: Fiber.Fiber<void>
  readonly slot: RunSlot
  readonly offer: Offer
}

interface Lane {
  running: number
  readonly max: number
  /** Open while there is a free place. */
  readonly free: Latch.Latch
}

interface Begun extends WorkerRequest.Begun {
  readonly slot: RunSlot
}

const runningKey = (offer: Offer): string => `${offer.tenant} ${offer.run} ${offer.path}#${offer.attempt}`

/** While a step may be the one that takes processes down, nothing of its run is begun beside it. */
const isHeldBack = (pool: Pool, state: RunState, { attempt, path }: Offer): boolean => {
  if (state.lost.size === 0) return false
  const suspect = Suspect.first(state, (type) => pool.lanes.has(type))
  return suspect !== undefined && !(suspect.path === path && suspect.attempt === attempt)
}

/** Takes the offer if it is still one: exactly once per process, and in shared stores only with the row's claim. */
const begin = (pool: Pool, offer: Offer): Begun | undefined => {
  const slot = pool.coordinator.slot(offer.tenant, offer.run)
  const state = slot?.state
  if (slot === undefined || state === undefined || state.finished !== undefined) return undefined
  if (state.closing !== undefined && state.closing.cause !== "failure") return undefined
  // It can be read but not changed: the answer would be refused.
  if (state.sealed !== undefined || state.semantics !== semantics) return undefined
  const address = locate(state, offer.path)
  if (address === undefined) return undefined
  const { index, node } = address
  const at = state.nodes.get(node.index)
  const table = state.maps.get(node.index)
  const current = index === undefined
    ? at.status === "queued" && at.attempt === offer.attempt
    : table?.status(index) === "queued" && table.attempt(index) === offer.attempt
  const key = attemptKey(offer.path, offer.attempt)
  if (!current || slot.begun.has(key) || isHeldBack(pool, state, offer)) return undefined
  const now = pool.clock.currentTimeMillisUnsafe()
  slot.begun.set(key, now)
  // The run was lost and taken over again meanwhile: what was begun before goes on, and its answer counts.
  if (state.epoch > 0 && pool.running.has(runningKey(offer))) return undefined
  pool.probe?.began?.(offer, state, now - (offer.at ?? now))
  return { slot, state, node, work: index === undefined ? node : node.each?.body ?? node, item: index, table }
}

const elementOf = (list: Json, index: number): Value => inline((list as ReadonlyArray<Json>)[index] ?? null)

/** Item `index` of a map's list that is kept in chunks. */
const itemValue = Effect.fnUntraced(function*(pool: Pool, tenant: string, items: Value, index: number) {
  if (!("chunks" in items)) return inline(null)
  let at = index
  for (const chunk of items.chunks) {
    if (at < chunk.n) return elementOf("v" in chunk ? chunk.v : yield* pool.coordinator.json(tenant, chunk.ref), at)
    at -= chunk.n
  }
  return inline(null)
})

type CompleteStep = Extract<Command, { readonly type: "CompleteStep" }>
type Completion = { -readonly [K in keyof CompleteStep]: CompleteStep[K] }

const completionOf = (pool: Pool, offer: Offer, outcome: Attempt.AttemptOutcome): Command => {
  const { startedAt, usage, warnings } = outcome
  const completion: Completion = {
    type: "CompleteStep",
    at: pool.clock.currentTimeMillisUnsafe(),
    path: offer.path,
    attempt: offer.attempt,
    startedAt,
    outcome: outcome.outcome
  }
  if (usage !== undefined) completion.usage = usage
  if (warnings.length > 0) completion.warnings = warnings
  return completion
}

const post = (pool: Pool, offer: Offer, outcome: Attempt.AttemptOutcome): void =>
  pool.coordinator.post(offer.tenant, offer.run, completionOf(pool, offer, outcome), outcome.blobs)

/** A receipt is kept once what it names is durable, and counts. */
const answer = (pool: Pool, offer: Offer, outcome: Attempt.AttemptOutcome): Effect.Effect<void> => {
  const { keep } = outcome
  if (keep === undefined || pool.receipts === undefined) return Effect.sync(() => post(pool, offer, outcome))
  const { receipts } = pool
  const { run, tenant } = offer
  return pool.coordinator.command(tenant, run, completionOf(pool, offer, outcome), { blobs: outcome.blobs }).pipe(
    Effect.flatMap((settled) => {
      // Who asks may be turned away; what is posted is not.
      if (settled.kind === "lost") post(pool, offer, outcome)
      return settled.kind === "accepted" && settled.events > 0 ? receipts.put(tenant, keep) : Effect.void
    }),
    Effect.catch((error) => Effect.logDebug("A receipt was not kept", { reason: error.message })),
    Effect.uninterruptible
  )
}

const postInterrupted = (pool: Pool, offer: Offer): void =>
  pool.coordinator.post(offer.tenant, offer.run, {
    type: "CompleteStep",
    at: pool.clock.currentTimeMillisUnsafe(),
    path: offer.path,
    attempt: offer.attempt,
    outcome: { ok: "interrupted" }
  }, [])

const attempt = (pool: Pool, offer: Offer, begun: Begun): Effect.Effect<void> => {
  if (offer.type === "gather") return safely(pool, offer, gatherAttempt(pool, offer, begun))
  const { item } = begun
  const table = item === undefined ? undefined : begun.table
  if (item === undefined || table === undefined) return perform(pool, offer, begun, undefined)
  if (begun.node.repeat !== undefined) {
    return perform(pool, offer, begun, { index: item, last: table.output(item - 1) ?? none })
  }
  const { items } = table
  if ("v" in items) return perform(pool, offer, begun, { index: item, value: elementOf(items.v, item) })
  return safely(
    pool,
    offer,
    Effect.flatMap(
      itemValue(pool, offer.tenant, items, item),
      (value) => perform(pool, offer, begun, { index: item, value })
    )
  )
}

/** Most attempts are short: what only tests and waiting attempts need is left out of their way. */
const perform = (pool: Pool, offer: Offer, begun: Begun, item: RunSource.Item | undefined): Effect.Effect<void> => {
  const answered = Attempt.run(WorkerRequest.make(pool, offer, begun, item), pool.attempts)
  const { failpoint } = pool
  if (failpoint === undefined) {
    return begun.work.receiptMs === undefined
      ? Effect.map(answered, (outcome) => post(pool, offer, outcome))
      : Effect.flatMap(answered, (outcome) => answer(pool, offer, outcome))
  }
  return failpoint("worker.before-attempt").pipe(
    Effect.andThen(answered),
    Effect.tap(failpoint("worker.after-attempt-before-completion")),
    Effect.flatMap((outcome) => answer(pool, offer, outcome))
  )
}

const safely = <E extends { readonly message: string }>(
  pool: Pool,
  offer: Offer,
  effect: Effect.Effect<void, E>
): Effect.Effect<void> =>
  Effect.catch(effect, (error) => Effect.sync(() => post(pool, offer, brokenStore(pool, error))))

/** The store could not give what the attempt needs: an answer like any other failure, tried again by the step's policy. */
const brokenStore = (pool: Pool, error: { readonly message: string }): Attempt.AttemptOutcome => ({
  startedAt: pool.clock.currentTimeMillisUnsafe(),
  outcome: {
    ok: false,
    error: { code: "STORE_READ", kind: "io", message: error.message, retryable: true, sent: false }
  },
  usage: undefined,
  warnings: [],
  blobs: []
})

const gatherAttempt = Effect.fnUntraced(function*(pool: Pool, offer: Offer, begun: Begun) {
  const startedAt = pool.clock.currentTimeMillisUnsafe()
  const { table } = begun
  if (table === undefined) return
  const gathered = yield* Gather.gather(pool.attempts.blobs, offer.tenant, table)
  if (pool.failpoint !== undefined) yield* pool.failpoint("gather.after-blobs-before-completion")
  pool.coordinator.post(offer.tenant, offer.run, {
    type: "CompleteStep",
    at: pool.clock.currentTimeMillisUnsafe(),
    path: offer.path,
    attempt: offer.attempt,
    startedAt,
    outcome: { ok: true, output: gathered.output }
  }, gathered.blobs)
})

const ended = (pool: Pool, offer: Offer, exit: Exit.Exit<void>): void => {
  // While the machine stops, the attempt stays offered: the next owner begins it again.
  if (exit._tag === "Failure" && !pool.stopping) postInterrupted(pool, offer)
}

/** Starts the attempt. One that ends at once never counts as under way. */
const launch = (pool: Pool, lane: Lane, offer: Offer, begun: Begun): Effect.Effect<void> =>
  Effect.withFiber((parent) => {
    const more = pool.probe?.surroundings(offer, begun.state)
    const context = more === undefined ? parent.context : Context.merge(parent.context, more)
    const fiber = Effect.runForkWith(context)(attempt(pool, offer, begun))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      ended(pool, offer, exit)
      return Effect.void
    }
    const key = runningKey(offer)
    lane.running++
    if (lane.running >= lane.max) lane.free.closeUnsafe()
    pool.running.set(key, { fiber, slot: begun.slot, offer })
    fiber.addObserver((exit) => {
      pool.running.delete(key)
      lane.running--
      lane.free.openUnsafe()
      ended(pool, offer, exit)
    })
    return tellRunning(pool, offer)
  })

const tellRunning = (pool: Pool, { attempt, path, run, tenant }: Offer): Effect.Effect<void> =>
  pool.feed.publish([{ kind: "live", tenant, run, path, type: "orchestration.step.running", data: { attempt } }])

const laneOf = (pool: Pool, type: string): Lane => {
  const known = pool.lanes.get(type)
  if (known !== undefined) return known
  const lane: Lane = {
    running: 0,
    max: pool.limits.concurrency[type] ?? pool.limits.concurrency["default"] ?? 256,
    free: Latch.makeUnsafe(true)
  }
  pool.lanes.set(type, lane)
  return lane
}

/** Whether the row of the offer is this session's, now or from a claim whose answer was lost. */
const claimed = Effect.fnUntraced(
  function*(pool: Pool, { attempt, path, run, tenant }: Offer) {
    if (yield* pool.store.claim(tenant, run, path, attempt, pool.session)) return true
    const rows = yield* pool.store.dispatches(tenant, run)
    return rows.some((row) => row.path === path && row.attempt === attempt && row.session === pool.session)
  },
  Effect.catch((error) => Effect.as(Effect.logDebug("A claim failed", { reason: error.reason }), false))
)

/** Begins the attempt here first, then claims it, so that a claim never outlasts the reason for it. */
const take = Effect.fnUntraced(function*(pool: Pool, lane: Lane, offer: Offer) {
  const begun = begin(pool, offer)
  if (begun === undefined) return
  if (pool.store.dispatchRows) {
    if (!(yield* claimed(pool, offer))) {
      begun.slot.begun.delete(attemptKey(offer.path, offer.attempt))
      return
    }
    const closing = begun.slot.state?.closing
    if (closing !== undefined && closing.cause !== "failure") return postInterrupted(pool, offer)
  }
  yield* launch(pool, lane, offer, begun)
})

const serve = (pool: Pool, type: string): Effect.Effect<never> => {
  const lane = laneOf(pool, type)
  const round = Effect.gen(function*() {
    yield* lane.free.await
    const offers = yield* pool.queue.take(type, Math.max(1, lane.max - lane.running))
    for (const offer of offers) {
      if (!pool.stopping) yield* take(pool, lane, offer)
    }
  })
  return Effect.forever(unbroken(`workers of ${type}`, round))
}

/** Running attempts of the run are told to stop. */
const interruptRun = (pool: Pool, slot: RunSlot): void => {
  for (const entry of pool.running.values()) if (entry.slot === slot) entry.fiber.interruptUnsafe()
}

/** What an interrupted attempt has used is told to nobody: all that it had set aside counts as spent (SEMANTICS 8.10c). */
const settleStopped = (pool: Pool, { offer: { attempt, path, run, tenant }, slot }: Running): void => {
  const ledger = slot.state?.ledger
  if (ledger?.terms === undefined || !ledger.held.entries.has(path)) return
  const at = pool.clock.currentTimeMillisUnsafe()
  const startedAt = slot.begun.get(attemptKey(path, attempt)) ?? at
  pool.coordinator.post(tenant, run, { type: "LoseDelivery", at, path, attempt, orderly: true, startedAt }, [])
}

const stop = (pool: Pool): Effect.Effect<void> =>
  Effect.suspend(() => {
    pool.stopping = true
    const fibers = () => [...pool.running.values()].map((entry) => entry.fiber)
    return Effect.forEach(fibers(), (fiber) => Fiber.await(fiber), { concurrency: "unbounded", discard: true }).pipe(
      Effect.timeoutOrElse({ duration: pool.limits.stopGrace, orElse: () => Effect.void }),
      Effect.andThen(Effect.suspend(() => {
        const stopped = [...pool.running.values()]
        return Effect.andThen(
          Fiber.interruptAll(stopped.map((entry) => entry.fiber)),
          Effect.sync(() => {
            for (const entry of stopped) settleStopped(pool, entry)
          })
        )
      }))
    )
  })

export class WorkerPool extends Context.Service<WorkerPool, {
  /** Attempts of a type that run now: a fact for `explain`. */
  readonly running: (type: string) => number
}>()("baton/engine/WorkerPool") {
  static readonly layer: Layer.Layer<
    WorkerPool,
    never,
    Coordinator | StepQueue | EventFeed | StepLog | RunStore | Sessions | StepTypes | BlobStore | Secrets
  > = Layer.effect(
    WorkerPool,
    Effect.gen(function*() {
      const pool: Pool = {
        coordinator: yield* Coordinator,
        queue: yield* StepQueue,
        feed: yield* EventFeed,
        log: yield* StepLog,
        store: yield* RunStore,
        session: (yield* Sessions).id,
        attempts: yield* Attempt.services,
        clock: yield* Clock.Clock,
        limits: yield* MachineLimits,
        failpoint: yield* Failpoints,
        probe: yield* Probes,
        running: new Map(),
        lanes: new Map(),
        receipts: Option.getOrUndefined(yield* Effect.serviceOption(ReceiptStore)),
        told: new Set(),
        stopping: false
      }
      pool.coordinator.whenClosing((slot) => interruptRun(pool, slot))
      const wanted = yield* WorkerTypes
      const types = new Set([...(yield* StepTypes).keys(), "gather"].filter((type) => serves(wanted, type)))
      yield* Effect.forEach(types, (type) => Effect.forkScoped(serve(pool, type)), { discard: true })
      yield* Effect.addFinalizer(() => stop(pool))
      return { running: (type) => pool.lanes.get(type)?.running ?? 0 }
    })
  )
}
