/**
 * One thread of virtual time for several processes: which task runs next is chance, time passes only when nothing is left
 * to do, and a process that has died or is frozen runs none of its tasks. Everything follows from the seed.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import type { Chance } from "../../packages/kernel/test/random/Chance.ts"

export const epoch = 1_700_000_000_000

/** Whose task it is. */
export interface Owner {
  dead: boolean
  /** Runs nothing before this time. */
  frozenUntil: number
}

interface Task {
  readonly owner: Owner
  readonly run: () => void
}

interface Alarm extends Task {
  readonly due: number
  readonly order: number
  cancelled: boolean
}

/** Share of operations after which a fiber gives way although it need not. */
const preemption = 0.002
/** Operations after which a fiber gives way in any case. */
const operationsMax = 2048

export class VirtualTime {
  now = epoch
  /** Tasks run so far. */
  steps = 0
  readonly chance: Chance
  #tasks: Array<Task> = []
  #alarms: Array<Alarm> = []
  #order = 0

  constructor(chance: Chance) {
    this.chance = chance
  }

  enqueue(owner: Owner, run: () => void): void {
    if (!owner.dead) this.#tasks.push({ owner, run })
  }

  /** Runs the task at `due`; the answer takes it back. */
  at(due: number, owner: Owner, run: () => void): () => void {
    const alarm: Alarm = { due, order: this.#order++, owner, run, cancelled: false }
    this.#push(alarm)
    return () => {
      alarm.cancelled = true
    }
  }

  /** Runs until `done`, or until nothing can happen any more; false when it did not get done in time. */
  run(done: () => boolean, until: number, stepsMax: number): boolean {
    while (!done()) {
      if (this.now > until || this.steps > stepsMax) return false
      if (this.#tasks.length === 0 && !this.#pass()) return false
      this.#step()
    }
    return true
  }

  #step(): void {
    const tasks = this.#tasks
    if (tasks.length === 0) return
    // Mostly in order, as a real queue; now and then anything.
    const at = this.chance.is(0.7) ? 0 : this.chance.int(0, tasks.length - 1)
    const [task] = tasks.splice(at, 1)
    if (task === undefined || task.owner.dead) return
    if (task.owner.frozenUntil > this.now) {
      this.at(task.owner.frozenUntil, task.owner, task.run)
      return
    }
    this.steps++
    task.run()
  }

  /** The time passes to the next alarm. */
  #pass(): boolean {
    for (let alarm = this.#pop(); alarm !== undefined; alarm = this.#pop()) {
      if (alarm.cancelled || alarm.owner.dead) continue
      this.now = Math.max(this.now, alarm.due)
      this.#tasks.push(alarm)
      return true
    }
    return false
  }

  #push(alarm: Alarm): void {
    const heap = this.#alarms
    let at = heap.push(alarm) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || before(above, alarm)) break
      heap[at] = above
      at = parent
    }
    heap[at] = alarm
  }

  #pop(): Alarm | undefined {
    const heap = this.#alarms
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      const child = left !== undefined && right !== undefined && before(right, left) ? 2 * at + 2 : 2 * at + 1
      const below = heap[child]
      if (below === undefined || before(last, below)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return first
  }
}

const before = (one: Alarm, other: Alarm): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order)

export class VirtualScheduler implements Scheduler.Scheduler {
  readonly executionMode = "async"
  readonly #time: VirtualTime
  readonly #owner: Owner

  constructor(time: VirtualTime, owner: Owner) {
    this.#time = time
    this.#owner = owner
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return fiber.currentOpCount >= operationsMax || this.#time.chance.is(preemption)
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return {
      scheduleTask: (task) => this.#time.enqueue(this.#owner, task),
      flush: () => undefined
    }
  }
}

export const clockOf = (time: VirtualTime, owner: Owner): Clock.Clock => {
  const nanos = (): bigint => BigInt(time.now) * 1_000_000n
  return {
    currentTimeMillisUnsafe: () => time.now,
    currentTimeMillis: Effect.sync(() => time.now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.callback((resume) => {
        const millis = Duration.toMillis(duration)
        if (!Number.isFinite(millis)) return Effect.void
        const cancel = time.at(time.now + Math.ceil(millis), owner, () => resume(Effect.void))
        return Effect.sync(cancel)
      })
  }
}
