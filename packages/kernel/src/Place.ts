/**
 * The place of a run among the runs of its concurrency key. A run waits for it before its first step, and holds it until
 * it ends (docs/semantics.md 8.18). Who gets one is the store's to say: it sees the runs of all processes.
 */
import * as Schema from "effect/Schema"
import { WhenFull } from "./FlowConcurrency.ts"
import type { RunState } from "./RunState.ts"

/** What a run was created with: its key as it was evaluated then, and the limit of its version of the flow. */
export const PlaceTerms = Schema.Struct({ key: Schema.String, max: Schema.Int, whenFull: WhenFull })
export type PlaceTerms = typeof PlaceTerms.Type

export interface Place extends PlaceTerms {
  held: boolean
}

/** Asks for a place; whether one is free is checked when the answer is written. */
export const TakePlace = Schema.Struct({
  type: Schema.Literal("TakePlace"),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_000_000_000_000_000 }))
})
export type TakePlace = typeof TakePlace.Type

/** The run has its place and starts. */
export const PlaceTaken = Schema.Struct({
  type: Schema.Literal("PlaceTaken"),
  v: Schema.Literal(1),
  at: Schema.Int
})
export type PlaceTaken = typeof PlaceTaken.Type

/** Whether nothing of the run may start because it has no place yet. One that closes needs none any more. */
export const isQueued = ({ closing, finished, place }: RunState): boolean =>
  place !== undefined && !place.held && closing === undefined && finished === undefined
