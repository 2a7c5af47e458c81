/**
 * Who wants to know that a run has moved. A wakeup is a hint: losing one costs latency, never an event, because readers
 * fetch what they lack from the journal by sequence. Live events (tokens, progress) pass through here only and may be lost.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

export type Wakeup =
  | {
    readonly kind: "moved"
    readonly tenant: string
    readonly run: string
    readonly head: number
    readonly ended: boolean
  }
  | {
    readonly kind: "live"
    readonly tenant: string
    readonly run: string
    readonly path: string
    readonly type: string
    readonly data: unknown
  }

export class EventFeed extends Context.Service<EventFeed, {
  readonly publish: (wakeups: ReadonlyArray<Wakeup>) => Effect.Effect<void>
  /** Wakeups of one run (or all, without an id) from now on; a slow reader loses hints, never the newest head. */
  readonly subscribe: (
    tenant: string,
    run: string | undefined
  ) => Effect.Effect<Stream.Stream<Wakeup>, never, Scope.Scope>
}>()("baton/engine/EventFeed") {}
