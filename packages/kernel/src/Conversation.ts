/**
 * What a run knows of the conversations of its agent steps while they are open: the turns that a resumed one begins with,
 * and the calls that were announced or have ended. A step that settles keeps its usage and nothing else of this.
 */
import type { Usage } from "./Usage.ts"
import * as Usages from "./Usage.ts"
import type { BlobRef, Value } from "./Value.ts"

export interface RecordedTurn {
  readonly turn: number
  readonly candidate: number
  readonly calls: number
  readonly ref: BlobRef
  readonly bytes: number
}

export interface RecordedCall {
  readonly ordinal: number
  readonly tool: string
  /** Absent while the call is open: an irreversible one that was announced, and whose outcome nobody has recorded. */
  readonly result?: Value
  readonly failed?: true
  /** It was announced before it was made: an irreversible one. */
  readonly announced?: true
}

export interface Conversation {
  /** The number of the last turn ever recorded for this step. */
  readonly last: number
  readonly turns: ReadonlyArray<RecordedTurn>
  /** By key. */
  readonly calls: ReadonlyMap<string, RecordedCall>
  /** Irreversible calls announced and not ended. */
  readonly open: number
  /** Of all turns ever recorded, also of those that a later attempt does not begin with. */
  readonly usage: Usage | undefined
}

/** Turns of one step, over all its attempts. */
export const turnsMax = 1000
/** Tool calls of one step that are remembered. */
export const callsMax = 1000

export const empty: Conversation = { last: 0, turns: [], calls: new Map(), open: 0, usage: undefined }

export const withTurn = (before: Conversation, turn: RecordedTurn, usage: Usage | undefined): Conversation => ({
  ...before,
  last: turn.turn,
  turns: [...before.turns, turn],
  usage: Usages.add(before.usage, usage)
})

export const withCall = (before: Conversation, key: string, call: RecordedCall): Conversation => {
  const known = before.calls.get(key)
  const wasOpen = known !== undefined && known.result === undefined
  const isOpen = call.result === undefined
  return {
    ...before,
    calls: new Map(before.calls).set(key, isOpen || known?.announced ? { ...call, announced: true } : call),
    open: before.open + (isOpen ? 1 : 0) - (wasOpen ? 1 : 0)
  }
}

/**
 * What the next attempt begins with when the answer itself was at fault: the turns that called tools, whose calls are not
 * made again, without the answers.
 */
export const withoutAnswers = (before: Conversation): Conversation => ({
  ...before,
  turns: before.turns.filter((turn) => turn.calls > 0)
})

/** An operator sends the step back: calls that nobody knows the outcome of may be made again, under the same key. */
export const reopened = (before: Conversation): Conversation => ({
  ...withoutAnswers(before),
  calls: new Map([...before.calls].filter(([, call]) => call.result !== undefined)),
  open: 0
})

/** Another generation is another conversation; what the one before used stays used. */
export const restarted = (before: Conversation): Conversation => ({ ...empty, last: before.last, usage: before.usage })

/** The irreversible tool whose call is open. */
export const openTool = (conversation: Conversation | undefined): string | undefined => {
  for (const { result, tool } of conversation?.calls.values() ?? []) if (result === undefined) return tool
  return undefined
}

/** By step path. A fork keeps its changes to itself, and costs nothing until it changes something. */
export class Conversations {
  readonly #base: Map<string, Conversation>
  /** What a fork has changed; `undefined` stands for what it has ended. */
  readonly #own: Map<string, Conversation | undefined> | undefined

  private constructor(base: Map<string, Conversation>, own: Map<string, Conversation | undefined> | undefined) {
    this.#base = base
    this.#own = own
  }

  static make(): Conversations {
    return new Conversations(new Map(), undefined)
  }

  fork(): Conversations {
    return new Conversations(this.#base, new Map())
  }

  get(path: string): Conversation | undefined {
    return this.#own?.has(path) === true ? this.#own.get(path) : this.#base.get(path)
  }

  set(path: string, conversation: Conversation): void {
    if (this.#own === undefined) this.#base.set(path, conversation)
    else this.#own.set(path, conversation)
  }

  end(path: string): void {
    if (this.#own === undefined) this.#base.delete(path)
    else this.#own.set(path, undefined)
  }

  paths(): ReadonlyArray<string> {
    return [...new Set([...this.#base.keys(), ...this.#own?.keys() ?? []])].filter((path) =>
      this.get(path) !== undefined
    )
  }
}
