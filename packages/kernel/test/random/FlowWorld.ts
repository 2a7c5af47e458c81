/** Random flows in the canonical form, each with everything that steers a run. Every flow compiles without errors. */
import type * as Flow from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import { Chance } from "./Chance.ts"
import type { Outcomes } from "./Outcomes.ts"

export interface World {
  readonly flow: Flow.Flow
  readonly input: Json
  readonly outcomes: Outcomes
}

export interface WorldOptions {
  readonly nodesMax: number
  readonly itemsMax: number
  /** Irreversible effects and operators: their runs depend on what else happens. */
  readonly irreversible: boolean
  readonly large: number
  /** How long a wait is for an event that may not come. */
  readonly eventTimeout: string
}

export const options: WorldOptions = {
  nodesMax: 12,
  itemsMax: 6,
  irreversible: true,
  large: 0,
  eventTimeout: "30s"
}

type Fields = { [key: string]: Json }

const inputSize = 5

/** What a condition may read without depending on the order of events: the input, and what certainly came before. */
const condition = (chance: Chance, readable: ReadonlyArray<string>): string => {
  const source = readable.length === 0 || chance.is(0.2) ? undefined : chance.pick(readable)
  if (source === undefined) return chance.pick(["true", "false", "input.n > 4", "input.n > 1"])
  if (chance.is(0.06)) return `nodes.${source}.output.missing.deeper > 1`
  if (chance.is(0.15)) return `nodes.${source}.status == "${chance.pick(["succeeded", "failed"])}"`
  return `nodes.${source}.output.n > ${chance.int(-1, 8)}`
}

const retry = (chance: Chance): Fields => ({
  attempts: chance.int(1, 4),
  initial: chance.pick(["10ms", "1s", "5s"]),
  ...(chance.is(0.3) ? { factor: 3, max: "20s" } : {}),
  ...(chance.is(0.3) ? { on: chance.pick([["5xx"], ["network", "timeout"], ["429", "internal"]]) } : {}),
  ...(chance.is(0.2) ? { jitter: false } : {})
})

const onFailure = (chance: Chance, body: boolean): Json | undefined => {
  const way = chance.next()
  if (way < 0.25) return { fallback: { n: 7, items: [1], fell: true } }
  if (way < 0.5 && !body) return "continue"
  return way < 0.65 ? "ask" : undefined
}

const work = (chance: Chance, own: WorldOptions, body: boolean): Fields => {
  const effects = ["pure", "idempotent", "keyed", ...(own.irreversible ? ["irreversible"] : [])]
  const handled = chance.is(0.5) ? onFailure(chance, body) : undefined
  return {
    ...chance.pick<Fields>([
      { type: "transform", value: "${ input.n }" },
      { type: "function", function: "f" },
      { type: "http", url: "http://127.0.0.1/x", effect: "idempotent" },
      { type: "agent", agent: { instructions: "do" } },
      { type: "file", path: "out/x.txt", content: "x" }
    ]),
    ...(chance.is(0.4) ? { retry: retry(chance) } : {}),
    ...(chance.is(0.2) ? { effect: chance.pick(effects) } : {}),
    ...(handled === undefined ? {} : { onFailure: handled })
  }
}

const mapped = (chance: Chance, own: WorldOptions, readable: ReadonlyArray<string>): Fields => {
  const handled = chance.is(0.3) ? onFailure(chance, false) : undefined
  const source = readable.length > 0 && chance.is(0.4) ? chance.pick(readable) : undefined
  return {
    type: "map",
    over: source !== undefined
      ? `\${ nodes.${source}.output.items }`
      : chance.is(0.3)
      ? "${ input.items }"
      : Array.from({ length: chance.int(0, own.itemsMax) }, (_, index) => index),
    each: work(chance, own, true),
    ...(chance.is(0.6) ? { parallel: chance.int(1, 4) } : {}),
    ...(chance.is(0.3) ? { rate: chance.pick(["1/s", "2/s", "3/m"]) } : {}),
    ...(chance.is(0.6)
      ? { tolerate: { failures: chance.pick<Json>([0, 1, 2, "50%", "100%"]) } }
      : {}),
    ...(handled === undefined || handled === "ask" ? {} : { onFailure: handled })
  }
}

const waiting = (chance: Chance, own: WorldOptions, id: string): Fields => {
  if (chance.is(0.5)) {
    const until = chance.is(0.3)
    return { type: "wait", ...(until ? { until: "2023-11-14T22:14:00Z" } : { for: chance.pick(["1s", "45s", "0s"]) }) }
  }
  const handled = chance.pick<Json>(["fail", "continue", { fallback: { n: 3 } }])
  const timeout = chance.is(0.6) ? { timeout: own.eventTimeout, onFailure: handled } : {}
  return { type: "wait", event: `ev-${id}`, ...timeout }
}

const choosing = (chance: Chance, readable: ReadonlyArray<string>): Fields => ({
  type: "choice",
  rules: [
    ...(["left", "right"].slice(0, chance.int(1, 2)).map((name) => ({ [name]: condition(chance, readable) }))),
    { other: "otherwise" }
  ]
})

const join = (chance: Chance, incoming: number): Json | undefined => {
  if (incoming < 2 || chance.is(0.5)) return undefined
  if (chance.is(0.4)) return "any"
  return { atLeast: chance.int(1, incoming), ...(chance.is(0.5) ? { wait: true } : {}) }
}

class Drawing {
  readonly nodes: Array<Fields> = []
  readonly edges: Array<Fields> = []
  readonly #chance: Chance
  readonly #options: WorldOptions

  constructor(chance: Chance, options: WorldOptions) {
    this.#chance = chance
    this.#options = options
  }

  #edge(from: Fields, to: string): Fields {
    const chance = this.#chance
    const outcomes = from["type"] === "choice" ? (from["rules"] as Array<Fields>).flatMap(Object.keys) : []
    const failing = from["onFailure"] === undefined || from["onFailure"] === "fail"
    const way = chance.next()
    const on = way < 0.12 && failing
      ? "failure"
      : way < 0.25
      ? "always"
      : outcomes.length > 0 && way < 0.8
      ? chance.pick(outcomes)
      : undefined
    const when = chance.is(0.2) ? condition(chance, [String(from["id"])]) : undefined
    return {
      from: from["id"] ?? "",
      to,
      ...(on === undefined ? {} : { on }),
      ...(when === undefined ? {} : { when })
    }
  }

  add(index: number): void {
    const chance = this.#chance
    const id = `n${index}`
    const sources = this.nodes.filter(() => chance.is(Math.min(0.8, 1.6 / Math.max(1, index))))
    const edges = sources.map((source) => this.#edge(source, id))
    const joined = join(chance, edges.length)
    // Only what an `all` join has waited for is certain to have settled.
    const readable = joined === undefined ? sources.map((source) => String(source["id"])) : []
    const way = chance.next()
    const fields = way < 0.55
      ? work(chance, this.#options, false)
      : way < 0.7
      ? mapped(chance, this.#options, readable)
      : way < 0.85
      ? choosing(chance, readable)
      : waiting(chance, this.#options, id)
    const when = chance.is(0.12) ? condition(chance, readable) : undefined
    this.edges.push(...edges)
    this.nodes.push({
      id,
      ...fields,
      ...(joined === undefined ? {} : { join: joined }),
      ...(when === undefined ? {} : { when })
    })
  }

  /** Some sources with several edges become branches: the first true edge is taken. */
  branch(): void {
    for (const node of this.nodes) {
      const outgoing = this.edges.filter((edge) => edge["from"] === node["id"])
      if (outgoing.length < 2 || !this.#chance.is(0.25)) continue
      const last = outgoing.at(-1)
      if (last === undefined) continue
      node["branch"] = "first"
      delete last["when"]
      last["otherwise"] = true
    }
  }
}

export const make = (seed: number, own: WorldOptions = options): World => {
  const chance = new Chance(seed)
  const drawing = new Drawing(chance, own)
  const count = chance.int(1, own.nodesMax)
  for (let index = 0; index < count; index++) drawing.add(index)
  drawing.branch()
  const flow: Fields = {
    name: `world-${seed}`,
    nodes: drawing.nodes,
    edges: drawing.edges,
    limits: { parallel: chance.pick([1, 2, 3, 8]), agents: 100, ...(chance.is(0.1) ? { deadline: "90s" } : {}) },
    ...(chance.is(0.3) ? { output: `\${ nodes.${String(chance.pick(drawing.nodes)["id"])}.output }` } : {})
  }
  return {
    flow: flow as unknown as Flow.Flow,
    input: { n: chance.int(0, 9), items: Array.from({ length: chance.int(0, inputSize) }, (_, index) => index) },
    outcomes: { seed, failing: chance.pick([0, 0.05, 0.15, 0.4]), large: own.large }
  }
}
