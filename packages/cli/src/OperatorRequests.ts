/** What operators ask for on the command line. */
import type { Waiting } from "./Invocation.ts"

export interface RunsRetry extends Waiting {
  readonly _tag: "RunsRetry"
  readonly run: string
  readonly step: string | undefined
  /** Milliseconds. */
  readonly delay: number | undefined
  /** JSON text. */
  readonly modify: string | undefined
  readonly note: string | undefined
  readonly as: string | undefined
  readonly allowIrreversible: boolean
  readonly handlers: string | undefined
  readonly detach: boolean
}

export interface RunsSkip {
  readonly _tag: "RunsSkip"
  readonly run: string
  readonly step: string
  /** JSON text. */
  readonly output: string | undefined
  readonly note: string | undefined
  readonly as: string | undefined
}

export interface RunsAbort {
  readonly _tag: "RunsAbort"
  readonly run: string
  readonly step: string
  readonly note: string | undefined
  readonly as: string | undefined
}

export interface RunsFork extends Waiting {
  readonly _tag: "RunsFork"
  readonly run: string
  readonly at: number | undefined
  /** `k=v` texts, in order. */
  readonly set: ReadonlyArray<string>
  readonly input: string | undefined
  readonly flow: string | undefined
  readonly patch: string | undefined
  readonly allowUnknownPrice: boolean
  readonly note: string | undefined
  readonly as: string | undefined
  readonly allowIrreversible: boolean
  readonly handlers: string | undefined
  readonly detach: boolean
}

export interface RunsDiff {
  readonly _tag: "RunsDiff"
  readonly a: string
  readonly b: string
}

export interface LettersList {
  readonly _tag: "LettersList"
  readonly state: "open" | "reprocessed" | "discarded" | "all"
  readonly run: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

export interface LettersShow {
  readonly _tag: "LettersShow"
  readonly id: string
}

export interface LettersReprocess extends Waiting {
  readonly _tag: "LettersReprocess"
  readonly id: string
  /** JSON text. */
  readonly modify: string | undefined
  readonly note: string | undefined
  readonly as: string | undefined
  readonly allowIrreversible: boolean
  readonly handlers: string | undefined
  readonly detach: boolean
}

export interface LettersDiscard {
  readonly _tag: "LettersDiscard"
  readonly id: string
  readonly note: string | undefined
  readonly as: string | undefined
}
