/** Dead letters: one for each attempt behind which nothing goes on by itself, and each reprocessed as one run at most. */
import type { StoredLetter } from "@baton/engine/DeadLetter"
import type { Event } from "@baton/kernel/Event"
import type { Surroundings } from "./Models.ts"

/** By attempt: whether somebody has seen to the step within its own run, and how. */
type Fate = "open" | "reprocessed" | "discarded"

export class LetterModel {
  readonly #around: Surroundings
  /** By run, then by `path#attempt`. */
  readonly #letters = new Map<string, Map<string, Fate>>()
  /** The run that was made of each letter. */
  readonly #made = new Map<string, string>()
  /** Letters whose runs are being made, by the id of the run. */
  readonly #promised = new Map<string, string>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  #of(run: string): Map<string, Fate> {
    const known = this.#letters.get(run) ?? new Map<string, Fate>()
    this.#letters.set(run, known)
    return known
  }

  seen(run: string, event: Event): void {
    if (event.type === "RunCreated" && event.lineage !== undefined) this.#maker(run)
    if (event.type === "StepReopened") this.#settle(run, event.path, "reprocessed")
    if ((event.type === "StepSucceeded" || event.type === "StepFailed") && event.by !== undefined) {
      this.#settle(run, event.path, "discarded")
    } else if (event.type === "StepFailed" && event.attempt > 0) {
      if (event.handled === "none" || event.error.kind === "poison") this.#open(run, event.path, event.attempt)
    }
    if (event.type === "StepWaiting" && event.wait.kind === "operator" && event.attempt > 0) {
      this.#open(run, event.path, event.attempt)
    }
  }

  #open(run: string, path: string, attempt: number): void {
    this.#around.sometimes("letter: opened")
    this.#of(run).set(`${path}#${attempt}`, "open")
  }

  #settle(run: string, path: string, fate: Fate): void {
    const letters = this.#of(run)
    for (const [key, before] of letters) {
      if (before === "open" && key.startsWith(`${path}#`)) letters.set(key, fate)
    }
  }

  /** Somebody reprocesses a letter of a run that is over, as `into`. */
  promised(letter: string, into: string): void {
    this.#promised.set(into, letter)
  }

  #maker(run: string): void {
    const letter = this.#promised.get(run)
    if (this.#around.world(run) === undefined) this.#around.complain(`letters: ${run} is made, and promised to nobody`)
    if (letter === undefined) return
    this.#around.sometimes("letter: reprocessed as another run")
    const before = this.#made.get(letter)
    if (before !== undefined && before !== run) {
      this.#around.complain(`letters: ${letter} is reprocessed as ${before} and as ${run}`)
    }
    this.#made.set(letter, run)
  }

  /** The store's letters of a run, after each of its records. */
  check(run: string, stored: ReadonlyArray<StoredLetter>): void {
    const letters = this.#of(run)
    const found = new Set<string>()
    for (const { attempt, into, path, state } of stored) {
      const key = `${path}#${attempt}`
      const fate = letters.get(key)
      if (fate === undefined) this.#around.complain(`${run}: letters: ${key} is no reason for one`)
      if (found.has(key)) this.#around.complain(`${run}: letters: ${key} has two`)
      // Behind the end of its run a letter is settled by itself.
      if (fate !== "open" && fate !== state && into === undefined) {
        this.#around.complain(`${run}: letters: ${key} is ${state}, not ${fate}`)
      }
      found.add(key)
    }
    for (const key of letters.keys()) {
      if (!found.has(key)) this.#around.complain(`${run}: letters: ${key} has none`)
    }
  }
}
