/**
 * Worlds whose steps leave receipts, hold conversations, patch their own plan and do what cannot be taken back, and whose
 * finished runs are retried and forked. All runs of one world are of one flow, so that one may be served from another's
 * receipts. Every node of these kinds is named by its kind: `rec`, `talk`, `pat`, `irr`.
 */
import type * as Flow from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import type { Chance } from "../../packages/kernel/test/random/Chance.ts"
import { Chance as Chances, fractionOf } from "../../packages/kernel/test/random/Chance.ts"
import type { WorldOptions } from "../../packages/kernel/test/random/FlowWorld.ts"
import type { Called, MixedWorld } from "../../packages/kernel/test/random/MixedWorld.ts"
import * as MixedWorlds from "../../packages/kernel/test/random/MixedWorld.ts"

type Fields = { [key: string]: Json }

/** What agents of this world may bring into its plan, as the flow says it and as the model of it knows it. */
export interface PatchTerms {
  readonly by: ReadonlyArray<string>
  readonly types: ReadonlyArray<string>
  readonly functions: ReadonlyArray<string> | undefined
  readonly into: ReadonlyArray<string>
  readonly review: "required" | "whenItGrows" | "off"
  readonly onTimeout: "approve" | "reject" | undefined
}

export interface RichWorld extends MixedWorld {
  readonly rich: {
    readonly seed: number
    readonly patching: PatchTerms | undefined
    /** `limits.stall` in milliseconds. */
    readonly stallMs: number | undefined
    readonly stallPolicy: "flag" | "fail"
    /** How long a receipt counts, in milliseconds. */
    readonly receiptMs: number
    /** Ids of the nodes that the author wrote. */
    readonly authored: ReadonlySet<string>
    /** The version of this run's handlers. */
    readonly version: string
  }
}

export const isRich = (world: object | undefined): world is RichWorld => world !== undefined && "rich" in world

/** What a step is there for, by its path; `undefined`: nothing of this world. */
export const kindOf = (path: string): "rec" | "talk" | "pat" | "irr" | undefined =>
  (["rec", "talk", "pat", "irr"] as const).find((kind) => new RegExp(`^${kind}[0-9A-Z]`).test(path))

class Growing {
  readonly nodes: Array<Fields>
  readonly edges: Array<Fields>
  readonly #chance: Chance

  constructor(flow: Flow.Flow, chance: Chance) {
    this.nodes = [...structuredClone(flow.nodes) as unknown as ReadonlyArray<Fields>]
    this.edges = [...structuredClone(flow.edges) as unknown as ReadonlyArray<Fields>]
    this.#chance = chance
  }

  /** Behind `source`, or behind some of what is there, whatever becomes of it. */
  add(node: Fields, source?: string): void {
    const chance = this.#chance
    const to = String(node["id"])
    if (source !== undefined) this.edges.push({ from: source, to })
    else {
      for (const one of this.nodes) {
        if (one["branch"] !== undefined || !chance.is(0.6 / this.nodes.length)) continue
        this.edges.push({ from: one["id"] ?? "", to, on: "always" })
      }
    }
    this.nodes.push(node)
  }
}

const agent = { type: "agent", agent: { instructions: "do" } }
const work = { type: "function", function: "f" }
const retry = { attempts: 4, initial: "1s" }

const receipts = (growing: Growing, chance: Chance, ttl: string): void => {
  const receipt = { ttl }
  growing.add({ id: "rec0", ...work, input: "${ input.n }", receipt, retry })
  if (chance.is(0.6)) growing.add({ id: "rec1", ...work, input: "${ nodes.rec0.output.n }", receipt, retry }, "rec0")
  if (chance.is(0.5)) {
    const each = { ...work, input: "${ item }", receipt, retry }
    growing.add({ id: "recM", type: "map", over: [1, 2, "${ input.n }"], each })
  }
  // These may never be served: one whose tools are worse than its node says, one that nobody has versioned, one that people
  // decide about.
  if (chance.is(0.5)) growing.add({ id: "recK", ...agent, receipt, retry })
  if (chance.is(0.5)) {
    growing.add({ id: "recC", ...work, input: "${ input.n }", receipt, retry, checkpointAfter: true })
  }
  if (chance.is(0.3)) growing.add({ id: "recU", ...work, input: "${ input.n }", receipt, retry })
}

const talks = (growing: Growing, chance: Chance): void => {
  for (let talk = chance.int(1, 2); talk > 0; talk--) {
    const effect = chance.pick(["idempotent", "keyed"])
    growing.add({ id: `talk${talk}`, ...agent, effect, retry, ...(chance.is(0.3) ? { onFailure: "ask" } : {}) })
  }
  if (chance.is(0.3)) growing.add({ id: "talkM", type: "map", over: [1, 2], each: { ...agent, retry } })
}

const irreversibles = (growing: Growing, chance: Chance): void => {
  const effect = { effect: "irreversible" }
  growing.add({ id: "irr0", ...work, ...effect, ...(chance.is(0.5) ? { retry } : {}) })
  if (chance.is(0.5)) {
    growing.add({
      id: "irrM",
      type: "map",
      over: [1, 2],
      each: { ...work, ...effect },
      tolerate: { failures: "100%" }
    })
  }
}

const patching = (growing: Growing, chance: Chance): { readonly terms: PatchTerms; readonly policy: Fields } => {
  growing.add({ id: "pat0", ...work, retry })
  if (chance.is(0.5)) growing.add({ id: "pat1", ...work, retry })
  growing.add({ id: "end", type: "transform", value: 1, join: "any" }, "pat0")
  const terms: PatchTerms = {
    by: chance.pick([["pat0"], ["pat0", "pat1"]]),
    types: chance.pick([["transform"], ["function", "transform"]]),
    functions: chance.pick([undefined, ["f"], ["f", "g"]]),
    into: chance.pick([[], ["end"]]),
    review: chance.pick(["required", "whenItGrows", "off"]),
    onTimeout: chance.pick([undefined, "approve", "reject"])
  }
  const { by, functions, into, onTimeout, review, types } = terms
  const policy: Fields = {
    by: by.filter((id) => growing.nodes.some((node) => node["id"] === id)),
    add: { types: [...types], ...(functions === undefined ? {} : { functions: [...functions] }) },
    into: [...into],
    review,
    ...(onTimeout === undefined ? {} : { timeout: "40s", onTimeout })
  }
  return { terms, policy }
}

/** All runs of one world: the same flow, other inputs, and other luck. */
export const makeAll = (seed: number, runs: number, own: WorldOptions, called: Called): ReadonlyArray<RichWorld> => {
  const chance = new Chances(seed ^ 0x71c4)
  const base = MixedWorlds.make(seed, { ...own, nodesMax: 4 }, called)
  const growing = new Growing(base.flow, chance)
  const ttlMs = chance.pick([0, 5_000, 20_000, 600_000])
  if (chance.is(0.6)) receipts(growing, chance, `${ttlMs}ms`)
  if (chance.is(0.6)) talks(growing, chance)
  if (chance.is(0.6)) irreversibles(growing, chance)
  const patch = chance.is(0.5) ? patching(growing, chance) : undefined
  const stallMs = chance.is(0.4) ? chance.pick([3_000, 15_000]) : undefined
  const stallPolicy = chance.pick(["flag", "flag", "fail"] as const)
  const agents = growing.nodes.filter((node) => JSON.stringify(node).includes(`"type":"agent"`)).length
  const flow = {
    ...base.flow,
    policy: { stall: stallPolicy, ...(patch === undefined ? {} : { patches: patch.policy }) },
    limits: {
      ...base.flow.limits,
      agents: agents + 1,
      patches: 8,
      ...(stallMs === undefined ? {} : { stall: `${stallMs}ms` })
    },
    nodes: growing.nodes,
    edges: growing.edges
  } as unknown as Flow.Flow
  const authored = new Set(growing.nodes.map((node) => String(node["id"])))
  return Array.from({ length: runs }, (_, index): RichWorld => ({
    ...base,
    flow,
    input: { n: chance.int(0, 1), items: [] },
    outcomes: { ...base.outcomes, seed: seed + index },
    rich: {
      seed: seed + index,
      patching: patch?.terms,
      stallMs,
      stallPolicy,
      receiptMs: ttlMs,
      authored,
      version: `v${chance.int(1, 2)}`
    }
  }))
}

/** The world of a run that is made from another one: the same, with other luck. */
export const again = (world: RichWorld, count: number): RichWorld => ({
  ...world,
  outcomes: { ...world.outcomes, seed: world.outcomes.seed + 1_000 * count },
  rich: { ...world.rich, seed: world.rich.seed + 1_000 * count }
})

/** How many turns an agent needs, and how many tools each of them calls; the last one calls none. */
export const scriptOf = ({ rich }: RichWorld, path: string): ReadonlyArray<number> => {
  const place = (part: string): number => fractionOf(`${rich.seed} ${part} ${path}`)
  const turns = 1 + Math.floor(place("turns") * 4)
  return Array.from(
    { length: turns },
    (_, index) => index === turns - 1 ? 0 : 1 + Math.floor(place(`calls ${index}`) * 2)
  )
}

/** What the function of a node with a receipt makes of its input: another output for another input or version. */
export const resultOf = (node: string, input: Json, version: string): Fields => ({
  of: input,
  version,
  node,
  n: Math.floor(fractionOf(`${node} ${JSON.stringify(input)} ${version}`) * 10)
})
