/** Runs one world to its end and says what was wrong with it. The same seed gives the same world, step by step. */
import { explain } from "@baton/kernel/Explain"
import type { BlobRef, Json } from "@baton/kernel/Value"
import { resolve } from "@baton/kernel/Value"
import * as Comparison from "../../packages/kernel/test/random/Comparison.ts"
import { Client } from "./Client.ts"
import type { Faults } from "./Faults.ts"
import { SimulatedProcess } from "./SimulatedProcess.ts"
import { epoch } from "./VirtualTime.ts"
import { tenant, World } from "./World.ts"

export interface Report {
  readonly seed: number
  readonly complaints: ReadonlyArray<string>
  /** Runs whose end was predicted to the last detail. */
  readonly exact: number
  readonly runs: number
  readonly commits: number
  /** Records that the store refused, because somebody else had written or owned the run. */
  readonly fenced: number
  readonly steps: number
  /** Virtual milliseconds. */
  readonly millis: number
  readonly notes: ReadonlyArray<string>
  readonly reached: ReadonlyMap<string, number>
  /** The events of each run, one a line. */
  readonly journals: ReadonlyMap<string, ReadonlyArray<string>>
}

/** Virtual time within which every run must have ended. */
const millisMax = 4 * 3_600_000
const stepsMax = 400_000

/** Processes that come and go; the last one stays. */
class Processes {
  readonly all: Array<SimulatedProcess> = []
  readonly #world: World
  readonly #wanted: number
  #starting = 0

  constructor(world: World) {
    this.#world = world
    this.#wanted = world.chance.int(1, 3)
    for (let count = this.#wanted; count > 0; count--) this.#start()
    this.#tend()
  }

  #start(): void {
    this.#world.note(`process ${this.all.length + 1} starts`)
    this.all.push(new SimulatedProcess(this.#world, this.all.length + 1))
  }

  /** Starts what has died again, and now and then stops or freezes one. */
  #tend(): void {
    const { chance, faults, time } = this.#world
    const living = this.all.filter((one) => !one.owner.dead)
    if (living.length + this.#starting < this.#wanted) {
      this.#starting++
      time.at(time.now + chance.int(0, 20_000), keeper, () => {
        this.#starting--
        this.#start()
      })
    }
    const candidates = living.filter((one) => !one.stopping && one.services !== undefined)
    if (candidates.length > 0 && faults.stops > 0 && chance.is(0.02)) {
      faults.stops--
      chance.pick(candidates).stop()
    } else if (candidates.length > 0 && faults.freezes > 0 && chance.is(0.03)) {
      faults.freezes--
      chance.pick(candidates).freeze(chance.int(1_000, 90_000))
    } else if (candidates.length > 0 && faults.crashes > 0 && chance.is(0.04)) chance.pick(candidates).crash("suddenly")
    time.at(time.now + chance.int(1, 2_000), keeper, () => this.#tend())
  }
}

const keeper = { dead: false, frozenUntil: 0 }

const blobsOf = (world: World): ReadonlyMap<BlobRef, Json> =>
  new Map(
    [...world.store.blobs].map(([key, blob]) => [
      key.slice(tenant.length + 1) as BlobRef,
      JSON.parse(Buffer.from(blob.bytes).toString("utf8")) as Json
    ])
  )

/** `faults`: what goes wrong in this world; otherwise the seed says so. They are used up. */
export const simulate = (seed: number, faults?: Faults): Report => {
  const world = new World(seed, faults)
  const processes = new Processes(world)
  const client = new Client(world, () => processes.all)
  const { observer, time } = world
  const done = time.run(() => client.done || observer.complaints.length > 0, epoch + millisMax, stepsMax)
  let exact = 0
  if (!done) {
    for (const [run, seen] of observer.runs) {
      if (seen.state.finished !== undefined) continue
      const [reason] = explain(seen.state, time.now)
      observer.complain(`${run} has not ended: ${reason?.message}`)
    }
    if (observer.complaints.length === 0) observer.complain("a run was never created")
  } else if (observer.complaints.length === 0) {
    const blobs = blobsOf(world)
    for (const [run, { losses, state }] of observer.runs) {
      const flow = world.worldOf(run, resolve(state.input, blobs) ?? null)
      // People and patches decide how it ends.
      if ("mix" in flow) continue
      const compared = Comparison.compare(flow, state, blobs, losses)
      if (compared.exact) exact++
      for (const complaint of compared.complaints) observer.complain(`${run}: ${complaint}`)
    }
    for (const run of client.accepted) if (!observer.runs.has(run)) observer.complain(`${run} was accepted and is lost`)
  }
  return {
    seed,
    complaints: observer.complaints,
    exact,
    runs: observer.runs.size,
    commits: observer.commits,
    fenced: observer.fenced,
    steps: time.steps,
    millis: time.now - epoch,
    notes: world.notes,
    reached: world.reached,
    journals: new Map([...observer.runs].map(([run, seen]) => [run, seen.journal]))
  }
}
