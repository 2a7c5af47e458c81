/** How the store is doing, as its commits tell, with little asked besides. */
import { RunStore, type RunStoreError } from "@baton/engine/RunStore"
import { StepQueue } from "@baton/engine/StepQueue"
import { StepTypes } from "@baton/engine/StepType"
import { SqliteUpkeep } from "@baton/store-sqlite/SqliteUpkeep"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { statfs } from "node:fs/promises"

/** Free bytes on the store's disk below which it is said to be degraded. */
const freeBytesMin = 100 * 1024 * 1024
/** How long an answer is given again without looking anew: probes come often. */
const lookEvery = Duration.seconds(1)
/**
 * How long a commit that found no room counts, in milliseconds: whoever sends nothing to a server that is not ready would never
 * see it ready again, if only a commit could tell.
 */
const fullMs = 5_000

export interface Commits {
  /** The last one that was taken, in milliseconds since the epoch, and how long it took. */
  readonly taken: { readonly at: number; readonly latencyMs: number } | undefined
  /** When and why the last one of all was not taken. */
  readonly failed: { readonly at: number; readonly reason: RunStoreError["reason"] } | undefined
}

/** Commits, seen from outside. */
export class StoreWatch extends Context.Service<StoreWatch, {
  readonly commits: () => Commits
}>()("baton/server/StoreWatch") {
  /** The same store; what it was last told to write, and how long that took, is remembered. */
  static readonly layer: Layer.Layer<StoreWatch | RunStore, never, RunStore> = Layer.effectContext(
    Effect.gen(function*() {
      const store = yield* RunStore
      const clock = yield* Clock.Clock
      let commits: Commits = { taken: undefined, failed: undefined }
      const taken = (since: number) => {
        const at = clock.currentTimeMillisUnsafe()
        commits = { taken: { at, latencyMs: at - since }, failed: undefined }
      }
      const watched = RunStore.of({
        ...store,
        commit: (batch) =>
          Effect.suspend(() => {
            const since = clock.currentTimeMillisUnsafe()
            return Effect.tapError(
              Effect.tap(store.commit(batch), () => Effect.sync(() => taken(since))),
              ({ reason }) =>
                Effect.sync(() => (commits = { ...commits, failed: { at: clock.currentTimeMillisUnsafe(), reason } }))
            )
          })
      })
      return Context.make(RunStore, watched).pipe(Context.add(StoreWatch, { commits: () => commits }))
    })
  )
}

export interface StoreHealth {
  readonly kind: "sqlite" | "memory"
  readonly writable: boolean
  /** Why nothing can be written. */
  readonly reason?: RunStoreError["reason"]
  /** Milliseconds that the last commit took which was taken; absent before the first. */
  readonly lastCommitMs?: number
  readonly lastCommitAt?: number
  /** Bytes; absent in memory, and where the system does not tell. */
  readonly freeBytes?: number
  /** Steps that are offered and not begun. */
  readonly backlog: number
}

const freeOf = (data: string): Effect.Effect<number | undefined> =>
  Effect.catch(
    Effect.map(Effect.tryPromise(() => statfs(data)), ({ bavail, bsize }) => bavail * bsize),
    () => Effect.undefined
  )

/** Looks at the store: cheap, at most once in {@link lookEvery}. */
export const health = Effect.fnUntraced(function*(data: string) {
  const watch = yield* StoreWatch
  const upkeep = yield* SqliteUpkeep
  const clock = yield* Clock.Clock
  const queue = yield* StepQueue
  const types = [...(yield* StepTypes).keys(), "gather"]
  const isMemory = data === ":memory:"
  const look = Effect.gen(function*(): Effect.fn.Return<StoreHealth> {
    const { failed: lastFailed, taken } = watch.commits()
    const wasFull = lastFailed?.reason === "full" && clock.currentTimeMillisUnsafe() - lastFailed.at < fullMs
    const reason = yield* Effect.match(upkeep.writable, {
      onSuccess: () => undefined,
      onFailure: (error) => error.reason
    })
    const freeBytes = isMemory ? undefined : yield* freeOf(data)
    let backlog = 0
    for (const type of types) backlog += yield* queue.size(type)
    // A full disk takes the beginning of a write, not its end: the last commit knows better.
    const failed = reason ?? (wasFull && (freeBytes ?? 0) < freeBytesMin ? "full" : undefined)
    return {
      kind: isMemory ? "memory" : "sqlite",
      writable: failed === undefined,
      ...(failed === undefined ? {} : { reason: failed }),
      ...(taken === undefined ? {} : { lastCommitMs: taken.latencyMs, lastCommitAt: taken.at }),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      backlog
    }
  })
  return yield* Effect.cachedWithTTL(look, lookEvery)
})

/** What keeps a store from being well. */
export const isDegraded = ({ freeBytes, writable }: StoreHealth): boolean =>
  !writable || (freeBytes !== undefined && freeBytes < freeBytesMin)
