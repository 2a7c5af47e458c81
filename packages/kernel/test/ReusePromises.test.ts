/** Promises of runs made from other runs, over random worlds, events to branch at, and noise. */
import { evolve } from "@baton/kernel/Evolve"
import { explain } from "@baton/kernel/Explain"
import { reasons } from "@baton/kernel/ExplainWait"
import { violations } from "@baton/kernel/Invariants"
import * as ReusePlan from "@baton/kernel/ReusePlan"
import * as RunState from "@baton/kernel/RunState"
import { SourceRun } from "@baton/kernel/SourceRun"
import { assert, describe, it } from "vitest"
import { Chance } from "./random/Chance.ts"
import { fingerprint } from "./random/Fingerprint.ts"
import * as FlowWorld from "./random/FlowWorld.ts"
import * as MixedWorld from "./random/MixedWorld.ts"
import { RandomRun } from "./random/RandomRun.ts"

const noise = { harmless: 0.1, harmful: 0.05 }
const worldOf = (seed: number): FlowWorld.World => seed % 2 === 0 ? FlowWorld.make(seed) : MixedWorld.make(seed)

interface Branch {
  readonly source: RandomRun
  readonly at: SourceRun
  readonly plan: ReusePlan.ReusePlan
  readonly made: RandomRun
  /** States of the new run, before each of its records. */
  readonly seen: ReadonlyArray<string>
}

const branch = (seed: number): Branch => {
  const chance = new Chance(seed + 7_000_000)
  const world = worldOf(seed)
  const source = new RandomRun(world, seed, noise).run()
  const kind = chance.is(0.5) ? "fork" : "retry"
  const at = new SourceRun(source.plan, kind === "retry" ? undefined : chance.int(1, source.events.length))
  for (const event of source.events) at.fold(event)
  const flow = at.state.plan.document
  const seen: Array<string> = []
  const made = new RandomRun({ ...world, flow }, seed, noise, ({ before }) => {
    seen.push(...violations(before))
    for (const { door, reason } of explain(before, before.lastAt)) {
      if (door === "" || !reasons.includes(reason)) seen.push(`K12: ${reason} has no door`)
    }
  })
  const plan = ReusePlan.make(at, {
    plan: made.plan,
    kind,
    again: new Set(),
    allowIrreversible: chance.is(0.3)
  })
  const { guarded, maps, started, steps, warnings } = plan
  made.run({ lineage: { run: "run_0", seq: at.state.seq, kind }, steps, maps, guarded, started, warnings, changes: [] })
  seen.push(...violations(made.state))
  return { source, at, plan, made, seen }
}

const over = (worlds: number, body: (branch: Branch) => void): void => {
  for (let seed = 1; seed <= worlds; seed++) {
    try {
      body(branch(seed))
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

describe("runs made from other runs", () => {
  it("K1, K4, K10, K11, K12: keep the promises of any run, from their first record to their end", () => {
    over(300, ({ made, seen }) => {
      assert.deepStrictEqual(seen, [])
      assert.isUndefined(made.state.sealed)
      assert.isDefined(made.state.finished)
    })
  })

  it("K2: a kept step stays what it came to in the source, and never runs again", () => {
    over(200, ({ at, made, plan }) => {
      const kept = new Set(plan.steps.map(({ path }) => path))
      for (const event of made.events) {
        if (event.type !== "StepsDispatched") continue
        for (const [path] of event.steps) assert.isFalse(kept.has(path), path)
      }
      for (const node of made.plan.nodes) {
        const was = at.state.plan.byId.get(node.id)
        if (!kept.has(node.id) || was === undefined) continue
        const now = made.state.nodes.get(node.index)
        const before = at.state.nodes.get(was.index)
        assert.strictEqual(now.status, before.status)
        assert.deepStrictEqual(now.output, before.output)
      }
    })
  })

  it("K9: fold from their journal's text to the state of the one who wrote it", () => {
    over(100, ({ made }) => {
      const state = RunState.empty(made.plan)
      for (const event of JSON.parse(JSON.stringify(made.events))) evolve(state, event)
      assert.strictEqual(fingerprint(state), fingerprint(made.state))
    })
  })

  it("an irreversible step that the source had started runs again only after a person said so", () => {
    over(200, ({ made, plan }) => {
      const asked = new Set(plan.guarded)
      const allowed = new Set<string>()
      for (const event of made.events) {
        if (event.type === "StepReopened") allowed.add(event.path)
        if (event.type !== "StepsDispatched") continue
        for (const [path] of event.steps) if (asked.has(path)) assert.isTrue(allowed.has(path), path)
      }
    })
  })
})
