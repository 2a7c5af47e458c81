/** One simulated world: a store, some processes, some runs, people who ask things of them, and faults, all from one seed. */
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type { MemoryState } from "@baton/engine/MemoryState"
import * as MemoryStates from "@baton/engine/MemoryState"
import * as Compile from "@baton/kernel/Compile"
import type { Concurrency } from "@baton/kernel/FlowConcurrency"
import type { Plan } from "@baton/kernel/Plan"
import type { BlobRef, Json, Value } from "@baton/kernel/Value"
import { refs, resolve } from "@baton/kernel/Value"
import * as Result from "effect/Result"
import { Chance } from "../../packages/kernel/test/random/Chance.ts"
import type * as FlowWorlds from "../../packages/kernel/test/random/FlowWorld.ts"
import * as FlowWorld from "../../packages/kernel/test/random/FlowWorld.ts"
import * as MixedWorld from "../../packages/kernel/test/random/MixedWorld.ts"
import type * as Outcomes from "../../packages/kernel/test/random/Outcomes.ts"
import { Spending } from "../../packages/kernel/test/random/Spending.ts"
import type { Faults } from "./Faults.ts"
import * as FaultsOf from "./Faults.ts"
import { Models } from "./models/Models.ts"
import { Observer } from "./Observer.ts"
import * as Ports from "./Ports.ts"
import * as RichWorlds from "./RichWorld.ts"
import { VirtualTime } from "./VirtualTime.ts"

export const tenant = "default"

/** Events come late where processes die, so waits for them are patient. */
const options: FlowWorlds.WorldOptions = {
  nodesMax: 8,
  itemsMax: 4,
  irreversible: true,
  large: 0.2,
  eventTimeout: "5m"
}

/** Share of the seeds whose runs have receipts, conversations and the like, and are retried and forked. */
const enriching = 0.4

/** Share of the other seeds whose worlds have people, patches and other runs in them. */
const mixing = 0.5

/** Share of the worlds whose runs, and the runs that these start, have a concurrency key. */
const placing = 0.3

/** Whether the world of this seed is a rich one. */
export const isRich = (seed: number): boolean => new Chance(seed ^ 0x71c4).is(enriching)

const emptyStore = (dispatchRows: boolean): typeof MemoryState.Service => ({
  dispatchRows,
  runs: new Map(),
  commands: new Map(),
  blobs: new Map(),
  usage: [],
  documents: new Map(),
  audit: new Map(),
  published: new Map(),
  sessions: new Map(),
  counter: 0,
  position: 0,
  faults: []
})

/** One limit for all runs of a world; a world that refuses is asked again until there is a place. */
const limitOf = (seed: number): Concurrency | undefined => {
  const chance = new Chance(seed ^ 0x9a7e)
  if (!chance.is(placing)) return undefined
  const whenFull = chance.pick(["queue", "queue", "refuse"] as const)
  return { key: chance.pick(["all", "${ input.n }"]), max: chance.pick([1, 1, 2]), whenFull }
}

export class World {
  readonly seed: number
  readonly chance: Chance
  readonly time: VirtualTime
  readonly store: typeof MemoryState.Service
  readonly faults: Faults
  readonly receipts = Ports.receipts()
  /** The worlds of the runs that people start, by run. */
  readonly flows = new Map<string, FlowWorlds.World | MixedWorld.MixedWorld>()
  /** The money of runs that have a budget. */
  readonly spending = new Map<string, Spending>()
  /** The world of the runs that steps start. */
  readonly called: FlowWorlds.World
  /** By the address of the document. */
  readonly plans = new Map<string, Plan>()
  readonly observer: Observer
  readonly models: Models
  readonly isRich: boolean
  readonly #limit: Concurrency | undefined
  /** Runs of `flows` that are made from other runs: nobody starts them. */
  readonly made = new Set<string>()
  readonly notes: Array<string> = []
  /** How often each fail point was reached. */
  readonly reached = new Map<string, number>()

  /** Without `faults`, chance draws them. */
  constructor(seed: number, faults?: Faults) {
    this.seed = seed
    this.chance = new Chance(seed)
    this.time = new VirtualTime(this.chance)
    this.store = emptyStore(seed % 2 === 0)
    this.faults = faults ?? FaultsOf.draw(this.chance)
    this.#limit = limitOf(seed)
    this.called = this.#limited(FlowWorld.make(seed * 10, { ...options, nodesMax: 3 }), "called")
    const called = { name: "called", version: "1.0.0", hash: this.#freeze(this.called) }
    this.isRich = isRich(seed)
    const mixed = this.chance.is(mixing)
    const runs = this.chance.int(1, 3)
    const rich = this.isRich ? RichWorlds.makeAll(seed * 10 + 1, Math.max(2, runs), options, called).toReversed() : []
    for (let run = this.isRich ? rich.length : runs; run > 0; run--) {
      const number = seed * 10 + run
      const flow = this.#limited(
        rich[run - 1] ?? (mixed ? MixedWorld.make(number, options, called) : FlowWorld.make(number, options)),
        "limited"
      )
      this.flows.set(`run_${run}`, flow)
      if (MixedWorld.isMixed(flow) && flow.mix.budget) {
        this.spending.set(`run_${run}`, new Spending(number, MixedWorld.habits))
      }
      this.#freeze(flow)
    }
    this.models = new Models({
      complain: (message) => this.observer.complain(message),
      sometimes: (what) => this.reached.set(what, (this.reached.get(what) ?? 0) + 1),
      world: (run) => {
        const flow = this.flows.get(run)
        return RichWorlds.isRich(flow) ? flow : undefined
      },
      read: (value) => this.read(value)
    })
    this.observer = new Observer(this.store, this.plans, this.time, this.models)
  }

  /** A stored value in full; `undefined` when a part of it is not there. */
  readonly read = (value: Value): Json | undefined => {
    const blobs = new Map<BlobRef, Json>()
    for (const ref of refs(value)) {
      const blob = this.store.blobs.get(MemoryStates.key(tenant, ref))
      if (blob !== undefined) blobs.set(ref, JSON.parse(Buffer.from(blob.bytes).toString("utf8")) as Json)
    }
    return resolve(value, blobs)
  }

  readonly note = (text: string): void => {
    this.notes.push(`+${this.time.now - 1_700_000_000_000} ${text}`)
  }

  /** The same world; its runs start only while a place is free among those of all flows of this name. */
  #limited<W extends FlowWorlds.World>(world: W, name: string): W {
    if (this.#limit === undefined) return world
    return { ...world, flow: { ...world.flow, name, limits: { ...world.flow.limits, concurrency: this.#limit } } }
  }

  #freeze({ flow }: FlowWorlds.World): string {
    const text = CanonicalJson.text(flow)
    const hash = CanonicalJson.address(text)
    this.store.documents.set(MemoryStates.key(tenant, hash), text)
    this.plans.set(hash, Result.getOrThrow(Compile.compile(flow)))
    return hash
  }

  readonly outcomes = (run: string): Outcomes.Outcomes => (this.flows.get(run) ?? this.called).outcomes

  /** Runs of one world that have ended, and those they started, may be read against what the world says of them. */
  readonly worldOf = (run: string, input: Json): FlowWorlds.World | MixedWorld.MixedWorld =>
    this.flows.get(run) ?? { ...this.called, input }
}
