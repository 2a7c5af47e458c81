/** What is looked up at a scrape: runs, queues and workers of this process, as they are. */
import { Coordinator } from "@baton/engine/Coordinator"
import type { RunSlot } from "@baton/engine/RunSlot"
import { Sessions } from "@baton/engine/Sessions"
import { StepQueue } from "@baton/engine/StepQueue"
import { StepTypes } from "@baton/engine/StepType"
import { Sweeper } from "@baton/engine/Sweeper"
import { WorkerPool } from "@baton/engine/WorkerPool"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Meter } from "./Meter.ts"
import * as Names from "./MetricNames.ts"
import * as ProcessMeter from "./ProcessMeter.ts"
import { Telemetry } from "./Telemetry.ts"

const nanoPerUnit = 1e9
const statuses = ["pending", "running", "waiting"] as const

interface Sums {
  readonly status: Map<string, number>
  readonly doors: Map<string, number>
  paused: number
  reservedNanos: number
  reservedTokens: number
  spentNanos: number
  spentTokens: number
}

const add = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** A slot's status reads `running`, `running paused`, `waiting stalled`, …; empty before the run is there. */
const sum = (sums: Sums, slot: RunSlot): void => {
  const [status = "", ...more] = slot.status === "" ? ["pending"] : slot.status.split(" ")
  add(sums.status, status)
  if (more.includes("paused")) sums.paused++
  for (const doors of slot.doors.values()) for (const { kind } of doors) add(sums.doors, kind)
  const ledger = slot.state?.ledger
  if (ledger === undefined) return
  sums.reservedNanos += ledger.reserved.nanoUsd ?? 0
  sums.reservedTokens += ledger.reserved.tokens ?? 0
  sums.spentNanos += ledger.settled.nanoUsd ?? 0
  sums.spentTokens += ledger.settled.tokens ?? 0
}

const show = (meter: Meter, sums: Sums, kinds: Set<string>): void => {
  for (const status of statuses) meter.of(Names.openRuns, status)(sums.status.get(status) ?? 0)
  // A kind that was there once goes to 0 rather than away.
  for (const kind of sums.doors.keys()) kinds.add(kind)
  for (const kind of kinds) meter.of(Names.doors, kind)(sums.doors.get(kind) ?? 0)
  meter.of(Names.paused)(sums.paused)
  meter.of(Names.reservedUsd)(sums.reservedNanos / nanoPerUnit)
  meter.of(Names.reservedTokens)(sums.reservedTokens)
  meter.of(Names.spentUsd)(sums.spentNanos / nanoPerUnit)
  meter.of(Names.spentTokens)(sums.spentTokens)
}

/** Counting them reads every open run of the store: not more often than this, in milliseconds. */
const unownedEveryMs = 15_000

const unownedOf = Effect.fnUntraced(function*(meter: Meter) {
  const sessions = yield* Sessions
  const clock = yield* Clock.Clock
  let countedAt = -unownedEveryMs
  return Effect.suspend(() => {
    const now = Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
    if (now - countedAt < unownedEveryMs) return Effect.void
    countedAt = now
    return sessions.unowned.pipe(
      Effect.map((runs) => meter.of(Names.unowned)(runs)),
      Effect.catch((error) => Effect.logDebug("Runs without an owner could not be counted", { reason: error.reason }))
    )
  })
})

const scrapeOf = Effect.fnUntraced(function*(meter: Meter) {
  const coordinator = yield* Coordinator
  const queue = yield* StepQueue
  const sweeper = yield* Sweeper
  const pool = yield* Effect.serviceOption(WorkerPool)
  const types = [...(yield* StepTypes).keys(), "gather"]
  const kinds = new Set<string>()
  const unowned = yield* unownedOf(meter)
  return Effect.gen(function*() {
    const sums: Sums = {
      status: new Map(),
      doors: new Map(),
      paused: 0,
      reservedNanos: 0,
      reservedTokens: 0,
      spentNanos: 0,
      spentTokens: 0
    }
    for (const slot of coordinator.slots()) sum(sums, slot)
    show(meter, sums, kinds)
    for (const type of types) {
      meter.of(Names.queued, type)(yield* queue.size(type))
      if (Option.isSome(pool)) meter.of(Names.running, type)(pool.value.running(type))
    }
    const { withoutProgress, withoutReason } = sweeper.standing()
    meter.of(Names.unexplained)(withoutReason)
    meter.of(Names.stalled)(withoutProgress)
    yield* unowned
  })
})

/** Adds the machine and the process to what a scrape looks up. */
export const layer = Layer.effectDiscard(
  Effect.gen(function*() {
    const { meter, scrapes } = yield* Telemetry
    if (meter === undefined) return
    const machine = yield* scrapeOf(meter)
    const process = ProcessMeter.make(meter)
    scrapes.add(machine).add(process.scrape)
    yield* Effect.addFinalizer(() => process.stop)
  })
)
