/** The promises of patches over random plans, random patches and random moments. */
import * as Ancestors from "@baton/kernel/Ancestors"
import * as CanonicalText from "@baton/kernel/CanonicalText"
import * as Compile from "@baton/kernel/Compile"
import { evolve } from "@baton/kernel/Evolve"
import * as Invariants from "@baton/kernel/Invariants"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { Plan, PlanEdge } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { Chance } from "./random/Chance.ts"
import * as FlowWorld from "./random/FlowWorld.ts"
import * as RandomPatch from "./random/RandomPatch.ts"
import { RunDriver } from "./RunDriver.ts"

const seeds = 300
const turns = 60

const edgeOf = (
  { from, on, ordinal, otherwise, to, when }: PlanEdge
) => [from, to, ordinal, on, otherwise, when?.source]

/** What a plan is for the machine; expressions by their source. */
const shapeOf = (plan: Plan) => ({
  rest: { ...plan, document: 0, nodes: 0, byId: 0, edges: 0, output: 0, problems: 0 },
  edges: plan.edges.map(edgeOf),
  nodes: plan.nodes.map((node) => ({
    id: node.id,
    index: node.index,
    type: node.type,
    join: node.join,
    when: node.when?.source,
    incoming: node.incoming.map(edgeOf),
    outgoing: node.outgoing.map(edgeOf),
    ancestors: [...Ancestors.of(plan, node.index)].toSorted((a, b) => a - b),
    fields: Object.keys(node.fields),
    retry: node.retry,
    effect: node.effect,
    body: node.each?.body.type
  }))
})

const move = (run: RunDriver, chance: Chance): boolean => {
  const offers = Outstanding.offered(run.state)
  if (offers.length > 0 && chance.is(0.7)) {
    const { path } = chance.pick(offers)
    if (chance.is(0.2)) run.fail(path)
    else run.succeed(path, { n: chance.int(0, 9), items: [1, 2] })
    return true
  }
  return run.ring() || offers.length > 0
}

const patch = (run: RunDriver, chance: Chance, id: string): boolean => {
  const before = run.state.plan
  const hash = CanonicalText.address(before.document)
  const settled = new Map(before.nodes.map((node) => [node.id, run.state.nodes.get(node.index).status]))
  const operations = RandomPatch.make(chance, run.state, `p${id}`)
  const answer = run.ask({
    type: "ProposePatch",
    at: ++run.at,
    id: `pat_${id}`,
    base: chance.is(0.95) ? before.revision : before.revision + 1,
    operations
  })
  assert.isUndefined(run.state.sealed)
  if ("code" in answer) {
    assert.strictEqual(run.state.plan, before, answer.code)
    assert.strictEqual(CanonicalText.address(before.document), hash, "K6: a refused patch leaves the plan as it was")
    return false
  }
  const { plan } = run.state
  for (const node of before.nodes) {
    const was = settled.get(node.id)
    if (was === undefined || was === "pending") continue
    const now = plan.byId.get(node.id)
    assert.isDefined(now, `K6: ${node.id} was ${was} and is gone`)
    assert.deepStrictEqual(now?.definition, node.definition, `K6: ${node.id} was ${was} and has changed`)
  }
  const whole = Result.getOrThrow(Compile.compile(plan.document, { revision: plan.revision }))
  assert.deepStrictEqual(shapeOf(plan), shapeOf(whole), "what was kept is what the whole compiler makes")
  return true
}

describe("patches of random runs", () => {
  it("K6, K9: only what is pending changes, every promise holds, and the journal folds to the same plan", () => {
    let accepted = 0
    let refused = 0
    for (let seed = 0; seed < seeds; seed++) {
      const chance = new Chance(seed)
      const world = FlowWorld.make(seed, { ...FlowWorld.options, nodesMax: 8 })
      const run = new RunDriver(
        { ...world.flow, limits: { ...world.flow.limits, agents: 12, patches: 50 } },
        world.input
      )
      for (let turn = 0; turn < turns && run.state.finished === undefined; turn++) {
        if (chance.is(0.5)) {
          if (patch(run, chance, `${seed}x${turn}`)) accepted++
          else refused++
        } else if (!move(run, chance)) break
        assert.deepStrictEqual(Invariants.violations(run.state), [], `seed ${seed}, turn ${turn}`)
      }
      const again = RunState.empty(run.plan)
      for (const event of JSON.parse(JSON.stringify(run.events))) evolve(again, event)
      assert.isUndefined(again.sealed)
      assert.strictEqual(CanonicalText.address(again.plan.document), CanonicalText.address(run.state.plan.document))
      for (const node of again.plan.nodes) {
        assert.deepStrictEqual(again.nodes.get(node.index), run.state.nodes.get(node.index), `seed ${seed}: ${node.id}`)
      }
    }
    assert.isAbove(accepted, 250, "enough patches were taken")
    assert.isAbove(refused, 300, "and enough refused")
  })
})
