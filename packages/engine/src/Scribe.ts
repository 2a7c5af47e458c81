/** The coordinator's inside: mailboxes, decisions, grouped commits, and what follows from them. See `Coordinator`. */
import type { Decision } from "@baton/kernel/Decide"
import { decide } from "@baton/kernel/Decide"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import { refs } from "@baton/kernel/Value"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { BlobCache } from "./BlobCache.ts"
import type { MachineLimits } from "./MachineLimits.ts"
import type { Draft } from "./RecordBuilder.ts"
import * as RecordBuilder from "./RecordBuilder.ts"
import * as RunPlace from "./RunPlace.ts"
import * as RunSlots from "./RunSlot.ts"
import type { Pending, RunSlot, Settled } from "./RunSlot.ts"
import type { Commit, CommitOutcome } from "./RunStore.ts"
import { AlarmClock } from "./RunTimers.ts"

/** What one record made possible once it was durable. */
export interface Written {
  readonly draft: Draft
  readonly commit: Commit
  readonly replies: ReadonlyArray<readonly [Pending, Settled]>
}

export interface Job {
  readonly draft: Draft
  readonly commit: Commit
  readonly taken: ReadonlyArray<Pending>
  readonly answers: ReadonlyArray<readonly [Pending, Settled]>
}

/** `refs` is what the decision about `pending` must read; without it the whole state is lacking. */
export type Lacks = {
  readonly slot: RunSlot
  readonly refs: ReadonlyArray<string> | undefined
  readonly pending?: Pending
}

/** Nothing is posted, decided, written, offered or begun: only a clock or somebody outside moves this run on. */
const isResting = (slot: RunSlot): boolean =>
  slot.state !== undefined && slot.state.offered === 0 && slot.state.seq === slot.head && slot.begun.size === 0 &&
  slot.mailbox.length === 0 && !slot.dirty && !slot.loading

/** The attempt has failed, because of what the store has lost. */
const failedInstead = (pending: Pending, message: string, retryable: boolean): Pending => {
  const { command } = pending
  if (command.type !== "CompleteStep" || command.outcome.ok !== true) return pending
  const error = { code: "BLOB_MISSING", kind: "io", message, retryable } as const
  return { ...pending, command: { ...command, outcome: { ok: false, error } } }
}

/** An answer whose bytes are gone before its record was written is none. */
const withoutLostOutput = (pending: Pending): Pending => {
  const { blobs, command } = pending
  if (command.type !== "CompleteStep" || command.outcome.ok !== true) return pending
  const carried = new Set(blobs.map((blob) => blob.ref))
  if (refs(command.outcome.output).every((ref) => carried.has(ref))) return pending
  return failedInstead(pending, `the output of ${command.path} is gone from the store`, true)
}

/** How often an end of the work is looked for, in milliseconds. */
const idleEveryMs = 1

const keyOf = (tenant: string, run: string): string => `${tenant} ${run}`

export class Scribe {
  readonly slots = new Map<string, RunSlot>()
  readonly alarms = new AlarmClock()
  /** Opened when there is something to write. */
  readonly work = Latch.makeUnsafe(false)
  readonly session: string
  readonly limits: MachineLimits
  readonly clock: Clock.Clock
  readonly cache: BlobCache
  #dirty: Array<RunSlot> = []

  /** Whether the store keeps a row of every offer. */
  readonly dispatchRows: boolean

  constructor(session: string, limits: MachineLimits, clock: Clock.Clock, cache: BlobCache, dispatchRows: boolean) {
    this.dispatchRows = dispatchRows
    this.session = session
    this.limits = limits
    this.clock = clock
    this.cache = cache
  }

  /** A turn is under way: what it took out of the mailboxes is not durable yet. */
  writing = false

  get idle(): boolean {
    if (this.writing || this.#dirty.length > 0) return false
    for (const slot of this.slots.values()) if (slot.mailbox.length > 0) return false
    return true
  }

  /** Waits until everything that was posted has been decided and written. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() =>
    this.idle ? Effect.void : Effect.andThen(Effect.sleep(idleEveryMs), this.settled)
  )

  slot(tenant: string, run: string): RunSlot | undefined {
    return this.slots.get(keyOf(tenant, run))
  }

  open(tenant: string, run: string, plan?: Plan): RunSlot {
    const key = keyOf(tenant, run)
    const known = this.slots.get(key)
    if (known !== undefined) return known
    const slot = RunSlots.make(tenant, run)
    if (plan !== undefined) slot.state = RunState.empty(plan)
    this.slots.set(key, slot)
    return slot
  }

  forget(slot: RunSlot): void {
    this.slots.delete(keyOf(slot.tenant, slot.run))
    slot.timers.clear()
  }

  post(slot: RunSlot, pending: Pending): void {
    slot.mailbox.push(pending)
    this.touch(slot)
  }

  touch(slot: RunSlot): void {
    if (slot.dirty || slot.loading || slot.mailbox.length === 0) return
    slot.dirty = true
    this.#dirty.push(slot)
    this.work.openUnsafe()
  }

  /** Decides what the next commit will hold. Slots that lack their state or a value come back in `lacks`. */
  prepare(): { readonly jobs: ReadonlyArray<Job>; readonly lacks: ReadonlyArray<Lacks> } {
    const turn = this.#dirty.splice(0, this.limits.batchRunsMax)
    const jobs: Array<Job> = []
    const lacks: Array<Lacks> = []
    for (const slot of turn) {
      slot.dirty = false
      // Somebody who reads the run loads it already; a second load would put an older state in its place.
      if (slot.loading) continue
      if (slot.state === undefined) {
        lacks.push({ slot, refs: undefined })
        continue
      }
      const job = this.#decideSafely(slot, slot.state, lacks)
      if (job !== undefined) jobs.push(job)
    }
    if (this.#dirty.length === 0) this.work.closeUnsafe()
    return { jobs, lacks }
  }

  /** Runs that a bug of ours kept from being decided, with what was thrown: they rest, and the others go on. */
  readonly broken: Array<{ readonly slot: RunSlot; readonly defect: unknown }> = []

  #decideSafely(slot: RunSlot, state: RunState.RunState, lacks: Array<Lacks>): Job | undefined {
    try {
      return this.#decide(slot, state, lacks)
    } catch (defect) {
      this.#drop(slot)
      this.broken.push({ slot, defect })
      return undefined
    }
  }

  /** All that is in one mailbox, up to the bound of a record, against the state as each answer leaves it. */
  #decide(slot: RunSlot, state: RunState.RunState, lacks: Array<Lacks>): Job | undefined {
    const draft: Draft = { slot, state, expected: state.seq, events: [], blobs: [], answered: [] }
    const taken: Array<Pending> = []
    const answers: Array<readonly [Pending, Settled]> = []
    let at = 0
    for (; at < slot.mailbox.length && draft.events.length < this.limits.recordEventsMax; at++) {
      const pending = slot.mailbox[at]!
      const decision = this.#ask(slot, state, pending)
      if (decision.kind === "needs") {
        slot.loading = true
        lacks.push({ slot, refs: decision.needs.refs, pending })
        break
      }
      taken.push(pending)
      const settled: Settled = decision.kind === "refused"
        ? { kind: "refused", ...decision.refusal }
        : { kind: "accepted", events: decision.events.length, head: state.seq + decision.events.length }
      if (decision.kind === "events" && decision.events.length > 0) {
        draft.blobs.push(...pending.blobs)
        RecordBuilder.add(draft, decision.events)
        if (pending.audit !== undefined) (draft.audit ??= []).push(pending.audit)
        slot.blobs.clear()
      }
      if (pending.handed !== undefined) draft.answered.push({ id: pending.handed, answer: JSON.stringify(settled) })
      answers.push([pending, settled])
    }
    slot.mailbox = at === slot.mailbox.length ? [] : slot.mailbox.slice(at)
    if (draft.events.length === 0) {
      this.#replyOnly(slot, draft, answers)
      return undefined
    }
    return { draft, commit: RecordBuilder.build(draft, this.session, this.dispatchRows), taken, answers }
  }

  /**
   * Lets go of the states of resting runs beyond `residentRunsMax`, of those first that have rested longest. Their timers
   * stay; whatever is posted folds them again.
   */
  trim(): void {
    const resident = [...this.slots.values()].filter((slot) => slot.state !== undefined)
    const excess = resident.length - this.limits.residentRunsMax
    if (excess <= 0) return
    const resting = resident.filter(isResting).sort((a, b) => a.movedAt - b.movedAt)
    for (const slot of resting.slice(0, excess)) {
      slot.state = undefined
      slot.blobs.clear()
    }
  }

  /** What the command itself brings along is at hand before it is in the store. */
  #ask(slot: RunSlot, state: RunState.RunState, pending: Pending): Decision {
    for (;;) {
      const decision = decide(state, pending.command, slot.blobs)
      if (decision.kind !== "needs") return decision
      const brought = pending.blobs.filter((blob) =>
        decision.needs.refs.includes(blob.ref) && !slot.blobs.has(blob.ref)
      )
      if (brought.length === 0) return decision
      for (const { bytes, json, ref } of brought) {
        slot.blobs.set(ref, json ?? JSON.parse(Buffer.from(bytes).toString("utf8")))
      }
    }
  }

  /** Answers that changed nothing: refusals, and what was stale. */
  readonly unwritten: Array<{ readonly id: number; readonly answer: string }> = []

  #replyOnly(slot: RunSlot, draft: Draft, answers: ReadonlyArray<readonly [Pending, Settled]>): void {
    this.unwritten.push(...draft.answered)
    for (const [pending, settled] of answers) pending.reply?.(settled)
    if (slot.state?.seq === 0 && slot.mailbox.length === 0) this.forget(slot)
    else this.touch(slot)
  }

  /** Takes in what the store said; answers the records that are durable now. */
  conclude(jobs: ReadonlyArray<Job>, outcomes: ReadonlyArray<CommitOutcome>): ReadonlyArray<Written> {
    const written: Array<Written> = []
    const now = this.clock.currentTimeMillisUnsafe()
    for (const [index, job] of jobs.entries()) {
      const outcome = outcomes[index]
      const { slot } = job.draft
      if (outcome === undefined || !outcome.ok) {
        if (outcome?.reason === "full") this.#full(job, outcome.holders)
        else this.#lost(job, outcome?.reason ?? "conflict")
        continue
      }
      slot.head = outcome.head
      slot.hash = outcome.hash
      slot.conflicts = 0
      slot.movedAt = now
      for (const { bytes, json, ref } of job.draft.blobs) {
        if (json !== undefined) this.cache.set(ref, json, bytes.length)
      }
      for (const timer of job.commit.timers?.set ?? []) {
        const held = slot.timers.get(RunSlots.timerKey(timer))
        if (held !== undefined) this.alarms.add({ due: held.due, slot, timer: held })
      }
      written.push({ draft: job.draft, commit: job.commit, replies: job.answers })
    }
    return written
  }

  /**
   * The store failed the whole batch: every state it touched is dropped. New runs are refused at once; what belongs to
   * accepted runs is kept and asked again once the store serves again, so that no answer of a worker is lost.
   */
  failed(jobs: ReadonlyArray<Job>, message: string): ReadonlyArray<RunSlot> {
    const waiting: Array<RunSlot> = []
    for (const job of jobs) {
      const { slot } = job.draft
      this.#drop(slot)
      slot.mailbox = [...job.taken, ...slot.mailbox]
      if (job.draft.expected === 0) {
        this.giveUp(slot, slot.mailbox, { kind: "lost", reason: "unavailable", message })
      } else waiting.push(slot)
    }
    return waiting
  }

  /** Who waits for an answer about this run gets this one; what workers and clocks have posted stays. */
  turnAway(slot: RunSlot, settled: Settled): void {
    const asking = slot.mailbox.filter((pending) => pending.reply !== undefined)
    slot.mailbox = slot.mailbox.filter((pending) => pending.reply === undefined)
    for (const one of asking) one.reply?.(settled)
  }

  /**
   * What must be read to decide about `pending` is gone for good. A step whose answer cannot be taken in has failed;
   * anything else goes behind the others, so that a cancel is heard.
   */
  spoil(slot: RunSlot, pending: Pending, message: string): void {
    if (!slot.mailbox.includes(pending)) return
    const instead = failedInstead(pending, message, false)
    slot.mailbox = instead === pending
      ? [...slot.mailbox.filter((one) => one !== pending), pending]
      : slot.mailbox.map((one) => one === pending ? instead : one)
  }

  #drop(slot: RunSlot): void {
    slot.state = undefined
    slot.timers.clear()
    slot.blobs.clear()
  }

  /** Runs whose record the store refused for a reason that asking at once does not change; they are asked later. */
  readonly refused: Array<RunSlot> = []

  /** No place is free. Whoever asked is told so; all else that was in the record is asked again without it. */
  #full(job: Job, holders: ReadonlyArray<string>): void {
    const { slot } = job.draft
    this.#drop(slot)
    const settled: Settled = { kind: "refused", ...RunPlace.refusal(job.draft.state, holders) }
    if (job.draft.expected === 0) return this.giveUp(slot, [...job.taken, ...slot.mailbox], settled)
    for (const one of job.taken) if (one.command.type === "TakePlace") one.reply?.(settled)
    slot.mailbox = [...job.taken.filter(({ command }) => command.type !== "TakePlace"), ...slot.mailbox]
    this.touch(slot)
  }

  #lost(job: Job, reason: "conflict" | "not_owner" | "exists" | "blob_missing"): void {
    const { slot } = job.draft
    this.#drop(slot)
    slot.conflicts++
    const settled: Settled = {
      kind: "lost",
      reason: reason === "blob_missing" ? "missing" : reason,
      message: `the record of ${slot.run} was not written: ${reason}`
    }
    if (reason === "not_owner" && slot.mailbox.some(({ command }) => command.type === "AdoptRun")) {
      // The run is ours again, since after that record was begun: first of all it is taken over.
      slot.mailbox = [...slot.mailbox, ...job.taken]
      return this.touch(slot)
    }
    if (job.draft.expected === 0 || reason === "not_owner") {
      return this.giveUp(slot, [...job.taken, ...slot.mailbox], settled)
    }
    slot.mailbox = [...job.taken, ...slot.mailbox]
    if (reason === "conflict" && slot.conflicts <= this.limits.conflictsMax) return this.touch(slot)
    // The run is still ours: what workers have posted is asked again, for nobody else would.
    this.turnAway(slot, settled)
    if (reason === "blob_missing") slot.mailbox = slot.mailbox.map(withoutLostOutput)
    this.refused.push(slot)
  }

  /** Answers of workers for runs that another process has taken over: its owner is to have them. */
  readonly strays: Array<{ readonly slot: RunSlot; readonly pending: Pending }> = []

  /** Nobody here can answer for this run any more. */
  giveUp(slot: RunSlot, pending: ReadonlyArray<Pending>, settled: Settled): void {
    slot.mailbox = []
    this.forget(slot)
    const astray = this.dispatchRows && settled.kind === "lost" && settled.reason === "not_owner"
    for (const one of pending) {
      one.reply?.(settled)
      if (astray && one.command.type === "CompleteStep") this.strays.push({ slot, pending: one })
    }
  }
}
