/**
 * The sender: notes what the journal has for webhooks and sends it, run by run in order.
 *
 * Of all processes on a store one has the seat and sends; another takes it when that one has gone. Deliveries of one run to
 * one webhook come one after another, those of different runs or webhooks side by side. What a process has not noted as
 * sent when it dies is sent again, under the same `webhook-id`.
 */
import type { Full, Webhook, WebhookStoreError } from "@baton/engine/WebhookStore"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import type { Parts } from "../Parts.ts"
import { defaultTenant } from "../Parts.ts"
import * as Deliveries from "./Deliveries.ts"
import type { EnvironmentHook } from "./EnvironmentHooks.ts"
import * as EnvironmentHooks from "./EnvironmentHooks.ts"
import { lanesOfTenantMax } from "./WebhookLimits.ts"

export interface SenderOptions {
  /** `attend`: also forget the hooks of an environment that does not name them any more; `send`: leave them to others. */
  readonly mode: "send" | "attend"
  readonly environment: ReadonlyArray<EnvironmentHook>
}

interface State {
  readonly parts: Parts
  readonly options: SenderOptions
  readonly scope: Scope.Closeable
  /** Opened when a lane has ended: another may begin. */
  readonly ended: Latch.Latch
  /** Lanes under way, and how many of each webhook and each tenant. */
  readonly busy: Set<string>
  readonly busyOf: Map<string, number>
  readonly busyOfTenant: Map<string, number>
  /** Webhooks that have taken their last delivery; those heard of longest ago are forgotten first. */
  readonly taking: Set<string>
  isSeated: boolean
}

const keyOf = (webhook: string, run: string | undefined): string => `${webhook} ${run ?? ""}`

/** Webhooks that are remembered for taking what they are sent. */
const takingMax = 10_000

/** What has not answered yet, or failed, is asked for one run at a time: it must not take the places of those that do. */
const mostOf = ({ parts, taking }: State, webhook: string): number =>
  taking.has(webhook) ? parts.webhooks.limits.lanesOfOneMax : 1

const hasRoom = (state: State, { id, tenant }: Owner, run: string | undefined): boolean => {
  const { limits } = state.parts.webhooks
  return !state.busy.has(keyOf(id, run)) && state.busy.size < limits.lanesMax &&
    (state.busyOf.get(id) ?? 0) < mostOf(state, id) && (state.busyOfTenant.get(tenant) ?? 0) < lanesOfTenantMax(limits)
}

const full = (state: State): Full => ({
  webhooks: [...state.busyOf].flatMap(([webhook, count]) => count >= mostOf(state, webhook) ? [webhook] : []),
  tenants: [...state.busyOfTenant].flatMap(([tenant, count]) =>
    count >= lanesOfTenantMax(state.parts.webhooks.limits) ? [tenant] : []
  )
})

const count = (counts: Map<string, number>, key: string, more: 1 | -1): void => {
  const now = (counts.get(key) ?? 0) + more
  if (now === 0) counts.delete(key)
  else counts.set(key, now)
}

const note = ({ taking }: State, webhook: string, isTaken: boolean): void => {
  taking.delete(webhook)
  if (!isTaken) return
  taking.add(webhook)
  for (const oldest of taking) {
    if (taking.size <= takingMax) break
    taking.delete(oldest)
  }
}

type Owner = Pick<Webhook, "id" | "tenant">

/** Does one lane's work in the background; two that share webhook and run never overlap. It says whether it was taken. */
const begin = (
  state: State,
  owner: Owner,
  run: string | undefined,
  work: Effect.Effect<boolean | undefined, unknown>
) => {
  if (!hasRoom(state, owner, run)) return Effect.void
  const { id: webhook, tenant } = owner
  const key = keyOf(webhook, run)
  state.busy.add(key)
  count(state.busyOf, webhook, 1)
  count(state.busyOfTenant, tenant, 1)
  const end = Effect.sync(() => {
    state.busy.delete(key)
    count(state.busyOf, webhook, -1)
    count(state.busyOfTenant, tenant, -1)
    state.ended.openUnsafe()
  })
  return work.pipe(
    Effect.tap((isTaken) => Effect.sync(() => isTaken === undefined ? undefined : note(state, webhook, isTaken))),
    Effect.catch((error) => Effect.logWarning("Webhooks must wait", { webhook, reason: String(error) })),
    Effect.ensuring(end),
    Effect.forkIn(state.scope)
  )
}

/** Lanes that are due, page by page: one webhook's many must not hide another's few. */
const beginDue = Effect.fnUntraced(function*(state: State, now: number): Effect.fn.Return<number, WebhookStoreError> {
  const { limits, store } = state.parts.webhooks
  for (let found = 0;;) {
    if (state.busy.size >= limits.lanesMax) return found
    const before = state.busy.size
    const page = limits.lanesMax + before
    // What is under way now may be over when its row has been read, and the row would tell of the time before.
    const underWay = new Set(state.busy)
    const lanes = yield* store.due(now, page, full(state))
    for (const lane of lanes) {
      if (underWay.has(keyOf(lane.webhook, lane.run))) continue
      yield* begin(state, lane.owner, lane.run, Deliveries.lane(state.parts, lane))
    }
    found += lanes.length
    if (lanes.length < page || state.busy.size === before) return found
  }
})

/** Deliveries that somebody asked for once more. */
const beginQueued = Effect.fnUntraced(
  function*(state: State, now: number): Effect.fn.Return<number, WebhookStoreError> {
    const { limits, store } = state.parts.webhooks
    const underWay = new Set(state.busy)
    const queued = yield* store.queued(now, limits.lanesMax)
    for (const one of queued) {
      if (underWay.has(keyOf(one.webhook, one.run))) continue
      yield* begin(state, one.owner, one.run, Deliveries.again(state.parts, one))
    }
    return queued.length
  }
)

/** Everything that can begin now; how much there was. */
const turn = Effect.fnUntraced(function*(state: State): Effect.fn.Return<number, WebhookStoreError> {
  const { limits, store } = state.parts.webhooks
  const now = yield* Clock.currentTimeMillis
  let noted = 0
  for (let records = limits.relayMax; records === limits.relayMax;) {
    records = yield* store.relay(limits.relayMax, now)
    noted += records
  }
  return noted + (yield* beginQueued(state, now)) + (yield* beginDue(state, now))
})

/** The hooks of this environment are those of the store from now on. */
const attend = Effect.fnUntraced(function*({ options, parts: { webhooks: { store } } }: State) {
  for (const { secrets, webhook } of options.environment) yield* store.put(webhook, secrets)
  if (options.mode !== "attend") return
  for (const { id, tenant } of yield* store.list(defaultTenant)) {
    const isStale = EnvironmentHooks.ids.some((one) => one === id) &&
      !options.environment.some(({ webhook }) => webhook.id === id)
    if (isStale) yield* store.remove(tenant, id)
  }
})

/** Whether this process is the one that sends. */
const seated = Effect.fnUntraced(function*(state: State): Effect.fn.Return<boolean, WebhookStoreError> {
  if (state.isSeated) return true
  const { store } = state.parts.webhooks
  if (state.options.environment.length === 0 && !(yield* store.isUsed)) return false
  if (!(yield* store.takeSeat)) return false
  yield* attend(state)
  state.isSeated = true
  return true
})

const look = Effect.fnUntraced(function*(state: State) {
  const { limits, store } = state.parts.webhooks
  if (!(yield* seated(state)) || !(yield* store.isUsed)) return yield* Effect.sleep(limits.idleEvery)
  state.ended.closeUnsafe()
  yield* turn(state)
  yield* Effect.raceFirst(state.ended.await, Effect.sleep(limits.lookEvery))
})

/** Goes on for ever: a store that does not serve now is asked again. */
const forever = (state: State): Effect.Effect<never> =>
  look(state).pipe(
    Effect.catch((error) =>
      Effect.andThen(
        Effect.logWarning("Webhooks must wait", { reason: error.reason }),
        Effect.sleep(state.parts.webhooks.limits.idleEvery)
      )
    ),
    Effect.forever
  )

/** Sends what is due until nothing is. */
const drained = (state: State): Effect.Effect<void, WebhookStoreError> =>
  Effect.gen(function*() {
    state.ended.closeUnsafe()
    const found = yield* turn(state)
    if (found === 0 && state.busy.size === 0) return
    yield* Effect.raceFirst(state.ended.await, Effect.sleep(state.parts.webhooks.limits.lookEvery))
    yield* drained(state)
  })

/** An orderly stop: what is due is sent while the grace lasts, the rest is for the next one that takes the seat. */
const stop = (state: State): Effect.Effect<void> => {
  const { limits, store } = state.parts.webhooks
  return Effect.suspend(() => state.isSeated ? Effect.void : Effect.asVoid(seated(state))).pipe(
    Effect.andThen(Effect.suspend(() => state.isSeated ? drained(state) : Effect.void)),
    Effect.timeoutOrElse({ duration: limits.stopGrace, orElse: () => Effect.void }),
    Effect.andThen(Scope.close(state.scope, Exit.void)),
    Effect.andThen(Effect.suspend(() => state.isSeated ? store.leaveSeat : Effect.void)),
    Effect.catch((error) => Effect.logWarning("The seat of the sender was not given up", { reason: error.reason }))
  )
}

/** Runs while the scope is open. */
export const start = Effect.fnUntraced(function*(parts: Parts, options: SenderOptions) {
  const state: State = {
    parts,
    options,
    scope: yield* Scope.make(),
    ended: Latch.makeUnsafe(false),
    busy: new Set(),
    busyOf: new Map(),
    busyOfTenant: new Map(),
    taking: new Set(),
    isSeated: false
  }
  // Hooks of the environment hear of the first run of this process too.
  if (options.environment.length > 0) yield* seated(state)
  const fiber = yield* Effect.forkDetach(forever(state))
  yield* Effect.addFinalizer(() => Effect.andThen(Fiber.interrupt(fiber), stop(state)))
})
