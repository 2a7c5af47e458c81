/**
 * Random worlds with everything in them that people, patches and other runs decide: approvals, checkpoints, calls of flows,
 * repeats, plans that change. When somebody does something decides how they end, so that no oracle predicts them: they are
 * asked for the promises alone.
 */
import type * as Flow from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import { Chance } from "./Chance.ts"
import * as FlowWorld from "./FlowWorld.ts"

type Fields = { [key: string]: Json }

/** What is mixed into a world. */
export interface Mix {
  readonly approvals: boolean
  readonly checkpoints: boolean
  readonly calls: boolean
  readonly repeats: boolean
  /** People patch the plan while the run goes on. */
  readonly patches: boolean
  /** What agents use is limited, and raised when it is spent. */
  readonly budget: boolean
}

export interface MixedWorld extends FlowWorld.World {
  readonly mix: Mix
}

export const isMixed = (world: FlowWorld.World): world is MixedWorld => "mix" in world

/** The flows that a world's steps may call, as a pinned document names them. */
export interface Called {
  readonly name: string
  readonly version: string
  readonly hash: string
}

/** Where nothing plays the child, any address will do. */
const anyFlow: Called = { name: "inner", version: "1.0.0", hash: `sha256:${"0".repeat(64)}` }

/** People, the first of whom starts runs; `group:g` holds the last two. */
export const people = ["ann", "bob", "cy", "dee"] as const
export const groupsOf = (person: string): ReadonlyArray<string> => person === "cy" || person === "dee" ? ["g"] : []

const draw = (chance: Chance): Mix => ({
  approvals: chance.is(0.6),
  checkpoints: chance.is(0.4),
  calls: chance.is(0.4),
  repeats: chance.is(0.4),
  patches: chance.is(0.5),
  budget: chance.is(0.4)
})

const asking = (chance: Chance, timeout: string): Fields => ({
  question: "Shall it go on with ${ input.n }?",
  ...(chance.is(0.4) ? { timeout, onTimeout: chance.pick(["approve", "reject"]) } : {}),
  ...(chance.is(0.3) ? { approvers: chance.pick([["bob", "cy"], ["group:g"], ["ann", "group:g"]]) } : {}),
  ...(chance.is(0.3) ? { quorum: 2 } : {}),
  ...(chance.is(0.3) ? { options: ["ship", { name: "drop", decision: "reject" }] } : {}),
  ...(chance.is(0.2) ? { requesterMayApprove: true } : {})
})

const follower = (chance: Chance, id: string): Fields => ({
  id,
  type: chance.pick(["function", "transform"]),
  ...(chance.is(0.5) ? { onFailure: chance.pick<Json>(["continue", { fallback: { n: 1 } }]) } : {})
})

const bodied = (fields: Fields): Fields =>
  fields["type"] === "function" ? { ...fields, function: "f" } : { ...fields, value: "${ input.n }" }

/** Adds nodes to a document, each behind some of those that are there. */
class Growing {
  readonly nodes: Array<Fields>
  readonly edges: Array<Fields>
  readonly #chance: Chance

  constructor(flow: Flow.Flow, chance: Chance) {
    this.nodes = [...flow.nodes as unknown as ReadonlyArray<Fields>]
    this.edges = [...flow.edges as unknown as ReadonlyArray<Fields>]
    this.#chance = chance
  }

  /** `ons`: the outcomes that something follows. */
  add(node: Fields, ons: ReadonlyArray<string>): void {
    const chance = this.#chance
    const id = String(node["id"])
    for (const source of this.nodes) {
      // A branch has its ways already.
      if (source["branch"] !== undefined || !chance.is(1.2 / this.nodes.length)) continue
      this.edges.push({ from: source["id"] ?? "", to: id, ...(chance.is(0.5) ? { on: "always" } : {}) })
    }
    this.nodes.push(node)
    for (const [index, on] of ons.entries()) {
      if (!chance.is(0.6)) continue
      const next = bodied(follower(chance, `${id}f${index}`))
      this.nodes.push(next)
      this.edges.push({ from: id, to: next["id"] ?? "", on })
    }
  }
}

/** What agents of a world do with its money. */
export const habits = { silent: 0.1, greedy: 0.1, noise: 0.05 }

const work = (chance: Chance): Fields => bodied({ type: chance.pick(["function", "transform"]) })

const calling = (chance: Chance, called: Called): Fields => ({
  type: "flow",
  flow: { ...called },
  input: { n: "${ input.n }", items: [] },
  ...(chance.is(0.3) ? { timeout: "40s" } : {})
})

const checkpoints = (growing: Growing, chance: Chance): void => {
  for (const node of growing.nodes) {
    const able = ["function", "transform", "http", "agent", "file"].includes(String(node["type"]))
    if (able && chance.is(0.3)) node["checkpointAfter"] = chance.is(0.5) ? true : asking(chance, "90s")
  }
}

export const make = (
  seed: number,
  own: FlowWorld.WorldOptions = FlowWorld.options,
  called: Called = anyFlow
): MixedWorld => {
  const chance = new Chance(seed ^ 0x5eed)
  const world = FlowWorld.make(seed, { ...own, nodesMax: Math.ceil(own.nodesMax / 2) })
  const mix = draw(chance)
  const growing = new Growing(structuredClone(world.flow), chance)
  const some = (most: number): ReadonlyArray<number> => Array.from({ length: chance.int(1, most) }, (_, index) => index)
  if (mix.approvals) {
    for (const index of some(2)) {
      growing.add({ id: `ask${index}`, type: "approval", ...asking(chance, own.eventTimeout) }, [
        "approved",
        "rejected",
        "always"
      ])
    }
  }
  if (mix.calls) {
    growing.add({ id: "call", ...calling(chance, called) }, ["success", "always"])
    if (chance.is(0.5)) {
      const over = Array.from({ length: chance.int(1, 3) }, (_, index) => index)
      growing.add({ id: "calls", type: "map", over, parallel: 2, each: calling(chance, called) }, ["success"])
    }
  }
  if (mix.repeats) {
    growing.add({ id: "again", type: "repeat", each: work(chance), until: "last.n > 4", max: 4 }, ["success", "always"])
  }
  if (mix.budget) {
    growing.add({ id: "agent", type: "agent", agent: { instructions: "do" }, retry: { attempts: 2, initial: "1s" } }, [
      "success",
      "always"
    ])
  }
  if (mix.checkpoints) checkpoints(growing, chance)
  const agents = growing.nodes.filter((node) => JSON.stringify(node).includes(`"type":"agent"`)).length
  const flow = {
    ...world.flow,
    limits: { ...world.flow.limits, agents: agents + 1, patches: 8 },
    nodes: growing.nodes,
    edges: growing.edges
  } as unknown as Flow.Flow
  return { ...world, flow, mix }
}
