/** What a coordinator tells its probe, if it has one, of what it has written and handed out. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Probe } from "./Probe.ts"
import type { Written } from "./Scribe.ts"
import type { Offer, StepQueue } from "./StepQueue.ts"

interface Services {
  readonly probe: Probe | undefined
  readonly queue: StepQueue["Service"]
  readonly scribe: { readonly clock: Clock.Clock }
}

/** To the workers; since when the earliest of them had been asked for is told afterwards. */
export const handOut = (
  { probe, queue, scribe }: Services,
  offers: ReadonlyArray<Offer>,
  written: ReadonlyArray<Written>
): Effect.Effect<void> => {
  if (offers.length === 0) return Effect.void
  if (probe?.offered === undefined && probe?.began === undefined) return queue.offer(offers)
  return Effect.suspend(() => {
    const at = scribe.clock.currentTimeMillisUnsafe()
    const since = written.reduce((least, { draft }) => Math.min(least, draft.state.lastAt), at)
    return Effect.andThen(
      queue.offer(offers.map((offer) => ({ ...offer, at }))),
      Effect.sync(() => probe.offered?.(offers, since, at))
    )
  })
}

/** `nanos`: what the store took for all of them. */
export const tell = (probe: Probe, written: ReadonlyArray<Written>, nanos: bigint): void =>
  probe.committed?.(
    written.map(({ commit, draft }) => ({
      tenant: draft.slot.tenant,
      state: draft.state,
      events: draft.events,
      usage: draft.usage,
      letters: commit.deadLetters
    })),
    Number(nanos) / 1e6
  )
