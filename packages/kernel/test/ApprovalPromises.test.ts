/** The promises that approvals touch, in random runs: each seed is a flow, people, clocks and owners in a random order. */
import * as Decide from "@baton/kernel/Decide"
import * as Doors from "@baton/kernel/Doors"
import { evolve } from "@baton/kernel/Evolve"
import { explain } from "@baton/kernel/Explain"
import * as Invariants from "@baton/kernel/Invariants"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import { ApprovalRun, fingerprint } from "./random/ApprovalRun.ts"
import * as Junk from "./random/Junk.ts"

const seeds = 400
const steps = 60

const runs = (check: (run: ApprovalRun, seed: number) => void) => {
  for (let seed = 1; seed <= seeds; seed++) check(new ApprovalRun(seed), seed)
}

describe("approvals in random runs", () => {
  it("K2: exactly one decision of an approval counts, under any interleaving, and what follows is in its record", () =>
    runs((run, seed) => {
      for (let step = 0; step < steps; step++) run.ask(run.step())
      const decided = run.events.flatMap((event) => event.type === "ApprovalDecided" ? [event.id] : [])
      assert.strictEqual(new Set(decided).size, decided.length, `seed ${seed}: an approval was decided twice`)
      assert.deepStrictEqual([...run.state.decisions.keys()].toSorted(), decided.toSorted())
      const asked = run.events.flatMap((event) =>
        event.type === "StepWaiting" && event.wait.kind === "approval" ? [event.wait.id] : []
      )
      assert.strictEqual(new Set(asked).size, asked.length, `seed ${seed}: two approvals have one id`)
    }))

  it("K2: an approval goes through only with as many different approvers as its quorum, or by the flow's time rule", () =>
    runs((run, seed) => {
      for (let step = 0; step < steps; step++) run.ask(run.step())
      const quorum = new Map<string, number>()
      const voters = new Map<string, ReadonlyArray<string>>()
      for (const event of run.events) {
        if (event.type === "StepWaiting" && event.wait.kind === "approval") quorum.set(event.wait.id, event.wait.quorum)
        if (event.type === "ApprovalVoted") voters.set(event.id, [...voters.get(event.id) ?? [], event.by])
        if (event.type !== "ApprovalDecided" || event.cause === "timeout") continue
        if (!["approve", "continue", "answer", "later"].includes(event.decision)) continue
        const all = new Set([...voters.get(event.id) ?? [], event.by])
        assert.strictEqual(all.size, quorum.get(event.id), `seed ${seed}: ${event.id} with ${[...all].join()}`)
      }
    }))

  it("K3, K8: what is refused or stale leaves the state as it was, and nothing throws", () =>
    runs((run, seed) => {
      for (let step = 0; step < steps; step++) {
        const command = run.step()
        const before = fingerprint(run.state)
        const decision = Decide.decide(run.state, command)
        assert.strictEqual(fingerprint(run.state), before, `seed ${seed}: decide changed the state`)
        if (decision.kind === "refused") assert.match(decision.refusal.code, /^[A-Z_]+$/)
        Decide.decideUnknown(run.state, Junk.garble(run.chance, command as unknown as Json))
        assert.strictEqual(fingerprint(run.state), before, `seed ${seed}: junk changed the state`)
        run.ask(command)
      }
    }))

  it("K4, K12: what waits for people is not finished, has a reason with a door, and can be ended by them", () =>
    runs((run, seed) => {
      for (let step = 0; step < steps; step++) {
        run.ask(run.step())
        assert.deepStrictEqual(Invariants.violations(run.state), [], `seed ${seed}`)
        if (run.waits.length === 0) continue
        assert.isUndefined(run.state.finished, `seed ${seed}`)
        const paths = explain(run.state, run.at).filter(({ reason }) => reason === "approval" || reason === "input")
        assert.deepStrictEqual(paths.map(({ path }) => path), run.waits.map(({ path }) => path), `seed ${seed}`)
      }
      assert.isTrue(run.finish(), `seed ${seed} does not end`)
    }))

  it("K9: doors kept up by the events alone are those of the state, and of the journal folded again", () =>
    runs((run, seed) => {
      const sorted = (doors: Iterable<Doors.Door>) => [...doors].toSorted((a, b) => a.id < b.id ? -1 : 1)
      for (let step = 0; step < steps; step++) {
        run.ask(run.step())
        assert.deepStrictEqual(sorted([...run.held.values()].flat()), sorted(Doors.doors(run.state)), `seed ${seed}`)
      }
      const again = RunState.empty(run.plan)
      for (const event of run.events) evolve(again, event)
      assert.isUndefined(again.sealed)
      assert.strictEqual(fingerprint(again), fingerprint(run.state), `seed ${seed}`)
    }))
})
