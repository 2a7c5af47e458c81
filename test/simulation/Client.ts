/** The people around a world: they start runs, send events, answer for operators, pause and cancel. */
import { Coordinator } from "@baton/engine/Coordinator"
import * as MemoryState from "@baton/engine/MemoryState"
import { Plans } from "@baton/engine/Plans"
import type { Settled } from "@baton/engine/RunSlot"
import type { NewBlob } from "@baton/engine/StoredValue"
import * as StoredValue from "@baton/engine/StoredValue"
import type { Command } from "@baton/kernel/Command"
import type { RunState } from "@baton/kernel/RunState"
import { inline } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { PreventSchedulerYield } from "effect/Scheduler"
import type { MixedWorld } from "../../packages/kernel/test/random/MixedWorld.ts"
import * as Outcomes from "../../packages/kernel/test/random/Outcomes.ts"
import * as Patches from "../../packages/kernel/test/random/Patches.ts"
import * as People from "../../packages/kernel/test/random/People.ts"
import * as Spendings from "../../packages/kernel/test/random/Spending.ts"
import { Maker } from "./Maker.ts"
import type { SimulatedProcess } from "./SimulatedProcess.ts"
import type { Owner } from "./VirtualTime.ts"
import type { World } from "./World.ts"
import { tenant } from "./World.ts"

/** How often people look, in milliseconds. */
const lookEveryMs = 1_500

export class Client {
  readonly owner: Owner = { dead: false, frozenUntil: 0 }
  /** Runs whose start was acknowledged. */
  readonly accepted = new Set<string>()
  readonly #world: World
  readonly #processes: () => ReadonlyArray<SimulatedProcess>
  readonly #asking = new Set<string>()
  /** Rows of what was asked, so that it is asked once: again only when the owner answered that it is none. */
  readonly #asked = new Map<string, number>()
  readonly #cancelAt = new Map<string, number>()
  readonly #pauses = new Map<string, number>()
  #patches = 0
  readonly #maker: Maker

  constructor(world: World, processes: () => ReadonlyArray<SimulatedProcess>) {
    this.#world = world
    this.#processes = processes
    this.#maker = new Maker(world, () => this.#somebody())
    for (const run of world.flows.keys()) {
      if (world.chance.is(0.08)) this.#cancelAt.set(run, world.time.now + world.chance.int(0, 30_000))
      this.#pauses.set(run, world.chance.pick([0, 0, 0, 1, 2]))
    }
    this.#look()
  }

  get done(): boolean {
    const { flows, made, observer } = this.#world
    for (const run of flows.keys()) {
      if (!made.has(run) && observer.runs.get(run)?.state.finished === undefined) return false
    }
    if (!this.#maker.done) return false
    for (const { state } of observer.runs.values()) if (state.finished === undefined) return false
    return true
  }

  #look(): void {
    const { chance, flows, observer, time } = this.#world
    for (const run of flows.keys()) {
      if (!observer.runs.has(run) && !this.#world.made.has(run)) this.#start(run)
      if (chance.is(0.3)) this.#read(run)
    }
    for (const { run, state } of observer.runs.values()) {
      if (state.finished === undefined) this.#attend(run, state)
    }
    this.#maker.look()
    time.at(time.now + chance.int(1, lookEveryMs), this.owner, () => this.#look())
  }

  /** Somebody living, who can be asked. */
  #somebody(): SimulatedProcess | undefined {
    const ready = this.#processes().filter((one) =>
      !one.owner.dead && !one.stopping && one.services !== undefined && one.owner.frozenUntil <= this.#world.time.now
    )
    return ready.length === 0 ? undefined : this.#world.chance.pick(ready)
  }

  #start(run: string): void {
    const process = this.#somebody()
    const flow = this.#world.flows.get(run)
    const key = `${process?.number} ${run}`
    if (process?.services === undefined || flow === undefined || this.#asking.has(key)) return
    this.#asking.add(key)
    const { spending, time } = this.#world
    const submit = Effect.gen(function*() {
      const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze(tenant, flow.flow))
      const blobs: Array<NewBlob> = []
      const input = StoredValue.store(flow.input, blobs)
      const named = { name: plan.name, version: plan.version, hash }
      const terms = spending.get(run)?.terms
      const ledger = terms === undefined ? {} : { ledger: terms }
      const command = { type: "CreateRun" as const, at: time.now, run, flow: named, input, ...ledger }
      return yield* (yield* Coordinator).submit({ tenant, run, plan, command, blobs })
    }).pipe(Effect.provide(process.services))
    Effect.runForkWith(process.context)(submit).addObserver((exit) => {
      this.#asking.delete(key)
      if (exit._tag === "Success") this.#started(run, exit.value)
    })
  }

  /** Somebody reads the run: what is shown is durable (SEMANTICS 8.1d). */
  #read(run: string): void {
    const process = this.#somebody()
    if (process?.services === undefined) return
    const { observer } = this.#world
    const peek = Effect.flatMap(Coordinator, (coordinator) => coordinator.peek(tenant, run))
    // The state belongs to its owner, who goes on with it: it is looked at in the moment it is given.
    const atOnce = Context.add(process.context, PreventSchedulerYield, true)
    Effect.runForkWith(atOnce)(Effect.provide(peek, process.services)).addObserver((exit) => {
      const shown = exit._tag === "Success" ? exit.value?.state.seq : undefined
      const durable = observer.runs.get(run)?.state.seq ?? 0
      if (shown !== undefined && shown > durable) {
        observer.complain(`${run} is shown at ${shown}, durable is ${durable}`)
      }
    })
  }

  #started(run: string, settled: Settled): void {
    if (settled.kind !== "accepted") return
    this.accepted.add(run)
    const row = MemoryState.findRun(this.#world.store, tenant, run)
    if (row === undefined || row.head < 1) this.#world.observer.complain(`${run} was accepted and is not in the store`)
  }

  /** A command handed in by a row, as another process on the machine does it. */
  #give(run: string, command: Command): number {
    const { store } = this.#world
    const id = ++store.counter
    store.commands.set(id, { id, tenant, run, command: JSON.stringify(command), answer: undefined })
    return id
  }

  #once(key: string, give: () => number): void {
    const before = this.#asked.get(key)
    const answer = before === undefined ? undefined : this.#world.store.commands.get(before)?.answer
    const lost = answer !== undefined && (JSON.parse(answer) as Settled).kind === "lost"
    if (before === undefined || lost) this.#asked.set(key, give())
  }

  #attend(run: string, state: RunState): void {
    const at = this.#world.time.now
    for (const node of state.plan.nodes) {
      const name = node.wait?.event
      const data = name === undefined
        ? undefined
        : Outcomes.eventFor(this.#world.outcomes(run), name, node.timeoutMs === undefined)
      if (name !== undefined && data !== undefined && this.#world.chance.is(0.3)) {
        this.#once(
          `${run} ${name}`,
          () => this.#give(run, { type: "SendEvent", at, id: name, name, data: inline(data) })
        )
      }
    }
    for (const found of People.waiting(state)) this.#answer(run, found, at)
    const world = this.#world.flows.get(run)
    if (world !== undefined && "mix" in world) this.#meddle(run, state, world, at)
    this.#raise(run, state, at)
    this.#steer(run, state, at)
  }

  /** Whoever waits for money gets some, or the run that it draws on does. */
  #raise(run: string, state: RunState, at: number): void {
    const { chance, observer } = this.#world
    if ((state.ledger?.waiters.size ?? 0) === 0 || !chance.is(0.3)) return
    const parent = state.parent === undefined ? undefined : observer.runs.get(state.parent.run)
    const above = parent !== undefined && parent.state.finished === undefined && chance.is(0.5)
    if (above) this.#give(parent.run, Spendings.raising(parent.state, at))
    else this.#give(run, Spendings.raising(state, at))
  }

  /** What waits for a person. */
  #answer(run: string, found: People.Waiting, at: number): void {
    const { attempt, path, wait } = found
    if (wait.kind === "operator") return this.#resolve(run, path, attempt)
    if (wait.kind !== "approval" || !this.#world.chance.is(0.4)) return
    const command = People.decision(this.#world.outcomes(run).seed, at, found, wait)
    this.#once(`${run} ${wait.id} ${wait.votes?.length ?? 0}`, () => this.#give(run, command))
    // Some people are quick, some decide twice.
    if (this.#world.chance.is(0.2)) this.#give(run, command)
  }

  /** What people do beside what waits for them: wrong decisions, patches, their reviews and their reversals. */
  #meddle(run: string, state: RunState, { mix, outcomes }: MixedWorld, at: number): void {
    const { chance } = this.#world
    const review = People.review(outcomes.seed, at, state)
    if (review !== undefined) this.#once(`${run} ${state.review?.id}`, () => this.#give(run, review))
    const asked = People.waiting(state).find(({ wait }) => wait.kind === "approval")
    if (asked?.wait.kind === "approval" && chance.is(0.1)) {
      this.#give(run, People.wrongDecision(chance, outcomes.seed, at, asked, asked.wait))
    }
    if (!mix.patches || !chance.is(0.2)) return
    const patch = chance.is(0.15)
      ? Patches.reversal(state, chance, at, this.#patches++)
      : Patches.proposal(state, chance, at, this.#patches++)
    if (patch !== undefined) this.#give(run, patch)
  }

  #resolve(run: string, path: string, attempt: number): void {
    const action = Outcomes.resolution(this.#world.outcomes(run), path, attempt)
    const at = this.#world.time.now
    this.#once(`${run} ${path}#${attempt}`, () => this.#give(run, { type: "ResolveStep", at, path, action }))
  }

  #steer(run: string, state: RunState, at: number): void {
    if (at >= (this.#cancelAt.get(run) ?? Infinity)) {
      this.#once(`${run} cancel`, () => this.#give(run, { type: "CancelRun", at }))
    }
    const left = this.#pauses.get(run) ?? 0
    if (!state.paused && left > 0 && this.#world.chance.is(0.1)) {
      this.#pauses.set(run, left - 1)
      this.#give(run, { type: "PauseRun", at })
    } else if (state.paused && this.#world.chance.is(0.3)) this.#give(run, { type: "ResumeRun", at })
  }
}
