/** Rules of the run machine that are easy to get wrong, one small run each. */
import type { Command } from "@baton/kernel/Command"
import { decide } from "@baton/kernel/Decide"
import { explain } from "@baton/kernel/Explain"
import * as Suspect from "@baton/kernel/Suspect"
import { assert, describe, it } from "vitest"
import { flow, RunDriver } from "./RunDriver.ts"

const transform = (id: string) => ({ id, type: "transform" as const, value: null })

describe("endings (SEMANTICS 8.5)", () => {
  it("the target of an always edge runs after the failure that closes the run", () => {
    const run = new RunDriver(flow([transform("work"), transform("tidy")], ["work>tidy on always"]))
    run.fail("work")
    assert.deepStrictEqual(run.offered, ["tidy"])
    run.succeed("tidy")
    assert.strictEqual(run.status("tidy"), "succeeded")
    assert.strictEqual(run.state.finished?.status, "failed")
    assert.strictEqual(run.state.finished?.code, "BROKE")
  })

  it("the target of an always edge may make an irreversible call after the failure", () => {
    const post = { id: "tell", type: "function" as const, function: "tell", effect: "irreversible" as const }
    const run = new RunDriver(flow([transform("work"), post], ["work>tell on always"]))
    run.fail("work")
    run.ask({ type: "StartCall", at: run.at, path: "tell", attempt: 1, key: "k" })
    assert.strictEqual(run.events.at(-1)?.type, "CallStarted")
  })

  it("a step that closing has cancelled is not skipped afterwards", () => {
    const failing = { ...transform("bad"), when: "nodes.a.output.missing.deeper" }
    const run = new RunDriver(
      flow([transform("a"), transform("side"), failing], ["a>side on failure", "a>bad"])
    )
    run.succeed("a", {})
    assert.strictEqual(run.status("side"), "cancelled")
    assert.strictEqual(run.events.filter((event) => event.type === "StepsSkipped").length, 0)
  })

  it("a map as the target of an always edge starts no item after a failure", () => {
    const run = new RunDriver(flow([
      transform("work"),
      { id: "all", type: "map", over: [1, 2], each: { type: "transform", value: null } }
    ], ["work>all on always"]))
    run.fail("work")
    assert.deepStrictEqual(run.offered, [])
    assert.strictEqual(run.status("all"), "cancelled")
    assert.strictEqual(run.state.finished?.status, "failed")
  })

  it("a step that waits because its call's outcome is unknown fails when the run closes", () => {
    const post = { id: "pay", type: "function" as const, function: "pay", effect: "irreversible" as const }
    const run = new RunDriver(flow([post]))
    run.ask({ type: "StartCall", at: run.at, path: "pay", attempt: 1, key: "k" })
    run.fail("pay", { kind: "timeout", sent: true })
    assert.strictEqual(run.status("pay"), "waiting")
    run.ask({ type: "CancelRun", at: run.at })
    assert.strictEqual(run.status("pay"), "failed")
    assert.strictEqual(run.state.nodes.get(0).error?.code, "OUTCOME_UNKNOWN")
    assert.strictEqual(run.state.finished?.status, "cancelled")
  })

  it("a cancel or the deadline ends what a failure has left waiting, and the failure stays the outcome", () => {
    const wait = { id: "later", type: "wait" as const, event: "never" }
    const graph = flow([transform("work"), wait], ["work>later on always"], { limits: { deadline: "1h" } })
    for (const end of ["cancel", "deadline"] as const) {
      const run = new RunDriver(graph)
      run.fail("work")
      assert.strictEqual(run.status("later"), "waiting")
      if (end === "cancel") run.ask({ type: "CancelRun", at: run.at })
      else run.ring()
      assert.strictEqual(run.status("later"), "cancelled")
      assert.strictEqual(run.state.finished?.code, "BROKE")
    }
  })

  it("a grace timer means nothing to a run that closes by a failure", () => {
    const run = new RunDriver(flow([transform("a"), transform("b")]))
    run.fail("a")
    run.ask({ type: "FireTimer", at: run.at + 60_000, kind: "grace", path: "", n: 0 })
    assert.deepStrictEqual(run.offered, ["b"])
  })
})

describe("edges (SEMANTICS 8.4)", () => {
  it("a step that has become ready is not failed by another edge's condition that errs", () => {
    const run = new RunDriver(flow(
      [
        transform("start"),
        { id: "one", type: "choice", rules: [{ yes: "true" }, { other: "otherwise" }] },
        { id: "later", type: "choice", rules: [{ yes: "true" }, { other: "otherwise" }] },
        { id: "two", type: "choice", rules: [{ yes: "true" }, { other: "otherwise" }] },
        { ...transform("either"), join: "any" }
      ],
      [
        "start>one",
        "start>later",
        "later>two",
        "one>either",
        { from: "two", to: "either", when: "nodes.start.output.missing.deeper" }
      ]
    ))
    run.succeed("start", {})
    assert.deepStrictEqual(run.offered, ["either"])
    assert.strictEqual(run.status("either"), "queued")
  })
})

describe("maps (SEMANTICS 8.7)", () => {
  const each = { type: "function" as const, function: "f", retry: { attempts: 3 } }

  it("an item that fails after the map has stopped is not tried again", () => {
    const run = new RunDriver(flow([{ id: "m", type: "map", over: [1, 2, 3, 4], parallel: 3, each }]))
    run.fail("m[0]")
    run.fail("m[1]", { retryable: true })
    run.succeed("m[2]")
    assert.deepStrictEqual(run.offered, ["m"])
    run.succeed("m")
    assert.strictEqual(run.state.finished?.status, "failed")
  })

  it("an item of a stopped map does not ask an operator", () => {
    const ask = { ...each, retry: { attempts: 1 }, onFailure: "ask" as const }
    const run = new RunDriver(flow([
      { id: "m", type: "map", over: [1, 2, 3, 4, 5], parallel: 3, each: ask }
    ]))
    run.fail("m[0]")
    run.ask({ type: "ResolveStep", at: run.at, path: "m[0]", action: "abort" })
    run.fail("m[1]")
    run.succeed("m[2]")
    run.succeed("m[3]")
    assert.deepStrictEqual(run.offered, ["m"])
  })

  it("a map whose last item's call has an unknown outcome ends with the closing run", () => {
    const irreversible = { ...each, effect: "irreversible" as const }
    const run = new RunDriver(
      flow([{ id: "m", type: "map", over: [1], each: irreversible }, transform("other")])
    )
    run.ask({ type: "StartCall", at: run.at, path: "m[0]", attempt: 1, key: "k" })
    run.fail("other")
    run.ask({ type: "LoseDelivery", at: run.at, path: "m[0]", attempt: 1 })
    assert.strictEqual(run.state.finished?.status, "failed")
  })

  it("an item that waits because its call's outcome is unknown fails when its map stops", () => {
    const irreversible = { ...each, effect: "irreversible" as const, retry: { attempts: 1 } }
    const run = new RunDriver(flow([{ id: "m", type: "map", over: [1, 2, 3, 4], parallel: 2, each: irreversible }]))
    run.ask({ type: "StartCall", at: run.at, path: "m[0]", attempt: 1, key: "k" })
    run.fail("m[0]", { kind: "timeout", sent: true })
    run.fail("m[1]")
    const table = run.state.maps.get(0)
    assert.strictEqual(table?.note(0)?.error?.code, "OUTCOME_UNKNOWN")
    assert.deepStrictEqual(
      [0, 1, 2, 3].map((item) => table?.status(item)),
      ["failed", "failed", "queued", "cancelled"]
    )
    run.succeed("m[2]")
    assert.deepStrictEqual(run.offered, ["m"])
  })

  it("an item may be sent back by operators more often than a byte counts", () => {
    const ask = { ...each, retry: { attempts: 1 }, onFailure: "ask" as const }
    const run = new RunDriver(flow([{ id: "m", type: "map", over: [1], each: ask }]))
    for (let round = 1; round <= 300; round++) {
      assert.strictEqual(run.attempt("m[0]"), round)
      run.fail("m[0]")
      run.ask({ type: "ResolveStep", at: run.at, path: "m[0]", action: "retry" })
    }
  })
})

describe("lost deliveries (SEMANTICS 8.2b)", () => {
  const lose = (run: RunDriver, way: number) =>
    way === 0
      ? run.ask({ type: "LoseDelivery", at: run.at, path: "a", attempt: 1 })
      : run.ask({ type: "AdoptRun", at: run.at, session: "s", epoch: run.state.epoch + 1 })

  it("are offered again as the same attempt; the third fails the step, an orderly hand-over is none", () => {
    for (const way of [0, 1]) {
      const run = new RunDriver(flow([transform("a")]))
      lose(run, way)
      lose(run, 1 - way)
      run.ask({ type: "AdoptRun", at: run.at, session: "s", epoch: run.state.epoch + 1, orderly: true })
      assert.strictEqual(run.attempt("a"), 1)
      lose(run, way)
      assert.strictEqual(run.state.finished?.code, "POISON")
    }
  })

  it("what was lost twice is begun alone, in order: the third death is the death of one step", () => {
    const run = new RunDriver(flow([
      { ...transform("a"), onFailure: "continue" },
      { id: "m", type: "map", over: [1, 2], each: { type: "transform", value: 1 }, tolerate: { failures: 1 } }
    ]))
    lose(run, 1)
    assert.isUndefined(Suspect.first(run.state))
    lose(run, 1)
    assert.deepStrictEqual(Suspect.first(run.state), { path: "a", attempt: 1 })
    const [, first] = explain(run.state, run.at)
    assert.deepInclude(first, { reason: "queued", path: "m[0]", door: "a ends" })
    run.succeed("a")
    assert.deepStrictEqual(Suspect.first(run.state), { path: "m[0]", attempt: 1 })
    assert.deepStrictEqual(Suspect.first(run.state, (type) => type === "http"), undefined)
    lose(run, 1)
    assert.deepStrictEqual(run.offered, ["m[1]"])
    run.succeed("m[1]")
    run.succeed("m")
    assert.strictEqual(run.state.finished?.status, "warned")
  })
})

describe("effects (SEMANTICS 8.11)", () => {
  it("an irreversible call that was stopped half way is not made again by itself", () => {
    const pay = {
      id: "pay",
      type: "function" as const,
      function: "pay",
      effect: "irreversible" as const,
      retry: { attempts: 3 }
    }
    const run = new RunDriver(flow([pay]))
    run.ask({ type: "StartCall", at: run.at, path: "pay", attempt: 1, key: "k" })
    run.answer("pay", { ok: "interrupted" })
    assert.strictEqual(run.status("pay"), "waiting")
  })
})

describe("versions (SEMANTICS 8.13c)", () => {
  it("a run made under other rules can be read and refuses every command, an adoption too", () => {
    const run = new RunDriver(flow([transform("work")]))
    run.state.semantics = 99
    const ask = (command: Command) => decide(run.state, command)
    const at = run.at
    for (
      const command of [
        { type: "AdoptRun", at, session: "s", epoch: 2 },
        { type: "CancelRun", at },
        { type: "CompleteStep", at, path: "work", attempt: 1, outcome: { ok: true, output: { v: 1 } } }
      ] satisfies ReadonlyArray<Command>
    ) {
      const decision = ask(command)
      assert.strictEqual(decision.kind === "refused" ? decision.refusal.code : decision.kind, "SEMANTICS_UNKNOWN")
    }
  })
})
