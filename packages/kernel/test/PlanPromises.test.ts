/** K6 over random runs whose plans people change: what a patch may touch, read off the documents alone. */
import * as Compile from "@baton/kernel/Compile"
import { decide } from "@baton/kernel/Decide"
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { fingerprint } from "./random/Fingerprint.ts"
import * as MixedWorld from "./random/MixedWorld.ts"
import type { Decided } from "./random/RandomRun.ts"
import { RandomRun } from "./random/RandomRun.ts"

const worlds = 1_200

/** Runs of worlds that are patched. */
const over = (watch: (decided: Decided, seed: number) => void): ReadonlyArray<RandomRun> => {
  const runs: Array<RandomRun> = []
  for (let seed = 1; seed <= worlds; seed++) {
    const world = MixedWorld.make(seed)
    if (!world.mix.patches) continue
    const noise = { harmless: 0.1, harmful: seed % 3 === 0 ? 0.1 : 0 }
    try {
      runs.push(new RandomRun(world, seed, noise, (decided) => watch(decided, seed)).run())
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
  return runs
}

const patching = new Set(["ProposePatch", "DecidePatch", "RevertPatch"])

const eventsOf = ({ decision }: Decided): ReadonlyArray<Event> => decision.kind === "events" ? decision.events : []

const byId = (flow: Flow.Flow): ReadonlyMap<string, string> =>
  new Map(flow.nodes.map((node) => [node.id, JSON.stringify(node)]))

const statusOf = (state: RunState.RunState, id: string): string => {
  const node = state.plan.byId.get(id)
  return node === undefined ? "absent" : state.nodes.get(node.index).status
}

const edgesOf = ({ edges }: Flow.Flow): ReadonlyArray<string> => edges.map((edge) => JSON.stringify(edge))

const targetOf = (edge: string): string => (JSON.parse(edge) as Flow.Edge).to

/** Ids along which the edges lead back to where they came from; none in a sound document. */
const circle = ({ edges, nodes }: Flow.Flow): ReadonlyArray<string> => {
  const open = new Map(nodes.map(({ id }) => [id, edges.filter(({ to }) => to === id).length]))
  for (let free = [...open].filter(([, n]) => n === 0); free.length > 0;) {
    for (const [id] of free) {
      open.delete(id)
      for (const { from, to } of edges) if (from === id) open.set(to, (open.get(to) ?? 0) - 1)
    }
    free = [...open].filter(([, n]) => n === 0)
  }
  return [...open.keys()]
}

const agents = ({ nodes }: Flow.Flow): number =>
  nodes.filter((node) => node.type === "agent" || ("each" in node && node.each?.type === "agent")).length

/** A plan without what compares by identity. */
const outline = (plan: Plan): unknown => ({
  nodes: plan.nodes.map(({ branch, effect, id, incoming, index, join, outgoing, type }) => ({
    id,
    index,
    type,
    join,
    branch,
    effect,
    incoming: incoming.map(({ from, on, ordinal, to }) => [from, to, on, ordinal]),
    outgoing: outgoing.map(({ from, on, ordinal, to }) => [from, to, on, ordinal])
  })),
  sinks: plan.sinks,
  callers: plan.callers,
  limits: plan.limits
})

describe("K6", () => {
  it("K6: a patch changes nothing that has started, keeps the plan a plan, and is one revision", () => {
    let patched = 0
    over((decided, seed) => {
      if (!eventsOf(decided).some((event) => event.type === "PlanPatched")) return
      patched++
      const { before, command } = decided
      if (command.type === "ProposePatch") assert.strictEqual(command.base, before.plan.revision)
      const after = RunState.fork(before)
      for (const event of eventsOf(decided)) evolve(after, event)
      const [old, now] = [byId(before.plan.document), byId(after.plan.document)]
      for (const [id, node] of old) {
        if (now.get(id) !== node) assert.strictEqual(statusOf(before, id), "pending", `seed ${seed}: ${id}`)
      }
      const [oldEdges, nowEdges] = [edgesOf(before.plan.document), edgesOf(after.plan.document)]
      const moved = [
        ...nowEdges.filter((edge) => !oldEdges.includes(edge)),
        ...oldEdges.filter((edge) => !nowEdges.includes(edge))
      ]
      for (const edge of moved) {
        assert.include(["pending", "absent"], statusOf(before, targetOf(edge)), `seed ${seed}: ${edge}`)
      }
      const { document, limits, revision } = after.plan
      assert.strictEqual(now.size, document.nodes.length, `seed ${seed}: an id is there twice`)
      assert.deepStrictEqual(circle(document), [], `seed ${seed}`)
      assert.isAtMost(agents(document), limits.agents)
      assert.strictEqual(revision, before.plan.revision + 1)
    })
    assert.isAbove(patched, 100)
  }, 60_000)

  it("K6: a patch that is refused leaves the run as it was, to the last byte", () => {
    let refused = 0
    over(({ before, command, decision }, seed) => {
      if (patching.has(command.type) && decision.kind === "refused") {
        refused++
        const mark = fingerprint(before)
        assert.strictEqual(JSON.stringify(decide(before, command)), JSON.stringify(decision))
        assert.strictEqual(fingerprint(before), mark, `seed ${seed}`)
      }
    })
    assert.isAbove(refused, 300)
  }, 60_000)

  it("K6: the frozen plan and the journal give the plan as it stands, and so does compiling its document", () => {
    for (const run of over(() => undefined)) {
      const replayed = RunState.empty(run.plan)
      for (const event of JSON.parse(JSON.stringify(run.events)) as ReadonlyArray<Event>) evolve(replayed, event)
      assert.strictEqual(fingerprint(replayed), fingerprint(run.state))
      const { plan } = run.state
      const compiled = Result.getOrThrow(Compile.compile(plan.document))
      assert.deepStrictEqual(outline(compiled), outline(plan))
    }
  }, 60_000)
})
