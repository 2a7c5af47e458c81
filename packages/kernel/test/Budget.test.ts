/** Budgets as people give them, and single steps of a run that has one. */
import * as Amount from "@baton/kernel/Amounts"
import type { Refusal } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import type * as Flow from "@baton/kernel/Flow"
import * as Invariants from "@baton/kernel/Invariants"
import type { Terms } from "@baton/kernel/Ledger"
import * as Rates from "@baton/kernel/Rates"
import * as RunState from "@baton/kernel/RunState"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { flow, RunDriver } from "./RunDriver.ts"

const rates = { asOf: "2026-01-01", models: { m: { input: 1_000, output: 3_000 } }, agents: {}, defaultModel: "m" }
/** What the first turn sets aside at these prices. */
const turnNano = Rates.turnInputTokens * 1_000 + Rates.turnOutputTokens * 3_000

const agent = (id: string, more: object = {}): Flow.Node =>
  ({ id, type: "agent", agent: { instructions: "Look." }, ...more }) as Flow.Node

const started = (nodes: ReadonlyArray<Flow.Node>, edges: ReadonlyArray<string>, terms: Partial<Terms>): RunDriver =>
  new RunDriver(flow(nodes, edges), {}, undefined, { budget: {}, rates, ...terms })

const codeOf = (answer: ReadonlyArray<Event> | Refusal): string => "code" in answer ? answer.code : "accepted"

describe("Budgets as text", () => {
  const read = (text: string, raise = false) => {
    const parsed = Amount.parse(text, raise)
    return Result.isSuccess(parsed) ? parsed.success : parsed.failure.message
  }

  it("are dollars, or kinds with amounts", () => {
    assert.deepStrictEqual(read("0.50"), { nanoUsd: 500_000_000 })
    assert.deepStrictEqual(read("usd=0.1,tokens=20000, calls=3 ,agents=2,time=90s"), {
      nanoUsd: 100_000_000,
      tokens: 20_000,
      calls: 3,
      agents: 2,
      ms: 90_000
    })
    assert.deepStrictEqual(read("+0.50", true), { nanoUsd: 500_000_000 })
    assert.deepStrictEqual(read("tokens=+5,+calls=2", true), { tokens: 5, calls: 2 })
  })

  for (
    const text of ["0", "-1", "0.0000000001", "NaN", "Infinity", "1e9", "2000000", "usd=", "", "wishes=3", "tokens=1.5"]
  ) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.isString(read(text)))
  }

  it("refuse a kind that is there twice, and say + only where something is added", () => {
    assert.include(read("1,usd=2"), "twice")
    assert.include(read("+1"), "not there yet")
    assert.include(read("1", true), "added")
    assert.isString(read("+usd=+1", true))
  })

  it("are exact: a million times a tenth of a cent is a thousand dollars", () => {
    let sum: Amount.Amounts = {}
    for (let n = 0; n < 1_000_000; n++) sum = Amount.add(sum, { nanoUsd: Amount.nanoOf(0.001) })
    assert.strictEqual(Amount.usdOf(sum.nanoUsd ?? 0), 1_000)
    assert.strictEqual(Amount.moneyText(123_456_789), "$0.123456789")
    assert.strictEqual(Amount.moneyText(500_000_000), "$0.50")
  })
})

describe("Budgets of runs", () => {
  it("a budget of 0 is refused, and nothing is created", () => {
    const run = started([agent("a")], [], { budget: { nanoUsd: 0 } })
    assert.strictEqual(run.state.seq, 0)
  })

  it("steps that cannot reserve wait while others go on, and the run does not fail", () => {
    const run = started([agent("a"), agent("b"), { id: "c", type: "transform", value: 1 }], [], {
      budget: { nanoUsd: turnNano }
    })
    assert.deepStrictEqual(run.offered, ["a", "c"])
    run.succeed("c")
    assert.strictEqual(run.status("b"), "waiting")
    run.answer("a", { ok: true, output: { v: 1 } }, { calls: 1, inputTokens: 10, outputTokens: 10, costUsd: 0.001 })
    assert.strictEqual(RunState.status(run.state), "waiting")
    assert.strictEqual(
      codeOf(run.ask({ type: "RaiseBudget", at: ++run.at, add: { nanoUsd: 1_000_000 }, by: "ana" })),
      "accepted"
    )
    assert.deepStrictEqual(run.offered, ["b"])
  })

  it("a raise is refused when the run has ended, has no budget, or does not limit that kind", () => {
    const ended = started([{ id: "c", type: "transform", value: 1 }], [], { budget: { nanoUsd: 1 } })
    ended.succeed("c")
    assert.strictEqual(codeOf(ended.ask({ type: "RaiseBudget", at: 1, add: { nanoUsd: 1 } })), "RUN_FINISHED")
    const none = new RunDriver(flow([agent("a")]))
    assert.strictEqual(codeOf(none.ask({ type: "RaiseBudget", at: 1, add: { nanoUsd: 1 } })), "BUDGET_NONE")
    const other = started([agent("a")], [], { budget: { nanoUsd: turnNano } })
    assert.strictEqual(codeOf(other.ask({ type: "RaiseBudget", at: 1, add: { tokens: 1 } })), "BUDGET_NONE")
    assert.strictEqual(codeOf(other.ask({ type: "RaiseBudget", at: 1, add: {} })), "BUDGET_INVALID")
    const most = { nanoUsd: Amount.amountMax }
    assert.strictEqual(codeOf(other.ask({ type: "RaiseBudget", at: 1, add: most })), "BUDGET_INVALID")
  })

  it("a lost attempt is settled at what it set aside, until somebody tells what it used; then the rest is free again", () => {
    const run = started([agent("a"), agent("b")], [], { budget: { nanoUsd: 2 * turnNano + 10_000 } })
    run.ask({ type: "LoseDelivery", at: ++run.at, path: "a", attempt: 1 })
    assert.strictEqual(run.status("a"), "waiting")
    assert.strictEqual(run.state.ledger?.guessed.nanoUsd, turnNano)
    const usage = { calls: 1, inputTokens: 1, outputTokens: 1, costUsd: 0.000004 }
    run.ask({ type: "ReportUsage", at: ++run.at, path: "a", attempt: 1, usage })
    assert.deepStrictEqual(run.offered, ["a", "b"])
    assert.strictEqual(run.attempt("a"), 1)
    assert.strictEqual(codeOf(run.ask({ type: "ReportUsage", at: 1, path: "a", attempt: 1, usage })), "USAGE_SETTLED")
  })

  it("an attempt that its worker interrupted as it stopped is paid for, and is no loss", () => {
    const run = started([agent("a"), { id: "b", type: "transform", value: 1 }], [], {
      budget: { nanoUsd: 5 * turnNano, ms: 3_600_000 }
    })
    for (let stop = 1; stop <= 4; stop++) {
      const startedAt = run.at
      run.at += 2_000
      run.ask({ type: "LoseDelivery", at: run.at, path: "a", attempt: 1, orderly: true, startedAt })
      run.ask({ type: "LoseDelivery", at: run.at, path: "b", attempt: 1, orderly: true, startedAt })
      run.ask({ type: "AdoptRun", at: run.at, session: "s", epoch: stop, orderly: true })
      assert.deepInclude(run.state.ledger?.settled, { nanoUsd: stop * turnNano, ms: stop * 2_000 })
      assert.strictEqual(run.state.ledger?.guessed.nanoUsd, stop * turnNano)
      assert.isUndefined(run.state.ledger?.guessed.ms)
    }
    assert.strictEqual(run.attempt("a"), 1)
    assert.strictEqual(run.state.lost.size, 0)
    run.ask({ type: "LoseDelivery", at: run.at, path: "a", attempt: 1, orderly: true })
    assert.strictEqual(run.status("a"), "waiting")
    assert.deepStrictEqual(Invariants.violations(run.state), [])
  })

  it("what costs more than it set aside is an overrun, and the run warns", () => {
    const run = started([agent("a")], [], { budget: { nanoUsd: turnNano } })
    run.answer("a", { ok: true, output: { v: 1 } }, { calls: 1, inputTokens: 1, outputTokens: 1, costUsd: 1 })
    assert.strictEqual(run.state.finished?.status, "warned")
    assert.deepStrictEqual(run.state.warnings.map(({ code }) => code), ["OVERRUN"])
  })

  it("an unknown price keeps a step back until somebody allows it; what it costs stays unknown, and the run warns", () => {
    const unknown = { ...rates, models: { m: null } }
    const run = started([agent("a")], [], { budget: { nanoUsd: turnNano }, rates: unknown })
    assert.strictEqual(run.status("a"), "waiting")
    run.ask({ type: "RaiseBudget", at: ++run.at, add: {}, allowUnknownPrice: true })
    assert.deepStrictEqual(run.offered, ["a"])
    run.answer("a", { ok: true, output: { v: 1 } }, { calls: 1, inputTokens: 5, outputTokens: 5, model: "m" })
    assert.deepStrictEqual(run.state.warnings.map(({ code }) => code), ["PRICE_UNKNOWN"])
    assert.strictEqual(run.state.ledger?.unpriced, 10)
  })

  it("the dearest agent of a list counts, and a budget of the node stands in its place", () => {
    const cheap = { instructions: "Look.", maxOutputTokens: 10 }
    const run = new RunDriver(
      flow([agent("a", { agent: ["cheap", "dear"] }), agent("b", { budget: { usd: 0.01 } })], [], {
        agents: { cheap, dear: { instructions: "Look." } }
      }),
      {},
      undefined,
      { budget: { nanoUsd: 10 * turnNano }, rates }
    )
    const held = run.state.ledger?.held.entries
    assert.strictEqual(held?.get("a")?.amounts.nanoUsd, turnNano)
    assert.strictEqual(held?.get("b")?.amounts.nanoUsd, 10_000_000)
  })
})
