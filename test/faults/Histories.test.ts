/** Runs that older versions have made go on under this one as if nothing had happened. */
import { decide } from "@baton/kernel/Decide"
import { evolve } from "@baton/kernel/Evolve"
import { violations } from "@baton/kernel/Invariants"
import * as RunState from "@baton/kernel/RunState"
import { assert, describe, it } from "vitest"
import { fingerprint } from "../../packages/kernel/test/random/Fingerprint.ts"
import { compile, flow, RunDriver } from "../../packages/kernel/test/RunDriver.ts"
import { ending, histories } from "./History.ts"

describe("recorded histories", () => {
  it("fault 10: there are some", () => {
    assert.isAbove(histories().length, 3)
  })

  for (const [name, history] of histories()) {
    it(`fault 10: ${name} is decided as it was, and folds to the state it had`, () => {
      const state = RunState.empty(compile(history.flow))
      for (const { command, events } of history.turns) {
        const decision = decide(state, command)
        assert.strictEqual(JSON.stringify(decision), JSON.stringify({ kind: "events", events }), `seq ${state.seq}`)
        for (const event of events) evolve(state, event)
        assert.deepStrictEqual(violations(state), [])
      }
      assert.isUndefined(state.sealed)
      assert.deepStrictEqual(ending(state), history.end)
    })

    it(`K9: ${name} folds to one state, in one go and from any point on`, () => {
      const events = history.turns.flatMap((turn) => turn.events)
      const whole = RunState.empty(compile(history.flow))
      for (const event of events) evolve(whole, event)
      const half = RunState.empty(compile(history.flow))
      for (const event of events.slice(0, events.length >> 1)) evolve(half, event)
      // A view takes the place of a snapshot: the state so far, and the tail on top of it.
      const view = RunState.fork(half)
      for (const event of events.slice(events.length >> 1)) evolve(view, event)
      assert.strictEqual(fingerprint(view), fingerprint(whole))
    })
  }

  it("fault 10: an event that this version does not know seals its run, and a run under other rules refuses commands", () => {
    const run = new RunDriver(flow([{ id: "a", type: "wait", event: "e" }]))
    const unknown = { type: "StepTeleported", v: 1, at: run.at, path: "a" }
    const sealed = evolve(RunState.fork(run.state), unknown as never)
    assert.include(sealed.sealed, "StepTeleported")
    const cancel = { type: "CancelRun" as const, at: run.at }
    assert.deepInclude(decide(sealed, cancel), { kind: "refused" })
    const other = RunState.fork(run.state)
    other.semantics = 99
    const refused = decide(other, cancel)
    assert.strictEqual(refused.kind === "refused" ? refused.refusal.code : "", "SEMANTICS_UNKNOWN")
  })
})
