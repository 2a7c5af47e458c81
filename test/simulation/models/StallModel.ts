/** Stalls: a run that claims to be running and has not moved for too long is flagged, or closed; no other is (SEMANTICS 8.12e). */
import type { Event } from "@baton/kernel/Event"
import type { Surroundings } from "./Models.ts"

/** How long nothing may happen in a run that says nothing about it while no worker has begun anything, in milliseconds. */
const usualMs = 300_000

interface Known {
  /** Of the event before. */
  lastAt: number
  events: number
  last: string
  /** Attempts that are offered, by path. */
  readonly offered: Set<string>
  stalls: number
  /** The run must close next. */
  mustClose: boolean
  /** It closes, which is no stall: what is under way may end. */
  closing: boolean
}

export class StallModel {
  readonly #around: Surroundings
  readonly #runs = new Map<string, Known>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  #known(run: string): Known {
    const known = this.#runs.get(run) ??
      { lastAt: 0, events: 0, last: "", offered: new Set(), stalls: 0, mustClose: false, closing: false }
    this.#runs.set(run, known)
    return known
  }

  /** Events of the run so far. */
  events(run: string): number {
    return this.#known(run).events
  }

  seen(run: string, event: Event): void {
    const known = this.#known(run)
    if (known.mustClose && !(event.type === "RunClosing" && event.code === "RUN_STALLED")) {
      this.#around.complain(`${run}: stalls: its policy is to fail, and ${event.type} follows the stall`)
    }
    known.mustClose = false
    if (event.type === "RunClosing") known.closing = true
    if (event.type === "RunStalled") this.#stalled(run, known, event)
    if (event.type === "RunFinished" && event.status === "succeeded" && known.stalls > 0) {
      this.#around.complain(`${run}: stalls: it has stalled and ends without a warning`)
    }
    this.#offers(known.offered, event)
    known.events++
    known.lastAt = event.at
    known.last = event.type
  }

  #stalled(run: string, known: Known, event: Extract<Event, { readonly type: "RunStalled" }>): void {
    const { complain, sometimes, world } = this.#around
    const rich = world(run)?.rich
    const policy = rich?.stallMs === undefined ? "flag" : rich.stallPolicy
    const least = rich?.stallMs ?? usualMs
    sometimes(`stall: ${policy}`)
    known.stalls++
    known.mustClose = policy === "fail"
    if (known.last === "RunStalled") complain(`${run}: stalls: it is said twice`)
    if (event.at - known.lastAt < least) complain(`${run}: stalls: it has moved ${event.at - known.lastAt} ms ago`)
    if (event.policy !== policy) complain(`${run}: stalls: the policy is ${policy}, not ${event.policy}`)
    if (event.offered !== known.offered.size) {
      complain(`${run}: stalls: ${event.offered} attempts are said to be offered, not ${known.offered.size}`)
    }
  }

  #offers(offered: Set<string>, event: Event): void {
    switch (event.type) {
      case "StepsDispatched":
        for (const [path] of event.steps) offered.add(path)
        return
      case "StepSucceeded":
      case "StepFailed":
      case "StepRetryScheduled":
      case "StepWaiting":
        offered.delete(event.path)
        return
      case "StepsCancelled":
        for (const path of event.paths) offered.delete(path)
        return
      case "StepsUnfunded":
        for (const { path } of event.steps) offered.delete(path)
    }
  }

  /** Nothing has happened since the run had `events`, for much longer than its limit, and its owner was awake all the while. */
  mustHaveStalled(run: string, events: number): void {
    const known = this.#known(run)
    if (known.events === events && known.last !== "RunStalled" && !known.closing) {
      this.#around.complain(`${run}: stalls: nothing has happened for too long, and nobody says so`)
    }
  }
}
