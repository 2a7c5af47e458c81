/**
 * Dead letters: attempts after which nothing went on by itself. A step failed and nothing took the failure, workers were
 * lost over it again and again, or it waits for an operator. Each is open until somebody has it reprocessed or discards it.
 */

export interface DeadLetter {
  readonly path: string
  readonly attempt: number
  readonly code: string
  readonly message: string
  readonly at: number
}

export const letterStates = ["open", "reprocessed", "discarded"] as const
export type LetterState = (typeof letterStates)[number]

/** What became of it, and at whose hands; all absent while it is open. */
export interface LetterFate {
  readonly state: LetterState
  /** Milliseconds since 1970. */
  readonly settledAt: number | undefined
  readonly by: string | undefined
  readonly note: string | undefined
  /** The run that it was reprocessed as; absent where its own run tried the step again. */
  readonly into: string | undefined
}

export interface StoredLetter extends DeadLetter, LetterFate {
  /** Unique in the store, ascending. */
  readonly id: number
  readonly run: string
}

export interface LetterQuery {
  readonly tenant: string
  readonly id?: number
  readonly run?: string
  readonly state?: LetterState
  /** Newest first; a page starts after this letter. */
  readonly after?: number
  readonly limit: number
}

/** What a record does to the open letters of a step: the operator acted on the step itself. */
export interface LetterEnd {
  readonly path: string
  readonly state: "reprocessed" | "discarded"
  readonly by: string | undefined
  readonly note: string | undefined
}

/** What a letter must be for another fate to be given to it. */
export type LetterExpectation = Pick<LetterFate, "state" | "into">

export const openFate: LetterFate = {
  state: "open",
  settledAt: undefined,
  by: undefined,
  note: undefined,
  into: undefined
}
