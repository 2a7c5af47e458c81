/** One simulated world: a store, some processes, some runs, people who ask things of them, and faults, all from one seed. */
import type * as MemoryState from "@baton/engine/MemoryState"
import * as Compile from "@baton/kernel/Compile"
import type { Plan } from "@baton/kernel/Plan"
import * as Result from "effect/Result"
import { Chance } from "../../packages/kernel/test/random/Chance.ts"
import type * as FlowWorlds from "../../packages/kernel/test/random/FlowWorld.ts"
import * as FlowWorld from "../../packages/kernel/test/random/FlowWorld.ts"
import type * as Outcomes from "../../packages/kernel/test/random/Outcomes.ts"
import type { Faults } from "./Faults.ts"
import * as FaultsOf from "./Faults.ts"
import { Observer } from "./Observer.ts"
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

const emptyStore = (dispatchRows: boolean): typeof MemoryState.MemoryState.Service => ({
  dispatchRows,
  runs: new Map(),
  commands: new Map(),
  blobs: new Map(),
  usage: [],
  documents: new Map(),
  published: new Map(),
  sessions: new Map(),
  counter: 0,
  faults: []
})

export class World {
  readonly seed: number
  readonly chance: Chance
  readonly time: VirtualTime
  readonly store: typeof MemoryState.MemoryState.Service
  readonly faults: Faults
  readonly flows = new Map<string, FlowWorlds.World>()
  readonly plans = new Map<string, Plan>()
  readonly observer: Observer
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
    for (let run = this.chance.int(1, 3); run > 0; run--) {
      const flow = FlowWorld.make(seed * 10 + run, options)
      this.flows.set(`run_${run}`, flow)
      this.plans.set(`run_${run}`, Result.getOrThrow(Compile.compile(flow.flow)))
    }
    this.observer = new Observer(this.store, this.plans, this.time)
  }

  readonly note = (text: string): void => {
    this.notes.push(`+${this.time.now - 1_700_000_000_000} ${text}`)
  }

  readonly outcomes = (run: string): Outcomes.Outcomes => {
    const flow = this.flows.get(run)
    if (flow === undefined) throw new Error(`no run ${run}`)
    return flow.outcomes
  }
}
