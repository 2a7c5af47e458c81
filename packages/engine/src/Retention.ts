/**
 * Lets finished runs go when they are old, tenant after tenant, and keys of requests that are no longer kept.
 *
 * Promise. Small steps with a pause between them, so that no commit waits for long; what was interrupted goes on at the
 * next look. What runs have used stays, and so does a run that another one still needs (`RunStore.aged`).
 */
import * as Array from "effect/Array"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { BlobStoreError } from "./BlobStore.ts"
import { BlobStore } from "./BlobStore.ts"
import { IdempotencyStore } from "./IdempotencyStore.ts"
import type { RunStoreError } from "./RunStore.ts"
import { RunStore } from "./RunStore.ts"

/** How long finished runs are kept where nobody says otherwise. */
export const keepDefault = Duration.days(30)
/** How long what no run names is kept: somebody may be about to name it (SEMANTICS 8.15). */
export const unnamedKept = Duration.hours(24)

export class RetentionPace extends Context.Reference<{
  /** From one look at the store to the next. */
  readonly every: Duration.Duration
  /** Rows given back in one transaction. */
  readonly rowsMax: number
  /** Runs that a tenant gives up before the next one has its turn. */
  readonly runsMax: number
  /** Runs removed in one transaction; their rows go later. */
  readonly togetherMax: number
  /** Between two transactions. */
  readonly pause: Duration.Duration
}>("baton/engine/RetentionPace", {
  defaultValue: () => ({
    every: Duration.minutes(1),
    rowsMax: 256,
    runsMax: 100,
    togetherMax: 20,
    pause: Duration.millis(5)
  })
}) {}

/** Gives back the space of everything that was removed. */
export const purgeAll: Effect.Effect<void, RunStoreError, RunStore> = Effect.gen(function*() {
  const store = yield* RunStore
  const { pause, rowsMax } = yield* RetentionPace
  while (yield* store.purge(rowsMax)) yield* Effect.sleep(pause)
})

const removeAll = Effect.fnUntraced(function*(tenant: string, runs: ReadonlyArray<string>) {
  const store = yield* RunStore
  const { pause, togetherMax } = yield* RetentionPace
  let removed = 0
  for (const some of Array.chunksOf(runs, togetherMax)) {
    removed += yield* store.removeAll(tenant, some)
    yield* Effect.sleep(pause)
  }
  return removed
})

/** Everything that ended before; how many runs went, those that others had started not counted. */
export const sweep: (
  before: number
) => Effect.Effect<number, RunStoreError | BlobStoreError, RunStore | BlobStore> = Effect.fnUntraced(function*(before) {
  const store = yield* RunStore
  const { runsMax } = yield* RetentionPace
  let removed = 0
  const turns = (yield* store.tenants).map((tenant) => ({ tenant, after: 0 }))
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    const { next, runs } = yield* store.aged({ ...turn, before, limit: runsMax })
    removed += yield* removeAll(turn.tenant, runs)
    yield* purgeAll
    if (next !== undefined) turns.push({ ...turn, after: next })
  }
  // A process may have died between a removal and its last purge.
  yield* purgeAll
  if (removed > 0) {
    const now = yield* Clock.currentTimeMillis
    yield* Effect.flatMap(BlobStore, (blobs) => blobs.collect(now - Duration.toMillis(unnamedKept)))
  }
  return removed
})

/** Keys of requests that came too long ago. */
export const sweepKeys: Effect.Effect<void, RunStoreError, IdempotencyStore> = Effect.gen(function*() {
  const keys = yield* IdempotencyStore
  const { pause, rowsMax } = yield* RetentionPace
  const now = yield* Clock.currentTimeMillis
  while (yield* keys.sweep(now, rowsMax)) yield* Effect.sleep(pause)
})

/** Whatever fails is told, and the next look tries again. */
const told = <E extends { readonly reason: string }, R>(
  what: string,
  effect: Effect.Effect<void, E, R>
): Effect.Effect<void, never, R> =>
  effect.pipe(
    Effect.catch((error) => Effect.logWarning(`${what} could not be removed`, { reason: error.reason })),
    Effect.catchDefect((defect) =>
      Effect.logError(`Removing ${what.toLowerCase()} broke`, { reason: defect instanceof Error ? defect.message : "" })
    )
  )

const aged = Effect.fnUntraced(function*(keep: Duration.Duration) {
  const now = yield* Clock.currentTimeMillis
  const removed = yield* sweep(now - Duration.toMillis(keep))
  if (removed > 0) yield* Effect.logInfo("Old runs were removed", { runs: removed })
})

/**
 * Looks now and then, for as long as the scope is open. Several processes may do so side by side. Without a time to keep
 * them, finished runs stay for ever.
 */
export const start = (
  keep: Duration.Duration | undefined
): Effect.Effect<void, never, RunStore | BlobStore | IdempotencyStore | Scope.Scope> =>
  Effect.gen(function*() {
    const { every } = yield* RetentionPace
    const runs = keep === undefined ? Effect.void : told("Old runs", aged(keep))
    yield* Effect.andThen(runs, told("Old keys", sweepKeys)).pipe(
      Effect.andThen(Effect.sleep(every)),
      Effect.forever,
      Effect.forkScoped
    )
  })

/** Runs counted among those that are due; more are not looked for. */
const countedMax = 100_000

/** How many runs of the tenant have been kept for long enough. */
export const due = Effect.fnUntraced(function*(tenant: string, before: number) {
  const store = yield* RunStore
  let count = 0
  for (let after: number | undefined = 0; after !== undefined && count < countedMax;) {
    const { next, runs }: { readonly next?: number; readonly runs: ReadonlyArray<string> } = yield* store.aged({
      tenant,
      before,
      after,
      limit: 1_000
    })
    count += runs.length
    after = next
  }
  return count
})
