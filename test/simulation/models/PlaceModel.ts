/**
 * Places of concurrency keys, counted from the journals alone: never more runs hold one than may, and they get it in order
 * of creation. That each of those that wait has its turn is told by its end.
 */
import * as MemoryState from "@baton/engine/MemoryState"
import type { Event } from "@baton/kernel/Event"
import type { RunState } from "@baton/kernel/RunState"

/** From the moment in which a run can start to a look that takes it into account, in milliseconds. */
const slackMs = 10_000
const tenant = "default"

interface Run {
  readonly run: string
  readonly group: string
  readonly max: number
  /** Since when it could start: created, taken over or resumed last. */
  able: number
  /** Of its owner, as its journal says; the one that created it has 1. */
  epoch: number
  paused: boolean
  state: "waiting" | "held" | "over"
}

export class PlaceModel {
  readonly #runs = new Map<string, Run>()
  readonly #store: typeof MemoryState.MemoryState.Service
  readonly #now: () => number
  readonly #complain: (message: string) => void
  /** Runs that had to wait. */
  waited = 0

  constructor(
    store: typeof MemoryState.MemoryState.Service,
    now: () => number,
    complain: (message: string) => void
  ) {
    this.#store = store
    this.#now = now
    this.#complain = complain
  }

  /** Each event of a run, before it is folded. */
  seen(run: string, event: Event, state: RunState): void {
    if (event.type === "RunCreated" && event.concurrency !== undefined) {
      const { key, max } = event.concurrency
      const group = `${event.flow.name} ${key}`
      this.#runs.set(run, { run, group, max, able: this.#now(), epoch: 1, paused: false, state: "waiting" })
    }
    const own = this.#runs.get(run)
    if (own === undefined) return
    if (event.type === "RunFinished" || event.type === "RunClosing") this.#ends(own, event)
    if (event.type === "RunAdopted" || event.type === "RunResumed") own.able = this.#now()
    if (event.type === "RunAdopted") own.epoch = event.epoch
    if (event.type === "RunPaused") own.paused = true
    if (event.type === "RunResumed") own.paused = event.parent === true ? state.pausedHere : state.pausedAbove
    if (event.type === "PlaceTaken") this.#takes(own)
    if (event.type === "StepsDispatched" && own.state === "waiting") this.#complain(`${run} starts without a place`)
  }

  #ends(own: Run, event: Event): void {
    if (event.type === "RunFinished" || own.state === "waiting") own.state = "over"
  }

  #takes(own: Run): void {
    if (own.state !== "waiting") this.#complain(`${own.run} takes a place twice`)
    own.state = "held"
    const group = [...this.#runs.values()].filter(({ group }) => group === own.group)
    const held = group.filter(({ state }) => state === "held")
    if (held.length > own.max) {
      this.#complain(`${held.map(({ run }) => run).join(", ")} hold places, ${own.max} may`)
    }
    const before = group.slice(0, group.indexOf(own))
    const older = before.filter((other) => other.state === "waiting" && !other.paused && this.#isAble(other))
    // A place that is free is kept for each of them; where there is one more, nobody is overtaken.
    if (held.length + older.length > own.max) {
      this.#complain(`${own.run} starts before ${older.map(({ run }) => run).join(", ")}, created first`)
    }
    if (this.#now() - own.able > slackMs) this.waited++
  }

  #isAble({ able, epoch, run }: Run): boolean {
    const row = MemoryState.findRun(this.#store, tenant, run)
    // One that has an owner already, and whose journal does not say so yet, is being taken over right now.
    if (row?.owner === undefined || row.epoch !== epoch) return false
    return MemoryState.isAlive(this.#store, row.owner, this.#now()) && this.#now() - able > slackMs
  }
}
