/** Conversations: what is recorded is paid once and is never asked for or called again (SEMANTICS 8.11b, c). */
import type { Event } from "@baton/kernel/Event"
import { isDeepStrictEqual } from "node:util"
import type { Surroundings } from "./Models.ts"

/** The conversation of one step, as its events tell it. */
interface Talk {
  /** Turns that the next attempt begins with: how many tools each calls. */
  turns: Array<number>
  /** Turns ever recorded. */
  recorded: number
  /** Results by key. */
  readonly ended: Set<string>
  /** Calls that cannot be taken back, by key: how often they were made since somebody last let them be made. */
  readonly made: Map<string, number>
}

export class ConversationModel {
  readonly #around: Surroundings
  readonly #talks = new Map<string, Talk>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  #talk(run: string, path: string): Talk {
    const key = `${run} ${path}`
    const known = this.#talks.get(key) ?? { turns: [], recorded: 0, ended: new Set(), made: new Map() }
    this.#talks.set(key, known)
    return known
  }

  seen(run: string, event: Event): void {
    const { complain } = this.#around
    if (event.type === "TurnRecorded") {
      const talk = this.#talk(run, event.path)
      if (event.turn !== talk.recorded + 1) {
        complain(`${run}: turns: ${event.path} records turn ${event.turn} after ${talk.recorded}`)
      }
      talk.recorded++
      talk.turns.push(event.calls)
    } else if (event.type === "CallEnded") {
      const talk = this.#talk(run, event.path)
      if (talk.ended.has(event.key)) complain(`${run}: turns: a call of ${event.path} ends twice`)
      talk.ended.add(event.key)
    } else if (event.type === "StepRetryScheduled" && event.error.kind === "validation") this.#forget(run, event.path)
    else if (event.type === "StepReopened") {
      this.#forget(run, event.path)
      this.#talk(run, event.path).made.clear()
    } else if (event.type === "StepSucceeded" && /^talk[0-9M]/.test(event.path)) this.#ends(run, event)
  }

  /** The answer was of no use: the next attempt asks for another one, behind what called tools. */
  #forget(run: string, path: string): void {
    const talk = this.#talks.get(`${run} ${path}`)
    if (talk !== undefined) talk.turns = talk.turns.filter((calls) => calls > 0)
  }

  #ends(run: string, event: Extract<Event, { readonly type: "StepSucceeded" }>): void {
    const { complain, read } = this.#around
    if (event.by !== undefined || event.path === "talkM") return
    if (event.usage?.calls !== undefined) complain(`${run}: turns: ${event.path} tells again what its turns used`)
    const said = (read(event.output) as { readonly said?: ReadonlyArray<string> } | undefined)?.said
    const expected = said?.map((_, index) => `${run}/${event.path} ${index + 1}`)
    if (!isDeepStrictEqual(said, expected)) complain(`${run}: turns: ${event.path} said ${JSON.stringify(said)}`)
  }

  /** A model is asked for turn `number`, and paid. */
  pays(run: string, path: string, attempt: number, number: number): void {
    const talk = this.#talk(run, path)
    const behind = talk.turns.length
    if (attempt > 1 || behind > 0) this.#around.sometimes("turn: asked behind others that are recorded")
    if (number <= behind) this.#around.complain(`${run}: turns: ${path} pays turn ${number} of ${behind} again`)
    if (number > behind + 1) this.#around.complain(`${run}: turns: ${path} asks for turn ${number} behind ${behind}`)
  }

  /** A tool is called. */
  calls(run: string, path: string, key: string, isGrave: boolean): void {
    const talk = this.#talk(run, path)
    if (talk.ended.has(key)) this.#around.complain(`${run}: turns: ${path} makes a call again that has ended`)
    if (!isGrave) return
    const times = (talk.made.get(key) ?? 0) + 1
    talk.made.set(key, times)
    if (times > 1) this.#around.complain(`${run}: turns: ${path} makes an irreversible call ${times} times`)
  }
}
