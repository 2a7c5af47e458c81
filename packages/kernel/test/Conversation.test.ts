/** Turns and tool calls of agents in the run machine: what is recorded counts once, and what is open is never repeated. */
import type { Command } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import type * as Flow from "@baton/kernel/Flow"
import { violations } from "@baton/kernel/Invariants"
import type { BlobRef } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "vitest"
import { Chance } from "./random/Chance.ts"
import { failure, flow, RunDriver } from "./RunDriver.ts"

const clerk: Flow.Node = {
  id: "clerk",
  type: "agent",
  agent: { instructions: "Do it." },
  retry: { attempts: 3, initial: "1s", jitter: false }
}

const ref = (n: number): BlobRef => `sha256:${String(n).padStart(64, "0")}`

const turn = (run: RunDriver, number: number, calls: number, path = "clerk"): Command => ({
  type: "RecordTurn",
  at: run.at,
  path,
  attempt: run.attempt(path),
  turn: number,
  ref: ref(number),
  bytes: 10,
  calls,
  usage: { calls: 1, inputTokens: 100, outputTokens: 10 }
})

const start = (run: RunDriver, key: string, path = "clerk"): Command => ({
  type: "StartCall",
  at: run.at,
  path,
  attempt: run.attempt(path),
  key,
  tool: "charge",
  ordinal: 1
})

const end = (run: RunDriver, key: string, path = "clerk"): Command => ({
  type: "EndCall",
  at: run.at,
  path,
  attempt: run.attempt(path),
  key,
  tool: "charge",
  ordinal: 1,
  result: inline("done")
})

const talk = (run: RunDriver) => run.state.conversations?.get("clerk")

describe("turns of an agent (SEMANTICS 8.11b)", () => {
  it("K3: a turn counts once; a repeated one yields no event, any other number than the next is refused", () => {
    const run = new RunDriver(flow([clerk]))
    assert.lengthOf(run.ask(turn(run, 1, 1)) as ReadonlyArray<Event>, 1)
    assert.deepStrictEqual(run.ask(turn(run, 1, 1)), [])
    assert.propertyVal(run.ask(turn(run, 3, 1)), "code", "TURN_STALE")
    assert.propertyVal(run.ask({ ...turn(run, 2, 1), attempt: 2 } as Command), "code", "ATTEMPT_STALE")
  })

  it("are what an automatic retry goes on behind; answers that were at fault are not", () => {
    const run = new RunDriver(flow([clerk]))
    run.ask(turn(run, 1, 1))
    run.ask(turn(run, 2, 0))
    run.fail("clerk", { kind: "http", status: 503, retryable: true, sent: true })
    assert.deepStrictEqual(talk(run)?.turns.map(({ turn }) => turn), [1, 2])
    run.ring()
    run.fail("clerk", { kind: "validation", retryable: true, sent: true })
    assert.deepStrictEqual(talk(run)?.turns.map(({ turn }) => turn), [1])
    run.ring()
    assert.lengthOf(run.ask(turn(run, 3, 0)) as ReadonlyArray<Event>, 1, "numbers are not given twice")
    run.succeed("clerk", "done")
    assert.deepStrictEqual(run.state.nodes.get(0).usage, { calls: 3, inputTokens: 300, outputTokens: 30 })
    assert.isUndefined(talk(run), "an ended step keeps its usage and nothing else")
  })

  it("and calls mean nothing to an input that an operator has changed", () => {
    const run = new RunDriver(flow([{ ...clerk, onFailure: "ask" }]))
    run.ask(turn(run, 1, 1))
    run.ask(start(run, "a"))
    run.ask(end(run, "a"))
    run.fail("clerk")
    const patch = inline({ amount: 5 })
    run.ask({ type: "ResolveStep", at: run.at, path: "clerk", action: "retry", modifications: patch })
    assert.deepInclude(talk(run), {
      last: 1,
      turns: [],
      open: 0,
      usage: { calls: 1, inputTokens: 100, outputTokens: 10 }
    })
    assert.strictEqual(talk(run)?.calls.size, 0)
  })
})

describe("irreversible tool calls", () => {
  const opened = (node: Flow.Node = clerk): RunDriver => {
    const run = new RunDriver(flow([node]))
    run.ask(turn(run, 1, 1))
    run.ask(start(run, "a"))
    return run
  }
  const parked = (run: RunDriver) => {
    const { status, wait } = run.state.nodes.get(0)
    return status === "waiting" && wait?.kind === "operator" ? wait.reason : status
  }

  it("park the step when the delivery is lost, the process dies, or the attempt fails in any way", () => {
    const lost = opened()
    lost.ask({ type: "LoseDelivery", at: lost.at, path: "clerk", attempt: 1 })
    assert.strictEqual(parked(lost), "unknown_outcome")
    const adopted = opened()
    adopted.ask({ type: "AdoptRun", at: adopted.at, session: "s", epoch: 5 })
    assert.strictEqual(parked(adopted), "unknown_outcome")
    for (const kind of ["timeout", "http", "api", "policy", "validation"] as const) {
      const failed = opened()
      failed.fail("clerk", { kind, retryable: true, sent: false })
      assert.strictEqual(parked(failed), "unknown_outcome", kind)
    }
    const stopped = opened()
    stopped.answer("clerk", { ok: "interrupted" })
    assert.strictEqual(parked(stopped), "unknown_outcome")
  })

  it("stand in nobody's way once their outcome is recorded, and are announced once", () => {
    const run = opened()
    assert.propertyVal(run.ask(start(run, "a")), "code", "CALL_STARTED")
    run.ask(end(run, "a"))
    assert.deepStrictEqual(run.ask(end(run, "a")), [])
    assert.propertyVal(run.ask(start(run, "a")), "code", "CALL_STARTED", "nor is a call made again that has ended")
    run.fail("clerk", { kind: "http", status: 503, retryable: true, sent: true })
    assert.strictEqual(run.status("clerk"), "retrying")
  })

  it("may be made again, under the same key, when an operator says so; then the step fails if the run closes", () => {
    const run = opened()
    run.fail("clerk", { kind: "timeout", sent: true })
    run.ask({ type: "ResolveStep", at: run.at, path: "clerk", action: "retry" })
    assert.strictEqual(run.attempt("clerk"), 2)
    assert.lengthOf(run.ask(start(run, "a")) as ReadonlyArray<Event>, 1)
    run.ask({ type: "CancelRun", at: run.at })
    run.answer("clerk", { ok: "interrupted" })
    assert.strictEqual(run.state.nodes.get(0).error?.code, "OUTCOME_UNKNOWN")
    assert.strictEqual(run.state.finished?.status, "cancelled")
  })

  it("park an item of a map as they park a node", () => {
    const { id: _, ...each } = clerk as Extract<Flow.Node, { type: "agent" }>
    const run = new RunDriver(flow([{ id: "all", type: "map", over: [1, 2], each }]))
    run.ask(turn(run, 1, 1, "all[1]"))
    run.ask(start(run, "a", "all[1]"))
    run.ask({ type: "AdoptRun", at: run.at, session: "s", epoch: 5 })
    assert.deepStrictEqual(run.offered, ["all[0]"])
    assert.strictEqual(run.state.maps.get(0)?.status(1), "waiting")
    run.ask({ type: "ResolveStep", at: run.at, path: "all[1]", action: "skip", output: inline("by hand") })
    assert.deepInclude(run.state.maps.get(0)?.note(1)?.usage, { calls: 1 })
  })
})

/** Anything that may happen to an agent step, in any order; a failing seed fails again. */
const wander = (seed: number): RunDriver => {
  const chance = new Chance(seed)
  const run = new RunDriver(flow([clerk]))
  for (let step = 0; step < 40 && run.state.finished === undefined; step++) {
    run.at += chance.int(0, 1_500)
    const path = "clerk"
    const key = chance.pick(["a", "b"])
    const way = chance.int(0, 9)
    if (way <= 2) run.ask(turn(run, (talk(run)?.last ?? 0) + chance.int(0, 2), chance.int(0, 1)))
    else if (way === 3) run.ask(start(run, key))
    else if (way === 4) run.ask(end(run, key))
    else if (way === 5) run.ask({ type: "LoseDelivery", at: run.at, path, attempt: run.attempt(path) })
    else if (way === 6) {
      const kind = chance.pick(["timeout", "validation", "http", "internal"] as const)
      run.answer(path, { ok: false, error: failure({ kind, retryable: chance.is(0.7), sent: chance.is(0.5) }) })
    } else if (way === 7) run.ask({ type: "AdoptRun", at: run.at, session: "s", epoch: run.state.epoch + 1 })
    else if (way === 8) run.ask({ type: "ResolveStep", at: run.at, path, action: "retry" })
    else if (!run.ring() && chance.is(0.2)) run.succeed(path)
    const wrong = violations(run.state)
    if (wrong.length > 0) throw new Error(`seed ${seed}: ${wrong.join("; ")}`)
  }
  return run
}

describe("conversations of any kind", () => {
  it("K2: an irreversible call that is open is neither retried nor offered again but by an operator", () => {
    for (let seed = 1; seed <= 600; seed++) {
      const open = new Set<string>()
      for (const event of wander(seed).events) {
        if (event.type === "CallStarted") open.add(event.key)
        else if (event.type === "CallEnded") open.delete(event.key)
        else if (event.type === "StepReopened") open.clear()
        else if (event.type === "StepsDispatched" || event.type === "StepRetryScheduled") {
          assert.deepStrictEqual([...open], [], `seed ${seed}`)
        }
      }
    }
  })

  it("K3: the numbers of turns are dense, and what they used is what the step has used", () => {
    for (let seed = 1; seed <= 600; seed++) {
      const run = wander(seed)
      const turns = run.events.flatMap((event) => event.type === "TurnRecorded" ? [event] : [])
      assert.deepStrictEqual(turns.map(({ turn }) => turn), turns.map((_, index) => index + 1), `seed ${seed}`)
      const used = talk(run)?.usage ?? run.state.nodes.get(0).usage
      assert.strictEqual(used?.calls ?? 0, turns.length, `seed ${seed}`)
    }
  })
})
