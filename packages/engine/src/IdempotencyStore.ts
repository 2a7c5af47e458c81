/**
 * What requests with an idempotency key have made, per tenant.
 *
 * Promise. Of all that reserve a free key, one finds it new, and all are told the same `made`: whoever makes something
 * under that id makes it once, even where the first of them died on the way. A key is kept for {@link keptMs}.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { RunStoreError } from "./RunStore.ts"

/** How long a key is kept, in milliseconds. */
export const keptMs = 24 * 60 * 60 * 1000
/** Longest answer that is kept, in UTF-16 units; a longer one is made again from what was made. */
export const answerLengthMax = 256 * 1024

export interface Reservation {
  readonly key: string
  /** Of the whole request: the same key with another one is another request. */
  readonly fingerprint: string
  /** Id of what the request makes. */
  readonly made: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Reserved extends Reservation {
  /** What was answered, verbatim; absent: nothing yet. */
  readonly answer: string | undefined
  readonly isNew: boolean
}

export class IdempotencyStore extends Context.Service<IdempotencyStore, {
  /** Takes the key, durably, or tells who has it. */
  readonly reserve: (tenant: string, wanted: Reservation) => Effect.Effect<Reserved, RunStoreError>
  /** Keeps what was answered. */
  readonly settle: (tenant: string, reserved: Reservation, answer: string) => Effect.Effect<void, RunStoreError>
  /** Nothing was made: the key is free again, unless it has been answered. */
  readonly release: (tenant: string, reserved: Reservation) => Effect.Effect<void, RunStoreError>
  /** Takes away at most so many keys, of any tenant, that were reserved `keptMs` before `now`; whether more are left. */
  readonly sweep: (now: number, keysMax: number) => Effect.Effect<boolean, RunStoreError>
}>()("baton/engine/IdempotencyStore") {}
