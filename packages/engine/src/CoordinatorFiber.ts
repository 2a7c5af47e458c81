/** Wires the scribe to the store, the queue and the feed, and runs it. See `Coordinator` for what it promises. */
import type { Event } from "@baton/kernel/Event"
import { outlives } from "@baton/kernel/EvolveChild"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { RunState } from "@baton/kernel/RunState"
import * as Suspect from "@baton/kernel/Suspect"
import * as Array from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { BlobCache } from "./BlobCache.ts"
import { BlobStore } from "./BlobStore.ts"
import type { Coordinator } from "./Coordinator.ts"
import { EventFeed } from "./EventFeed.ts"
import type { Failpoint } from "./Failpoint.ts"
import { Failpoints } from "./Failpoint.ts"
import { MachineLimits } from "./MachineLimits.ts"
import { Plans } from "./Plans.ts"
import type { Probe } from "./Probe.ts"
import { Probes } from "./Probe.ts"
import * as ProbedOffers from "./ProbedOffers.ts"
import type { Pending, RunSlot, Settled } from "./RunSlot.ts"
import { attemptKey, durable } from "./RunSlot.ts"
import { RunStore } from "./RunStore.ts"
import * as RunSupply from "./RunSupply.ts"
import type { Job, Lacks, Written } from "./Scribe.ts"
import { Scribe } from "./Scribe.ts"
import { Sessions } from "./Sessions.ts"
import type { Offer } from "./StepQueue.ts"
import { StepQueue } from "./StepQueue.ts"
import { handOver } from "./StrayAnswer.ts"
import { goesOn } from "./UnderWay.ts"

/** Longest pause between two tries of a store that does not serve, in milliseconds. */
const storeRetryMsMax = 5_000

interface Services {
  readonly scribe: Scribe
  readonly store: RunStore["Service"]
  readonly sessions: Sessions["Service"]
  readonly blobs: BlobStore["Service"]
  readonly plans: Plans["Service"]
  readonly queue: StepQueue["Service"]
  readonly feed: EventFeed["Service"]
  readonly reach: (point: Failpoint) => Effect.Effect<void>
  readonly probe: Probe | undefined
  readonly scope: Scope.Scope
  readonly context: Context.Context<never>
  readonly closing: Set<(slot: RunSlot) => void>
  readonly moved: Set<(slot: RunSlot, state: RunState, events: ReadonlyArray<Event>) => void>
}

/** Reasons that waiting does not end. */
const lasting: ReadonlySet<string> = new Set(["corrupt", "missing", "newer"])

/**
 * What could not be read now is asked for again, with growing pauses: nothing that was posted is dropped. Where waiting
 * is no help (bytes are damaged or gone, a frozen flow does not compile) whoever asks is told so.
 */
const supplySafely = (services: Services, lacks: Lacks): Effect.Effect<void> =>
  RunSupply.supply(services, lacks).pipe(
    Effect.catchDefect((defect) => Effect.fail({ reason: "corrupt", message: messageOf(defect) })),
    Effect.catch(({ message, reason }) =>
      Effect.gen(function*() {
        yield* Effect.logWarning("A run must wait for what it reads", { run: lacks.slot.run, reason: message })
        if (lasting.has(reason)) giveWay(services.scribe, lacks, message)
        yield* retryLater(services, [lacks.slot])
      })
    )
  )

/** Without its state nobody can be answered; without one value, one decision cannot be made. */
const giveWay = (scribe: Scribe, { pending, slot }: Lacks, message: string): void => {
  if (pending !== undefined && pending.reply === undefined) scribe.spoil(slot, pending, message)
  else scribe.turnAway(slot, { kind: "lost", reason: "unavailable", message })
}

const messageOf = (defect: unknown): string => defect instanceof Error ? defect.message : "an unknown error"

/** Runs that a bug of ours keeps from being decided rest, and say so; no other run waits for them. */
const restBroken = Effect.fnUntraced(function*(services: Services) {
  for (const { defect, slot } of services.scribe.broken.splice(0)) {
    const message = `${slot.run} cannot be decided: ${messageOf(defect)}`
    yield* Effect.logError("A run cannot be decided", { run: slot.run, reason: messageOf(defect) })
    services.scribe.turnAway(slot, { kind: "lost", reason: "unavailable", message })
    yield* retryLater(services, [slot])
  }
})

const offersOf = (slot: RunSlot, events: ReadonlyArray<Event>): ReadonlyArray<Offer> => {
  const { state } = slot
  if (state === undefined) return []
  const offers: Array<Offer> = []
  for (const event of events) {
    if (event.type !== "StepsDispatched") continue
    for (const [path, attempt] of event.steps) {
      const type = Outstanding.offerType(state.plan.byId, path)
      if (type !== undefined) offers.push({ tenant: slot.tenant, run: slot.run, path, attempt, type })
    }
  }
  return offers
}

/** Attempts that end for want of money are offered again under the same number. */
const sentBack = (slot: RunSlot, { steps }: Extract<Event, { readonly type: "StepsUnfunded" }>): void => {
  for (const { attempt, path } of steps) if (attempt !== undefined) slot.begun.delete(attemptKey(path, attempt))
}

/** After a record is durable: replies, wakeups, then offers. */
const follow = (services: Services, written: ReadonlyArray<Written>): Effect.Effect<void> => {
  const offers: Array<Offer> = []
  for (const { draft, replies } of written) {
    const { events, slot, state } = draft
    let freed = false
    for (const [pending, settled] of replies) pending.reply?.(settled)
    for (const offer of offersOf(slot, events)) offers.push(offer)
    for (const event of events) {
      if (event.type === "RunClosing") {
        stopOthers(services, slot, event.cause === "failure")
        if (event.cause !== "failure") { for (const listener of services.closing) listener(slot) }
      } else if (event.type === "StepsCancelled") stillBegun(slot)
      else if (event.type === "StepsUnfunded") sentBack(slot, event)
      else if (event.type === "RunAdopted") offers.push(...outstanding(slot))
      else if ("path" in event && "attempt" in event && !goesOn(event)) {
        slot.begun.delete(attemptKey(event.path, event.attempt))
        // What was held back while this one ran alone may begin.
        if (Suspect.isSuspect(state, event.path, event.attempt)) freed = true
      }
    }
    if (freed) {
      offers.push(...outstanding(slot).filter((offer) => !slot.begun.has(attemptKey(offer.path, offer.attempt))))
    }
    if (state.plan.callers.length > 0 || state.parent !== undefined || state.place !== undefined) {
      for (const listener of services.moved) listener(slot, state, events)
    }
    if (state.finished !== undefined) services.scribe.forget(slot)
    else services.scribe.touch(slot)
  }
  return Effect.andThen(
    services.feed.publish(written.map(({ draft }) => ({
      kind: "moved" as const,
      tenant: draft.slot.tenant,
      run: draft.slot.run,
      head: draft.slot.head,
      ended: draft.state.finished !== undefined
    }))),
    Effect.andThen(
      services.reach("coordinator.after-reply-before-offer"),
      ProbedOffers.handOut(services, offers, written)
    )
  )
}

export const outstanding = (slot: RunSlot): ReadonlyArray<Offer> =>
  slot.state === undefined
    ? []
    : Outstanding.offered(slot.state).map((offer) => ({ tenant: slot.tenant, run: slot.run, ...offer }))

/** Attempts that were given up are no longer under way here. */
const stillBegun = (slot: RunSlot): void => {
  if (slot.begun.size === 0) return
  const open = new Set(outstanding(slot).map((offer) => attemptKey(offer.path, offer.attempt)))
  for (const key of slot.begun.keys()) if (!open.has(key)) slot.begun.delete(key)
}

/**
 * The run closes: offers that no worker has begun are answered here, so that nothing waits for them. After a failure the
 * targets of `always` edges are left alone (SEMANTICS 8.5b).
 */
const stopOthers = (services: Services, slot: RunSlot, failed: boolean): void => {
  const nodes = slot.state?.plan.byId
  for (const { attempt, path } of outstanding(slot)) {
    const key = attemptKey(path, attempt)
    if (slot.begun.has(key)) continue
    const node = nodes?.get(path)
    if (failed && node !== undefined && outlives(node)) continue
    // Taken here, so that no worker begins it any more.
    slot.begun.set(key, 0)
    const at = services.scribe.clock.currentTimeMillisUnsafe()
    services.scribe.post(slot, {
      command: { type: "CompleteStep", at, path, attempt, outcome: { ok: "interrupted", begun: false } },
      blobs: [],
      handed: undefined,
      reply: undefined
    })
  }
}

const write: (services: Services, jobs: ReadonlyArray<Job>) => Effect.Effect<void> = Effect.fnUntraced(function*(
  services: Services,
  jobs: ReadonlyArray<Job>
) {
  if (!Array.isReadonlyArrayNonEmpty(jobs)) return
  const { scribe } = services
  yield* services.reach("coordinator.before-commit")
  const { probe } = services
  const begun = probe === undefined ? 0n : scribe.clock.monotonicTimeNanosUnsafe()
  const outcomes = yield* Effect.result(
    Effect.catchDefect(
      services.store.commit(Array.map(jobs, (job) => job.commit)),
      (defect) => Effect.fail({ reason: "defect" as const, message: `the store broke: ${messageOf(defect)}` })
    )
  )
  if (outcomes._tag === "Failure") {
    const { message, reason } = outcomes.failure
    probe?.uncommitted?.(reason)
    yield* Effect.logWarning("The store did not take a commit", { reason: reason === "defect" ? message : reason })
    // One record that the store cannot take keeps none of the others out.
    if (reason === "defect" && jobs.length > 1) {
      return yield* Effect.forEach(jobs, (job) => write(services, [job]), { discard: true })
    }
    return yield* retryLater(services, scribe.failed(jobs, message))
  }
  yield* services.reach("coordinator.after-commit-before-reply")
  const took = probe === undefined ? 0n : scribe.clock.monotonicTimeNanosUnsafe() - begun
  const written = scribe.conclude(jobs, outcomes.success)
  if (probe?.committed !== undefined) ProbedOffers.tell(probe, written, took)
  yield* follow(services, written)
  yield* retryLater(services, scribe.refused.splice(0))
})

const retryLater = (services: Services, waiting: ReadonlyArray<RunSlot>): Effect.Effect<void> => {
  if (waiting.length === 0) return Effect.void
  for (const slot of waiting) {
    slot.conflicts++
    slot.loading = true
  }
  const rounds = Math.max(...waiting.map((slot) => slot.conflicts))
  return Effect.sleep(Math.min(storeRetryMsMax, 50 * 2 ** Math.min(rounds, 10))).pipe(
    Effect.andThen(Effect.sync(() => {
      for (const slot of waiting) {
        slot.loading = false
        services.scribe.touch(slot)
      }
    })),
    Effect.forkIn(services.scope),
    Effect.asVoid
  )
}

/** One turn of the scribe: decide, commit, follow. */
const turn = Effect.fnUntraced(function*(services: Services) {
  const { scribe } = services
  const { jobs, lacks } = scribe.prepare()
  for (const lack of lacks) lack.slot.loading = true
  yield* restBroken(services)
  yield* write(services, jobs)
  // After the commit, which may have stored what is lacking.
  for (const lack of lacks) yield* Effect.forkIn(supplySafely(services, lack), services.scope)
  for (const { pending, slot } of scribe.strays.splice(0)) {
    yield* Effect.forkIn(handOver(services, slot, pending), services.scope)
  }
  for (const { answer, id } of scribe.unwritten.splice(0)) {
    yield* services.sessions.reply(id, answer).pipe(
      Effect.catch((error) =>
        Effect.logWarning("A handed-in command could not be answered", { id, reason: error.reason })
      )
    )
  }
})

const run = (services: Services): Effect.Effect<never> =>
  services.scribe.work.await.pipe(
    // Whoever is ready to post gets the chance to share this commit.
    Effect.andThen(Effect.yieldNow),
    Effect.andThen(Effect.suspend(() => {
      services.scribe.writing = true
      return turn(services)
    })),
    // Whatever else may break in one turn: a scribe that ends would stop every run of this process without a word.
    Effect.catchDefect((defect) => Effect.logError("A turn of the coordinator broke", { reason: messageOf(defect) })),
    Effect.andThen(Effect.sync(() => {
      services.scribe.writing = false
    })),
    Effect.forever
  )

const ask = (
  scribe: Scribe,
  slot: RunSlot,
  pending: Omit<Pending, "reply">,
  look?: (settled: Settled) => void
): Effect.Effect<Settled> =>
  Effect.callback<Settled>((resume) => {
    scribe.post(slot, {
      ...pending,
      reply: (settled) => {
        look?.(settled)
        resume(Effect.succeed(settled))
      }
    })
  })

const api = (services: Services): Coordinator["Service"] => {
  const { scribe } = services
  const peek = Effect.fnUntraced(function*(tenant: string, run: string) {
    const slot = scribe.slot(tenant, run)
    if (slot === undefined) return undefined
    if (slot.state === undefined && !slot.loading) {
      slot.loading = true
      yield* supplySafely(services, { slot, refs: undefined })
    }
    const state = yield* durable(slot)
    return state === undefined ? undefined : { slot, state }
  })
  return {
    submit: ({ audit, blobs, command, plan, run, seen, tenant }) =>
      Effect.suspend(() => {
        const slot = scribe.open(tenant, run, plan)
        const look = (settled: Settled): void => {
          if (settled.kind === "accepted" && slot.state?.seq === slot.head) seen?.(slot, slot.state)
        }
        return ask(scribe, slot, { command, blobs, handed: undefined, audit }, look)
      }),
    command: (tenant, run, command, options) =>
      Effect.suspend(() => {
        const slot = scribe.slot(tenant, run)
        if (slot === undefined) {
          return Effect.succeed<Settled>({ kind: "lost", reason: "not_owner", message: `${run} is not owned here` })
        }
        return ask(scribe, slot, { command, blobs: options?.blobs ?? [], handed: options?.handed })
      }),
    post: (tenant, run, command, blobs) => {
      const slot = scribe.slot(tenant, run)
      const pending = { command, blobs, handed: undefined, reply: undefined }
      if (slot !== undefined) scribe.post(slot, pending)
      else if (scribe.dispatchRows && command.type === "CompleteStep") {
        Effect.runForkWith(services.context)(handOver(services, { tenant, run }, pending))
      }
    },
    adopt: ({ epoch, orderly, run, tenant }) =>
      Effect.suspend(() =>
        ask(scribe, scribe.open(tenant, run), {
          command: {
            type: "AdoptRun",
            at: scribe.clock.currentTimeMillisUnsafe(),
            session: scribe.session,
            epoch,
            orderly
          },
          blobs: [],
          handed: undefined
        })
      ),
    peek,
    slot: (tenant, run) => scribe.slot(tenant, run),
    json: (tenant, ref) => {
      const known = scribe.cache.get(ref)
      return known === undefined ? RunSupply.readBlob(services, tenant, ref) : Effect.succeed(known)
    },
    slots: () => scribe.slots.values(),
    offerAgain: (_slot, offers) => services.queue.offer(offers),
    settled: scribe.settled,
    alarms: scribe.alarms,
    trim: () => scribe.trim(),
    whenClosing: (listener) => {
      services.closing.add(listener)
    },
    whenMoved: (listener) => {
      services.moved.add(listener)
    }
  }
}

export const make = Effect.gen(function*() {
  const limits = yield* MachineLimits
  const sessions = yield* Sessions
  const failpoint = yield* Failpoints
  const store = yield* RunStore
  const cache = new BlobCache(limits.blobCacheBytesMax)
  const services: Services = {
    scribe: new Scribe(sessions.id, limits, yield* Clock.Clock, cache, store.dispatchRows),
    store,
    sessions,
    blobs: yield* BlobStore,
    plans: yield* Plans,
    queue: yield* StepQueue,
    feed: yield* EventFeed,
    reach: failpoint ?? (() => Effect.void),
    probe: yield* Probes,
    scope: yield* Effect.scope,
    context: yield* Effect.context<never>(),
    closing: new Set(),
    moved: new Set()
  }
  yield* Effect.forkScoped(run(services))
  return api(services)
})
