/** What is looked up at a scrape: runs, queues and workers as the machine has them. */
import { Coordinator } from "@baton/engine/Coordinator"
import * as RunSlot from "@baton/engine/RunSlot"
import { RunStoreError } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import { StepQueue } from "@baton/engine/StepQueue"
import { type StepType, StepTypes } from "@baton/engine/StepType"
import { Sweeper } from "@baton/engine/Sweeper"
import { WorkerPool } from "@baton/engine/WorkerPool"
import type { RunState } from "@baton/kernel/RunState"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as TestClock from "effect/testing/TestClock"
import * as MachineMeter from "../../src/telemetry/MachineMeter.ts"
import { Meter } from "../../src/telemetry/Meter.ts"
import { Telemetry } from "../../src/telemetry/Telemetry.ts"
import * as Exposition from "./Exposition.ts"

const slot = (status: string, ledger?: object): RunSlot.RunSlot => ({
  ...RunSlot.make("default", `run_${status}`),
  status,
  state: ledger === undefined ? undefined : { ledger } as RunState
})

const ledger = {
  reserved: { nanoUsd: 1_500_000_000, tokens: 10 },
  settled: { nanoUsd: 250_000_000, tokens: 3 }
}

const slots = [slot(""), slot("running", ledger), slot("running stalled", ledger), slot("waiting paused")]

/** The page after a scrape of a machine of which this is so. */
const scraping = (unowned: () => Effect.Effect<number, RunStoreError>) =>
  Effect.gen(function*() {
    const meter = new Meter(10)
    const scrapes = new Set<Effect.Effect<void>>()
    yield* Layer.build(MachineMeter.layer.pipe(Layer.provide([
      Layer.succeed(Telemetry, { meter, scrapes, sink: undefined, isPublic: false, sampler: () => true }),
      Layer.succeed(Coordinator, { slots: () => slots } as unknown as Coordinator["Service"]),
      Layer.mock(StepQueue)({ size: (type) => Effect.succeed(type === "http" ? 7 : 0) }),
      Layer.mock(WorkerPool)({ running: (type) => type === "http" ? 5 : 0 }),
      Layer.mock(Sweeper)({ standing: () => ({ withoutProgress: 3, withoutReason: 2 }) as never }),
      Layer.mock(Sessions)({ id: "session", unowned: Effect.suspend(unowned) }),
      Layer.succeed(StepTypes, new Map([["http", {} as StepType]]))
    ])))
    return Effect.gen(function*() {
      for (const scrape of scrapes) yield* scrape
      const page = Exposition.read(PrometheusMetrics.formatUnsafe(meter.context))
      return (name: string, part?: string) => Exposition.sum(page, name, part)
    })
  })

describe("a scrape", () => {
  it.effect("tells runs, money, queues and workers as they are", () =>
    Effect.scoped(Effect.gen(function*() {
      const total = yield* yield* scraping(() => Effect.succeed(4))
      const runs = (status: string) => total("baton_runs", `status="${status}"`)
      assert.deepStrictEqual(["pending", "running", "waiting"].map(runs), [1, 2, 1])
      assert.strictEqual(total("baton_runs_paused"), 1)
      assert.strictEqual(total("baton_runs_stuck"), 2)
      assert.strictEqual(total("baton_runs_stalled"), 3)
      assert.strictEqual(total("baton_runs_unowned"), 4)
      assert.strictEqual(total("baton_steps_queued", `type="http"`), 7)
      assert.strictEqual(total("baton_steps_running", `type="http"`), 5)
      assert.strictEqual(total("baton_budget_reserved_usd"), 3)
      assert.strictEqual(total("baton_budget_reserved_tokens"), 20)
      assert.strictEqual(total("baton_budget_spent_usd"), 0.5)
      assert.strictEqual(total("baton_budget_spent_tokens"), 6)
    })))

  it.effect("asks the store not at every scrape, and is one all the same when the store does not answer", () =>
    Effect.scoped(Effect.gen(function*() {
      let asked = 0
      const scrape = yield* scraping(() => {
        asked++
        return asked === 1 ? Effect.succeed(4) : Effect.fail(new RunStoreError({ reason: "busy", message: "busy" }))
      })
      yield* scrape
      yield* scrape
      assert.strictEqual(asked, 1)
      yield* TestClock.adjust("16 seconds")
      const total = yield* scrape
      assert.deepStrictEqual([asked, total("baton_runs_unowned"), total("baton_runs")], [2, 4, 4])
    })))
})
