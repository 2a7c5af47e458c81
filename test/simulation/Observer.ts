/**
 * Looks at the store from outside, after every commit: the journal holds together, the folded state keeps its promises,
 * and no attempt runs that may not.
 */
import * as MemoryState from "@baton/engine/MemoryState"
import * as RecordHash from "@baton/engine/RecordHash"
import type { RunStore } from "@baton/engine/RunStore"
import type { Commit, CommitOutcome } from "@baton/engine/RunStore"
import * as Compile from "@baton/kernel/Compile"
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import { violations } from "@baton/kernel/Invariants"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import type { StepError } from "@baton/kernel/StepError"
import * as Result from "effect/Result"
import type { Models } from "./models/Models.ts"
import { PlaceModel } from "./models/PlaceModel.ts"
import type { VirtualTime } from "./VirtualTime.ts"

export interface Seen {
  readonly run: string
  readonly state: RunState.RunState
  hash: Uint8Array
  readonly counted: Set<string>
  /** Dollars that attempts told they used, and that were recorded as more than was set aside. */
  readonly spent: { told: number; over: number }
  /** Approvals that have been decided. */
  readonly decided: Set<string>
  /** Attempts that ended otherwise than the world decides: lost, stopped, poisoned. */
  readonly losses: Map<string, StepError>
  /** One event a line, for people. */
  readonly journal: Array<string>
}

/** An attempt under way. */
export interface Begin {
  readonly process: number
  readonly session: string
  /** Its process lives and, where sessions have leases, has kept its own. */
  readonly alive: () => boolean
  /** Until when its process stands still. */
  readonly frozenUntil: () => number
  /** It still does something, as far as its process lives. */
  running: boolean
  /** It has given its answer to the coordinator. */
  answered: boolean
}

/** Codes of errors that the machine itself gives an attempt. */
const machineErrors = new Set([
  "POISON",
  "INTERRUPTED",
  "STORE_READ",
  "CALL_NOT_STARTED",
  "OUTCOME_UNKNOWN",
  "BUDGET_EXHAUSTED"
])

/** How long after a cancel an attempt that was claimed before may still begin or go on, in milliseconds. */
const cancelSlackMs = 2_000

const tenantOf = "default"
const watchman = { dead: false, frozenUntil: 0 }

export class Observer {
  readonly runs = new Map<string, Seen>()
  readonly complaints: Array<string> = []
  /** By the address of the document. */
  readonly plans: ReadonlyMap<string, Plan>
  readonly time: VirtualTime
  commits = 0
  fenced = 0
  readonly #store: typeof MemoryState.MemoryState.Service
  readonly #begins = new Map<string, Begin>()
  /** How often the run had been taken over when the attempt began. */
  readonly #epochs = new Map<string, number | undefined>()

  readonly #models: Models
  readonly places: PlaceModel

  constructor(
    store: typeof MemoryState.MemoryState.Service,
    plans: ReadonlyMap<string, Plan>,
    time: VirtualTime,
    models: Models
  ) {
    this.#store = store
    this.plans = plans
    this.time = time
    this.#models = models
    this.places = new PlaceModel(store, () => time.now, (message) => this.complain(message))
  }

  complain(message: string): void {
    this.complaints.push(`${message} (at +${this.time.now - 1_700_000_000_000} ms, step ${this.time.steps})`)
  }

  committed(batch: Parameters<RunStore["Service"]["commit"]>[0], outcomes: ReadonlyArray<CommitOutcome>): void {
    for (const [index, outcome] of outcomes.entries()) {
      const commit = batch[index]
      if (outcome.ok && commit !== undefined) this.#record(commit)
      else this.fenced++
    }
  }

  #record(commit: Commit): void {
    this.commits++
    const events: ReadonlyArray<Event> = JSON.parse(Buffer.from(commit.bytes).toString("utf8"))
    const seen = this.runs.get(commit.run) ?? this.#first(commit.run, events)
    const { state } = seen
    if (commit.expected !== state.seq) this.complain(`${commit.run}: a record at ${commit.expected} after ${state.seq}`)
    seen.hash = RecordHash.next(seen.hash, commit.bytes)
    const row = MemoryState.findRun(this.#store, commit.tenant, commit.run)
    if (row === undefined || !RecordHash.equals(row.hash, seen.hash)) {
      this.complain(`${commit.run}: the chain is broken`)
    }
    for (const event of events) this.#event(seen, event)
    if (state.seq !== commit.expected + commit.n) this.complain(`${commit.run}: the record counts ${commit.n} events`)
    this.#isPaid(seen)
    this.#models.letters.check(commit.run, row?.deadLetters ?? [])
    for (const violation of violations(state)) this.complain(`${commit.run}: ${violation}`)
    if (this.#store.dispatchRows) this.#dispatches(seen, row)
  }

  #first(run: string, [created]: ReadonlyArray<Event>): Seen {
    const plan = created?.type === "RunCreated" ? this.#planOf(created.flow.hash) : undefined
    if (plan === undefined) throw new Error(`${run} begins with no flow that is known`)
    const state = RunState.empty(plan)
    const seen: Seen = {
      run,
      state,
      hash: new Uint8Array(),
      counted: new Set(),
      decided: new Set(),
      spent: { told: 0, over: 0 },
      losses: new Map(),
      journal: []
    }
    this.runs.set(run, seen)
    return seen
  }

  /** A run that is made from one with patches has a flow of its own. */
  #planOf(hash: string): Plan | undefined {
    const text = [...this.#store.documents].find(([key]) => key.endsWith(hash))?.[1]
    return this.plans.get(hash) ??
      (text === undefined ? undefined : Result.getOrThrow(Compile.compile(JSON.parse(text))))
  }

  #event(seen: Seen, event: Event): void {
    const { run, state } = seen
    seen.journal.push(`${state.seq + 1} ${JSON.stringify(event)}`)
    if (event.type === "StepsDispatched" && state.closing !== undefined && state.closing.cause !== "failure") {
      this.complain(`${run}: K11: offers after ${state.closing.cause}`)
    }
    if (event.type === "StepsDispatched" && state.paused) this.complain(`${run}: offers while it is paused`)
    if (event.type === "StepSucceeded" || event.type === "StepFailed" || event.type === "StepRetryScheduled") {
      const key = `${event.path}#${event.attempt}`
      if (event.attempt > 0 && seen.counted.has(key)) this.complain(`${run}: K3: ${key} counts twice`)
      seen.counted.add(key)
      if (event.type !== "StepSucceeded" && machineErrors.has(event.error.code)) seen.losses.set(key, event.error)
    }
    if (event.type === "StepWaiting" && event.wait.kind === "operator" && machineErrors.has(event.wait.error.code)) {
      seen.losses.set(`${event.path}#${event.attempt}`, { ...event.wait.error, kind: "internal" })
    }
    if (event.type === "RunClosing" && event.cause !== "failure") this.#isTold(run)
    this.#isOnce(seen, event)
    this.#add(seen, event)
    this.#models.seen(run, event, state)
    this.places.seen(run, event, state)
    evolve(state, event)
    if (state.sealed !== undefined) this.complain(`${run}: ${state.sealed}`)
  }

  #add({ spent }: Seen, event: Event): void {
    if ("usage" in event && event.type !== "UsageLate") spent.told += event.usage?.costUsd ?? 0
    if (event.type === "OverrunRecorded") spent.over += (event.over.nanoUsd ?? 0) / 1e9
  }

  /** What was told to be used stays within what may be, but for what is recorded as too much (K7), added up without the ledger. */
  #isPaid({ run, spent, state }: Seen): void {
    const budget = state.ledger?.budget.nanoUsd
    if (budget !== undefined && spent.told > budget / 1e9 + spent.over + 1e-6) {
      this.complain(`${run}: K7: ${spent.told} USD are spent of ${budget / 1e9}, ${spent.over} too much`)
    }
  }

  /** What counts once whoever says it how often: a decision about an approval, a revision of the plan, a run's end (K3, K4, K6). */
  #isOnce({ decided, run, state }: Seen, event: Event): void {
    if (event.type === "ApprovalDecided") {
      if (decided.has(event.id)) this.complain(`${run}: K3: ${event.id} is decided twice`)
      decided.add(event.id)
    }
    if (event.type === "PlanPatched" && event.revision !== state.plan.revision + 1) {
      this.complain(`${run}: K6: revision ${event.revision} follows ${state.plan.revision}`)
    }
    if (event.type === "RunCreated" && state.seq > 0) this.complain(`${run}: it is created twice`)
    if (event.type !== "RunFinished") return
    for (const child of this.runs.values()) {
      if (child.state.parent?.run === run && child.state.finished === undefined) {
        this.complain(`${run}: K4: it ends before ${child.run}, which it has started`)
      }
    }
  }

  /** What runs when its run is cancelled must have been told to stop soon after, if its process still can (K11). */
  #isTold(run: string): void {
    const at = this.time.now
    for (const [key, begin] of this.#begins) {
      if (!key.startsWith(`${run} `) || !begin.running || begin.frozenUntil() > at) continue
      this.time.at(at + cancelSlackMs, watchman, () => {
        const row = [...this.#store.runs.values()].find((row) => row.run === run)
        const able = begin.alive() && begin.frozenUntil() <= at && row?.owner === begin.session
        if (able && begin.running) this.complain(`K11: ${key} goes on after the cancel`)
      })
    }
  }

  /** In a shared store the rows of offered work are exactly what the journal says is offered. */
  #dispatches({ run, state }: Seen, row: MemoryState.MemoryRun | undefined): void {
    const rows = [...row?.dispatches.keys() ?? []].sort()
    const offers = Outstanding.outstanding(state).offers.map((offer) => `${offer.path}#${offer.attempt}`).sort()
    if (rows.join() !== offers.join()) this.complain(`${run}: the rows are ${rows.join()}, offered is ${offers.join()}`)
  }

  isOwner(run: string, session: string): boolean {
    return MemoryState.findRun(this.#store, tenantOf, run)?.owner === session
  }

  /** Whether the attempt is offered, as far as anybody can know, and its run is this session's. */
  isOffered(run: string, path: string, attempt: number, session: string): boolean {
    const seen = this.runs.get(run)
    if (seen === undefined || !this.isOwner(run, session)) return false
    return Outstanding.offered(seen.state).some((offer) => offer.path === path && offer.attempt === attempt)
  }

  /** An attempt begins to do something. */
  begins(run: string, path: string, attempt: number, begin: Begin): void {
    const key = `${run} ${path}#${attempt}`
    const before = this.#begins.get(key)
    // An answer to a run that somebody else has taken over meanwhile is lost, and what it answers is done again.
    const epoch = MemoryState.findRun(this.#store, tenantOf, run)?.epoch
    const isSame = before?.process === begin.process && this.#epochs.get(key) === epoch
    if (before !== undefined && before.alive() && (before.running || isSame)) {
      this.complain(`${key} begins in ${begin.process} again, after ${before.process}`)
    }
    this.#begins.set(key, begin)
    this.#epochs.set(key, epoch)
    const seen = this.runs.get(run)
    if (seen === undefined) return this.complain(`${key} begins, but the run is not durable`)
    // A process that has lost its run in the meantime does not know it yet.
    const row = [...this.#store.runs.values()].find((row) => row.run === run)
    if (!begin.alive() || row?.owner !== begin.session) return
    const offered = Outstanding.offered(seen.state).some((offer) => offer.path === path && offer.attempt === attempt)
    if (!offered) this.complain(`${key} begins, but it is not offered`)
    this.#models.lineages.begins(run, path)
    const { closing } = seen.state
    if (closing !== undefined && closing.cause !== "failure" && this.time.now > closing.at + cancelSlackMs) {
      this.complain(`${key} begins after ${closing.cause}`)
    }
  }
}
