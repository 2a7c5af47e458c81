/** The ledger's promises over random flows, budgets and orders. A failing seed is in the message; it fails again. */
import * as Amount from "@baton/kernel/Amounts"
import { decide } from "@baton/kernel/Decide"
import * as Doors from "@baton/kernel/Doors"
import type { Event } from "@baton/kernel/Event"
import * as Events from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import { explain } from "@baton/kernel/Explain"
import { violations } from "@baton/kernel/Invariants"
import * as RunState from "@baton/kernel/RunState"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { fingerprint } from "./random/Fingerprint.ts"
import * as FlowWorld from "./random/FlowWorld.ts"
import type { Decided, Noise } from "./random/RandomRun.ts"
import { RandomRun } from "./random/RandomRun.ts"
import type { Habits } from "./random/Spending.ts"
import { Spending } from "./random/Spending.ts"

const still: Noise = { harmless: 0, harmful: 0 }
const rough: Noise = { harmless: 0.2, harmful: 0.2 }
const honest: Habits = { silent: 0, greedy: 0, noise: 0 }
const wild: Habits = { silent: 0.2, greedy: 0.2, noise: 0.3 }

const drive = (seed: number, noise: Noise, habits: Habits, watch?: (decided: Decided) => void): RandomRun =>
  new RandomRun(FlowWorld.make(seed), seed, noise, watch, new Spending(seed, habits)).run()

const over = (worlds: number, body: (seed: number) => void): void => {
  for (let seed = 1; seed <= worlds; seed++) {
    try {
      body(seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

/** What the events say was used, added up without the ledger. */
const usedOf = (events: ReadonlyArray<Event>): { nano: bigint; tokens: bigint; calls: bigint } => {
  const sum = { nano: 0n, tokens: 0n, calls: 0n }
  for (const event of events) {
    if (!("usage" in event) || event.usage === undefined) continue
    const { calls = 0, costUsd = 0, inputTokens = 0, outputTokens = 0 } = event.usage
    sum.nano += BigInt(Math.round(costUsd * 1e9))
    sum.tokens += BigInt(inputTokens + outputTokens)
    sum.calls += BigInt(calls)
  }
  return sum
}

describe("promises about money", () => {
  it(
    "K7: under any order of offers, answers, losses, late reports and raises, spending stays within the budget",
    () => {
      let parked = 0
      let overrun = 0
      over(500, (seed) => {
        const run = drive(seed, seed % 2 === 0 ? still : rough, wild, ({ before }) => {
          assert.deepStrictEqual(violations(before), [])
        })
        assert.deepStrictEqual(violations(run.state), [])
        if (run.events.some((event) => event.type === "StepsUnfunded")) parked++
        const over = run.state.ledger?.overrun ?? {}
        if (!Amount.isZero(over)) overrun++
        const recorded = run.events.some((event) => event.type === "OverrunRecorded" || event.type === "UsageLate")
        if (!Amount.isZero(over)) assert.isTrue(recorded)
      })
      assert.isAbove(parked, 100)
      assert.isAbove(overrun, 20)
    },
    60_000
  )

  it("K7: a spent budget parks the run: whatever waits goes on after a raise, and the run ends", () => {
    over(300, (seed) => {
      const run = drive(seed, still, honest)
      assert.isDefined(run.state.finished)
      assert.isTrue(Amount.isZero(run.state.ledger?.overrun ?? {}))
      for (const kind of Amount.kinds) {
        const limit = run.state.ledger?.budget[kind]
        if (limit !== undefined) assert.isAtMost(run.state.ledger?.settled[kind] ?? 0, limit)
      }
    })
  }, 60_000)

  it("what is settled is the exact sum of what was told", () => {
    over(300, (seed) => {
      const run = drive(seed, still, honest)
      const { calls, nano, tokens } = usedOf(run.events)
      // What was interrupted did not tell: it is settled by a guess.
      const settled = Amount.less(run.state.ledger?.settled ?? {}, run.state.ledger?.guessed ?? {})
      assert.strictEqual(BigInt(settled.nanoUsd ?? 0), nano)
      assert.strictEqual(BigInt(settled.tokens ?? 0), tokens)
      assert.strictEqual(BigInt(settled.calls ?? 0), calls)
    })
  }, 60_000)

  it("K9: the ledger of a journal read back is the ledger of the one who wrote it", () => {
    over(200, (seed) => {
      const run = drive(seed, rough, wild)
      const state = RunState.empty(run.plan)
      const journal: ReadonlyArray<Event> = JSON.parse(JSON.stringify(run.events))
      for (const event of journal) evolve(state, event)
      assert.strictEqual(JSON.stringify(state.ledger), JSON.stringify(run.state.ledger))
    })
  }, 60_000)

  it("K8: a decision about money leaves the state alone, is the same again, and has the published shape", () => {
    const isEvent = Schema.is(Events.Event)
    over(150, (seed) => {
      drive(seed, rough, wild, ({ before, command, decision }) => {
        const mark = fingerprint(before)
        assert.strictEqual(JSON.stringify(decide(before, command)), JSON.stringify(decision))
        assert.strictEqual(fingerprint(before), mark)
        if (decision.kind === "events") { for (const event of decision.events) assert.isTrue(isEvent(event)) }
      })
    })
  }, 60_000)

  it("K12: who waits for money is told what is needed, what is free, and how to add", () => {
    let seen = 0
    over(200, (seed) => {
      drive(seed, still, wild, ({ before }) => {
        if (before.ledger === undefined || before.ledger.waiters.size === 0 || before.finished !== undefined) return
        seen++
        const reasons = explain(before, before.lastAt).filter(({ reason }) => reason === "budget")
        assert.isNotEmpty(reasons)
        for (const { data, door } of reasons) {
          assert.include(door, "baton runs resume run_1 --")
          assert.isDefined(data["need"])
        }
        assert.include(Doors.doors(before).map(({ kind }) => kind), "budget")
      })
    })
    assert.isAbove(seen, 50)
  }, 60_000)
})
