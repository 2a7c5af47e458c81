/** Which timers a record sets and clears, and which timer of all runs is next. */
import type { Event } from "@baton/kernel/Event"
import { locate } from "@baton/kernel/EvolveStep"
import type { Timer } from "@baton/kernel/Outstanding"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { Plan, PlanNode } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import * as Latch from "effect/Latch"
import type { RunSlot } from "./RunSlot.ts"
import { timerKey } from "./RunSlot.ts"
import type { Commit } from "./RunStore.ts"

type TimerChange = NonNullable<Commit["timers"]>

/** Events after which all timers of a run are looked at again: they touch many steps, or the run as a whole. */
const sweeping = new Set<Event["type"]>([
  "RunCreated",
  "RunClosing",
  "RunFinished",
  "MapStopped",
  "StepsCancelled",
  "PatchProposed",
  "PlanPatched",
  "PatchRejected"
])

const stepTimer = (state: RunState, path: string): Timer | undefined => {
  const address = locate(state, path)
  if (address === undefined) return undefined
  if (address.index === undefined) return Outstanding.nodeTimer(state, address.node.index)
  const table = state.maps.get(address.node.index)
  return table === undefined ? undefined : Outstanding.itemTimer(address.node, table, address.index)
}

const kinds = ["retry", "wait", "timeout"] as const

const touched = (event: Event): ReadonlyArray<string> => {
  switch (event.type) {
    case "StepSucceeded":
    case "StepFailed":
    case "StepRetryScheduled":
    case "StepWaiting":
    case "StepReopened":
    case "ChildStopping":
      return [event.path]
    case "StepsReady":
      return event.paths
    default:
      return []
  }
}

class Diff {
  readonly set: Array<Timer> = []
  readonly clear: Array<{ path: string; kind: string }> = []
  readonly #slot: RunSlot

  constructor(slot: RunSlot) {
    this.#slot = slot
  }

  want(timer: Timer): void {
    const key = timerKey(timer)
    const before = this.#slot.timers.get(key)
    if (before !== undefined && before.due === timer.due && before.n === timer.n) return
    this.#slot.timers.set(key, timer)
    this.set.push(timer)
  }

  drop(key: string): void {
    const before = this.#slot.timers.get(key)
    if (before === undefined) return
    this.#slot.timers.delete(key)
    this.clear.push({ path: before.path, kind: before.kind })
  }
}

const rated = new WeakMap<Plan, ReadonlyArray<PlanNode>>()

/** Maps with a rate: looked for once per plan, not once per record. */
const ratedNodes = (plan: Plan): ReadonlyArray<PlanNode> => {
  const known = rated.get(plan)
  if (known !== undefined) return known
  const found = plan.nodes.filter((node) => node.each?.rate !== undefined)
  rated.set(plan, found)
  return found
}

/** Brings the slot's timers up to its state after `events`, and tells what the record must change in the store. */
export const update = (slot: RunSlot, state: RunState, events: ReadonlyArray<Event>): TimerChange | undefined => {
  const diff = new Diff(slot)
  if (events.some((event) => sweeping.has(event.type))) {
    const wanted = Outstanding.timers(state)
    const keep = new Set(wanted.map(timerKey))
    for (const key of [...slot.timers.keys()]) if (!keep.has(key)) diff.drop(key)
    for (const timer of wanted) diff.want(timer)
  } else {
    for (const event of events) {
      for (const path of touched(event)) {
        const timer = stepTimer(state, path)
        if (slot.timers.size > 0) {
          for (const kind of kinds) if (timer?.kind !== kind) diff.drop(timerKey({ kind, path }))
        }
        if (timer !== undefined) diff.want(timer)
      }
    }
  }
  for (const node of ratedNodes(state.plan)) {
    const timer = Outstanding.rateTimer(state, node.index)
    if (timer === undefined) diff.drop(timerKey({ kind: "rate", path: node.id }))
    else diff.want(timer)
  }
  return diff.set.length === 0 && diff.clear.length === 0 ? undefined : { set: diff.set, clear: diff.clear }
}

export interface Alarm {
  readonly due: number
  readonly slot: RunSlot
  readonly timer: Timer
}

/** Alarms held before those of ended runs are thrown out. */
const alarmsBeforeSweep = 4096

/** A binary heap by due time. An alarm that its slot no longer holds is stale and skipped. */
export class AlarmClock {
  #heap: Array<Alarm> = []
  #sweepAt = alarmsBeforeSweep
  /** Opens for a moment when an alarm is added that is due before all others. */
  readonly earlier = Latch.makeUnsafe(false)

  add(alarm: Alarm): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep()
    const heap = this.#heap
    const first = heap[0] === undefined || alarm.due < heap[0].due
    let at = heap.push(alarm) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.due <= alarm.due) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = alarm
    // Whoever waits looks at once, inside this call: the alarm has to be in its place.
    if (first) {
      this.earlier.openUnsafe()
      this.earlier.closeUnsafe()
    }
  }

  get nextDue(): number | undefined {
    this.#dropStale()
    return this.#heap[0]?.due
  }

  /** Every alarm due at `now`, earliest first, at most `limit`. */
  take(now: number, limit: number): ReadonlyArray<Alarm> {
    const due: Array<Alarm> = []
    while (due.length < limit) {
      this.#dropStale()
      const first = this.#heap[0]
      if (first === undefined || first.due > now) break
      due.push(this.#pop()!)
    }
    return due
  }

  /** A run that ends leaves its deadline behind; without this they would stay until they are due. A sorted list is a heap. */
  #sweep(): void {
    this.#heap = this.#heap.filter((alarm) => !this.#isStale(alarm)).sort((a, b) => a.due - b.due)
    this.#sweepAt = Math.max(alarmsBeforeSweep, this.#heap.length * 2)
  }

  #isStale(alarm: Alarm): boolean {
    return alarm.slot.timers.get(timerKey(alarm.timer)) !== alarm.timer
  }

  #dropStale(): void {
    while (this.#heap.length > 0 && this.#isStale(this.#heap[0]!)) this.#pop()
  }

  #pop(): Alarm | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++
      if (heap[child]!.due >= last.due) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}
