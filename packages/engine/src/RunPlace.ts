/** Places of runs among those of their concurrency key (docs/semantics.md 8.18), as records and stores speak of them. */
import type { Refusal } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import type { Place } from "@baton/kernel/Place"
import type { RunState } from "@baton/kernel/RunState"

/** Runs that are named as those that hold the places of a key; more are counted. */
export const holdersMax = 10

export interface PlaceChange {
  readonly flow: string
  readonly key: string
  /** The limit of this run's version of the flow. */
  readonly max: number
  /** The record is written only if a place is free: fewer runs hold one than the run of the key that was created last allows. */
  readonly takes: boolean
  /** `gone`: the run has ended. */
  readonly then: "waiting" | "held" | "gone"
}

export interface PlaceQuery {
  readonly tenant: string
  readonly flow: string
  readonly key: string
  /** Of those that wait, only those created after this run. */
  readonly after?: string
  /** Of those that wait. */
  readonly limit: number
}

export interface Places {
  /** The limit of the run that was created last; 0 when there is no run. */
  readonly max: number
  readonly held: number
  /** The {@link holdersMax} that were created first. */
  readonly holders: ReadonlyArray<string>
  /** In order of creation. */
  readonly waiting: ReadonlyArray<{
    readonly run: string
    readonly owner: string | undefined
    readonly paused: boolean
  }>
}

/** What the record changes about the run's place, if it changes anything. */
export const add = (
  commit: { place?: PlaceChange },
  state: RunState,
  { held, key, max }: Place,
  events: ReadonlyArray<Event>
): void => {
  const takes = events.some(({ type }) => type === "PlaceTaken")
  const ends = state.finished !== undefined && events.some(({ type }) => type === "RunFinished")
  if (!takes && !ends && !events.some(({ type }) => type === "RunCreated")) return
  commit.place = { flow: state.plan.name, key, max, takes, then: ends ? "gone" : held ? "held" : "waiting" }
}

export const fullCode = "CONCURRENCY_FULL"

export const refusal = ({ place, plan }: RunState, holders: ReadonlyArray<string>): Refusal => {
  const key = JSON.stringify(place?.key ?? "")
  return {
    code: fullCode,
    message: `as many runs of ${plan.name} with key ${key} are under way as may be (limits.concurrency): ${
      holders.join(", ")
    }${holders.length < holdersMax ? "" : ", …"}`
  }
}
