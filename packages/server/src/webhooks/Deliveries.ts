/** Sending what one lane, or somebody by hand, has to send; after each attempt the store knows how far it has come. */
import type { ClientError } from "@baton/contract/Client"
import * as Wire from "@baton/contract/Wire"
import * as RunLoader from "@baton/engine/RunLoader"
import type { RunStoreError } from "@baton/engine/RunStore"
import type { Delivery, Lane, Webhook, WebhookStore, WebhookStoreError } from "@baton/engine/WebhookStore"
import type { Event } from "@baton/kernel/Event"
import * as RunStates from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Parts } from "../Parts.ts"
import * as RunEvents from "../RunEvents.ts"
import * as RunId from "../RunId.ts"
import * as RunReading from "../RunReading.ts"
import * as DeliveryTrace from "./DeliveryTrace.ts"
import * as EnvironmentHooks from "./EnvironmentHooks.ts"
import * as GivenUp from "./GivenUp.ts"
import * as Message from "./Message.ts"
import * as Post from "./Post.ts"
import type { Limits } from "./WebhookLimits.ts"
import { retryDelay } from "./WebhookLimits.ts"

/** Of what could not be delivered no webhook is told: two that are both out of reach would never come to an end. */
const untold: Wire.JournalType = "orchestration.delivery.given_up"

/** HTTP status: the receiver is no more. */
const gone = 410

const isWanted = ({ events }: Pick<Webhook, "events">, type: Wire.JournalType): boolean =>
  type !== untold && (events.includes("*") || events.includes(type))

/** The run as the sources' hooks show it. */
const snapshotOf = Effect.fnUntraced(function*(parts: Parts, run: string): Effect.fn.Return<Json, ClientError> {
  const state = yield* RunReading.stateOf(parts, run)
  let completed = 0
  for (const node of state.plan.nodes) {
    if (state.nodes.get(node.index).settledSeq > 0) completed++
    const table = state.maps.get(node.index)
    if (table !== undefined) completed += table.succeeded + table.failed
  }
  const total = state.steps
  return {
    id: run,
    flow: state.plan.name,
    version: state.plan.version,
    status: RunStates.status(state),
    startedAt: Wire.timeText(state.createdAt),
    endedAt: state.finished === undefined ? null : Wire.timeText(state.finished.at),
    stats: {
      totalSteps: total,
      completedSteps: completed,
      progressPercentage: total === 0 ? 100 : Math.floor((completed / total) * 100)
    }
  }
})

const attempt = Effect.fnUntraced(function*(
  { webhooks: { dialer, limits, store, traced, tried } }: Parts,
  owner: Webhook,
  message: Message.Message,
  origin: DeliveryTrace.Origin | undefined
): Effect.fn.Return<Post.Outcome, WebhookStoreError> {
  const secrets = yield* store.secrets(owner.tenant, owner.id)
  const headers = Message.headers(owner, secrets, message, yield* Clock.currentTimeMillis)
  const { body } = message
  const request = { url: owner.url, headers, body, allow: EnvironmentHooks.allowed(owner) }
  const subject = { origin, type: message.type, webhook: owner.id }
  const outcome = yield* traced(subject, Post.post(dialer, request, limits))
  tried(outcome.kind)
  return outcome
})

/** The state of a delivery after an attempt, and when the next one is due. */
const verdict = Effect.fnUntraced(function*(
  limits: Limits,
  outcome: Post.Outcome,
  attempts: number,
  failingSince: number | undefined
) {
  const now = yield* Clock.currentTimeMillis
  if (outcome.kind !== "retry") return { state: outcome.kind === "delivered" ? "delivered" : "failed", now } as const
  if (now - (failingSince ?? now) >= Duration.toMillis(limits.giveUpAfter)) return { state: "given_up", now } as const
  const dueAt = now + retryDelay(limits, attempts, yield* Random.next, outcome.retryAfterMs)
  return { state: "pending", now, dueAt } as const
})

const lineOf = (
  { code, latencyMs, message, status }: Post.Outcome,
  rest: Pick<Delivery, "id" | "webhook" | "tenant" | "run" | "seq" | "type" | "state" | "attempts" | "at" | "dueAt">
): Delivery => ({ ...rest, status, code, message, latencyMs })

/** It is a change that nobody asked for: the audit log says so. */
const disable = ({ audit, webhooks }: Parts, { id, tenant }: Webhook, now: number) =>
  Effect.andThen(
    webhooks.store.change(tenant, id, { state: "disabled", reason: "the receiver answered 410 Gone" }, now),
    Effect.catch(
      audit.append([{
        tenant,
        at: now,
        actor: "baton",
        method: "engine",
        action: "webhooks disable",
        object: id,
        outcome: "done",
        status: gone,
        request: ""
      }]),
      (error) => Effect.logError("the audit log cannot be written", error)
    )
  )

const tell = Effect.fnUntraced(function*(
  parts: Parts,
  { run, tenant, webhook }: Lane,
  seq: number,
  attempts: number,
  code: string | undefined
) {
  yield* Effect.logWarning("A webhook delivery was given up", { webhook, run, seq })
  const at = parts.clock.currentTimeMillisUnsafe()
  const why = code === undefined ? {} : { code }
  yield* GivenUp.note({ ...parts, tenant }, run, { type: "GiveUpDelivery", at, webhook, seq, attempts, ...why })
})

interface Step {
  /** The next event may be sent. */
  readonly goesOn: boolean
  /** The receiver has answered for itself. */
  readonly isTaken: boolean
}

/** The event after `sent` is tried once; the store knows what came of it. */
const step = Effect.fnUntraced(function*(
  parts: Parts,
  lane: Lane & { readonly owner: Webhook; readonly origin: DeliveryTrace.Origin | undefined },
  seq: number,
  message: Message.Message,
  failures: Pick<Lane, "attempts" | "failingSince">,
  isLast: boolean
): Effect.fn.Return<Step, WebhookStoreError> {
  const { origin, owner, run, tenant, webhook } = lane
  const outcome = yield* attempt(parts, owner, message, origin)
  const attempts = failures.attempts + 1
  const { now, state, ...next } = yield* verdict(parts.webhooks.limits, outcome, attempts, failures.failingSince)
  const dueAt = "dueAt" in next ? next.dueAt : undefined
  const isOver = dueAt === undefined
  if (state === "given_up") yield* tell(parts, lane, seq, attempts, outcome.code)
  const id = RunId.make("dlv", now)
  const { type } = message
  yield* parts.webhooks.store.progress({
    lane: { webhook, tenant, run },
    sent: isOver ? seq : seq - 1,
    attempts: isOver ? 0 : attempts,
    failingSince: isOver ? undefined : failures.failingSince ?? now,
    dueAt: dueAt ?? now,
    delivery: lineOf(outcome, { id, webhook, tenant, run, seq, type, state, attempts, at: now, dueAt }),
    ended: isOver && isLast
  })
  if (outcome.kind === "gone") yield* disable(parts, owner, now)
  return { goesOn: isOver && outcome.kind !== "gone", isTaken: outcome.kind !== "retry" }
})

/** Events of the journal after `after`, from the record that holds the first of them. */
const eventsAfter = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  after: number,
  head: number,
  limit: number
): Effect.fn.Return<ReadonlyArray<readonly [seq: number, event: Event]>, ClientError | RunStoreError> {
  const start = yield* RunEvents.boundary(parts, run, after, head)
  const found: Array<readonly [number, Event]> = []
  for (const record of yield* parts.store.records(parts.tenant, run, start, limit)) {
    for (const [index, event] of (yield* RunLoader.events(record)).entries()) {
      if (record.seq + index > after) found.push([record.seq + index, event])
    }
  }
  return found
})

/** What the run's trace is derived from: its first event, which may be among those that were read. */
const originOf = Effect.fnUntraced(function*(parts: Parts, run: string, read: ReadonlyArray<readonly [number, Event]>) {
  const [first = (yield* eventsAfter(parts, run, 0, 1, 1))[0]] = read.filter(([seq]) => seq === 1)
  return DeliveryTrace.originOf(run, first?.[1])
})

/** What cannot be read or opened now is tried again like what cannot be sent. */
const postpone = Effect.fnUntraced(function*(parts: Parts, lane: Lane, code: string) {
  const now = yield* Clock.currentTimeMillis
  const attempts = lane.attempts + 1
  yield* Effect.logWarning("A webhook delivery must wait", { webhook: lane.webhook, run: lane.run, code })
  yield* parts.webhooks.store.progress({
    lane,
    sent: lane.sent,
    attempts,
    failingSince: lane.failingSince ?? now,
    dueAt: now + retryDelay(parts.webhooks.limits, attempts, yield* Random.next, undefined),
    delivery: undefined,
    ended: false
  })
})

const codeOf = (error: ClientError | RunStoreError | WebhookStoreError): string =>
  "code" in error ? error.code : error.reason.toUpperCase()

/** How far a burst has come: the last event that needs no more sending, and the last that the store knows of as such. */
interface Reached {
  sent: number
  written: number
  /** Whether the receiver has taken what it was sent last; absent when it was sent nothing. */
  isTaken: boolean | undefined
}

const burst = Effect.fnUntraced(function*(
  parts: Parts,
  one: Lane & { readonly owner: Webhook },
  reached: Reached
): Effect.fn.Return<void, ClientError | RunStoreError | WebhookStoreError> {
  const { limits, store } = parts.webhooks
  const there = { ...parts, tenant: one.tenant }
  const { owner, run } = one
  const events = yield* eventsAfter(there, run, one.sent, one.head, limits.readMax)
  const snapshot = owner.body === "lifecycle" ? yield* snapshotOf(there, run) : null
  const origin = yield* originOf(there, run, events)
  let failures: Pick<Lane, "attempts" | "failingSince"> = one
  for (const [seq, event] of events.slice(0, limits.burstMax)) {
    const isLast = event.type === "RunFinished"
    if (isWanted(owner, Wire.typeOf(event))) {
      // Whoever disables it, or sends it elsewhere, is heard before the next event.
      const now = yield* store.find(owner.tenant, owner.id)
      if (now?.state !== "active") return
      const message = Message.ofEvent(owner, run, seq, event, snapshot, limits.bodyBytesMax)
      const { goesOn, isTaken } = yield* step(parts, { ...one, owner: now, origin }, seq, message, failures, isLast)
      reached.isTaken = isTaken
      if (!goesOn) return
      failures = { attempts: 0, failingSince: undefined }
      reached.written = seq
    } else if (isLast) {
      yield* pass(store, one, seq, true)
      reached.written = seq
    }
    reached.sent = seq
  }
  if (reached.sent > reached.written) yield* pass(store, one, reached.sent, false)
})

/** Sends a burst of one lane, in order, up to the first event that must be tried again; false when there was one. */
export const lane = (
  parts: Parts,
  one: Lane & { readonly owner: Webhook }
): Effect.Effect<boolean | undefined, WebhookStoreError> =>
  Effect.suspend(() => {
    const reached: Reached = { sent: one.sent, written: one.sent, isTaken: undefined }
    return burst(parts, one, reached).pipe(
      Effect.catch((error) => postpone(parts, { ...one, sent: reached.sent }, codeOf(error))),
      Effect.map(() => reached.isTaken)
    )
  })

const pass = Effect.fnUntraced(function*(
  store: WebhookStore["Service"],
  lane: Pick<Lane, "webhook" | "tenant" | "run">,
  sent: number,
  ended: boolean
) {
  const dueAt = yield* Clock.currentTimeMillis
  yield* store.progress({ lane, sent, attempts: 0, failingSince: undefined, dueAt, delivery: undefined, ended })
})

type Queued = Delivery & { readonly owner: Webhook }

/** What was asked for once more is tried for as long as any other delivery. */
const noted = Effect.fnUntraced(function*(parts: Parts, one: Queued, outcome: Post.Outcome) {
  const attempts = one.attempts + 1
  const { now, state, ...next } = yield* verdict(parts.webhooks.limits, outcome, attempts, one.at)
  yield* parts.webhooks.store.note(lineOf(outcome, {
    ...one,
    state: state === "pending" ? "queued" : state,
    attempts,
    at: state === "pending" ? one.at : now,
    dueAt: "dueAt" in next ? next.dueAt : undefined
  }))
  if (outcome.kind === "gone") yield* disable(parts, one.owner, now)
})

/** What cannot be read or opened now. */
const unread = (code: string, message: string): Post.Outcome => ({
  kind: "retry",
  status: undefined,
  code,
  message,
  latencyMs: 0,
  retryAfterMs: undefined
})

const sendAgain = Effect.fnUntraced(function*(
  parts: Parts,
  { owner, run, seq, tenant }: Queued
): Effect.fn.Return<Post.Outcome, ClientError | RunStoreError | WebhookStoreError> {
  const there = { ...parts, tenant }
  if (run === undefined || seq === undefined) return unread("EVENT_MISSING", "There is no such event.")
  const found = (yield* eventsAfter(there, run, seq - 1, Number.MAX_SAFE_INTEGER, 1)).find(([at]) => at === seq)
  if (found === undefined) return unread("EVENT_MISSING", "There is no such event.")
  const snapshot = owner.body === "lifecycle" ? yield* snapshotOf(there, run) : null
  const message = Message.ofEvent(owner, run, seq, found[1], snapshot, parts.webhooks.limits.bodyBytesMax)
  return yield* attempt(parts, owner, message, yield* originOf(there, run, [[seq, found[1]]]))
})

/** One delivery that somebody asked for once more; it has the same id, and no place in any order. */
export const again = Effect.fnUntraced(function*(
  parts: Parts,
  one: Queued
): Effect.fn.Return<boolean, WebhookStoreError> {
  const outcome = yield* Effect.catch(
    sendAgain(parts, one),
    (error) => Effect.succeed(unread(codeOf(error), error.message))
  )
  yield* noted(parts, one, outcome)
  return outcome.kind !== "retry"
})

/** A delivery that no run has made, now, once; its line is in the log. */
export const test = Effect.fnUntraced(function*(
  parts: Parts,
  owner: Webhook
): Effect.fn.Return<Delivery, WebhookStoreError> {
  const before = yield* Clock.currentTimeMillis
  const id = RunId.make("dlv", before)
  const outcome = yield* attempt(parts, owner, Message.ofTest(id, owner.id, before), undefined)
  const at = yield* Clock.currentTimeMillis
  const line = lineOf(outcome, {
    id,
    webhook: owner.id,
    tenant: owner.tenant,
    run: undefined,
    seq: undefined,
    type: Message.testType,
    state: outcome.kind === "delivered" ? "delivered" : "failed",
    attempts: 1,
    at,
    dueAt: undefined
  })
  yield* parts.webhooks.store.note(line)
  return line
})
