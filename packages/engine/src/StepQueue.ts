/**
 * Carries offers from the coordinator to workers, one queue per node type (`wf.tasks.{type}`).
 *
 * Promise: none that matters. An offer may be lost, repeated, delayed or reordered; the truth is the journal and, in shared
 * stores, the dispatch row that a claim updates. The sweeper offers again whatever should be here and is not.
 */
import type * as Array from "effect/Array"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

export interface Offer {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  readonly type: string
  /** When it was handed out, in milliseconds since 1970; absent where nobody wants to know. */
  readonly at?: number
}

export class StepQueue extends Context.Service<StepQueue, {
  readonly offer: (offers: ReadonlyArray<Offer>) => Effect.Effect<void>
  /** Up to `max` offers of one type; waits until there is at least one. Tenants take turns. */
  readonly take: (type: string, max: number) => Effect.Effect<Array.NonEmptyReadonlyArray<Offer>>
  /** How many offers of a type are here: a fact for `explain`, not a promise. */
  readonly size: (type: string) => Effect.Effect<number>
}>()("baton/engine/StepQueue") {}
