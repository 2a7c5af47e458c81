/** The in-process feed. Nobody listening costs nothing; a slow listener loses the oldest hints, never the newest. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Wakeup } from "./EventFeed.ts"
import { EventFeed } from "./EventFeed.ts"

/** Hints a listener may be behind before the oldest go. */
export const hintsMax = 512

type Listener = Queue.Queue<Wakeup>

const keyOf = (tenant: string, run: string | undefined): string => `${tenant} ${run ?? ""}`

const make = (): EventFeed["Service"] => {
  const listeners = new Map<string, Set<Listener>>()
  const tell = (key: string, wakeup: Wakeup): void => {
    for (const listener of listeners.get(key) ?? []) Queue.offerUnsafe(listener, wakeup)
  }
  return {
    publish: (wakeups) =>
      Effect.sync(() => {
        if (listeners.size === 0) return
        for (const wakeup of wakeups) {
          tell(keyOf(wakeup.tenant, wakeup.run), wakeup)
          tell(keyOf(wakeup.tenant, undefined), wakeup)
        }
      }),
    subscribe: (tenant, run) =>
      Effect.gen(function*() {
        const key = keyOf(tenant, run)
        const queue = yield* Queue.sliding<Wakeup>(hintsMax)
        const set = listeners.get(key) ?? new Set()
        listeners.set(key, set.add(queue))
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            set.delete(queue)
            if (set.size === 0) listeners.delete(key)
            Queue.shutdownUnsafe(queue)
          })
        )
        return Stream.fromQueue(queue)
      })
  }
}

export const layer: Layer.Layer<EventFeed> = Layer.sync(EventFeed, make)
