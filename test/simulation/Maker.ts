/**
 * People who make runs from runs that are over: they retry and fork them, with other inputs and other flows, and see to dead
 * letters, now and then two of them at once.
 */
import { AccessKeys } from "@baton/engine/AccessKeys"
import { AccessTokens } from "@baton/engine/AccessTokens"
import { AuditLog } from "@baton/engine/AuditLog"
import { BlobStore } from "@baton/engine/BlobStore"
import { Coordinator } from "@baton/engine/Coordinator"
import { EventFeed } from "@baton/engine/EventFeed"
import { FlowStore } from "@baton/engine/FlowStore"
import * as MemoryAccessKeys from "@baton/engine/MemoryAccessKeys"
import * as MemoryAccessTokens from "@baton/engine/MemoryAccessTokens"
import * as MemoryAuditLog from "@baton/engine/MemoryAuditLog"
import * as MemoryState from "@baton/engine/MemoryState"
import { Plans } from "@baton/engine/Plans"
import { RunStore } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import { StepLog } from "@baton/engine/StepLog"
import { Sweeper } from "@baton/engine/Sweeper"
import * as DeadLetters from "@baton/server/DeadLetters"
import * as FlowCatalog from "@baton/server/FlowCatalog"
import type { Parts } from "@baton/server/Parts"
import * as RunFork from "@baton/server/RunFork"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Spendings from "../../packages/kernel/test/random/Spending.ts"
import type { Seen } from "./Observer.ts"
import * as RichWorlds from "./RichWorld.ts"
import type { Services, SimulatedProcess } from "./SimulatedProcess.ts"
import { secrets, servedTypes } from "./SimulatedProcess.ts"
import { clockOf } from "./VirtualTime.ts"
import type { World } from "./World.ts"
import { tenant } from "./World.ts"

/** Runs that are made from others in one world. */
const madeMax = 3

export class Maker {
  readonly #world: World
  readonly #somebody: () => SimulatedProcess | undefined
  #left: number
  #made = 0
  /** Asked for and not answered; who is asked may die. */
  readonly #asked = new Set<SimulatedProcess>()

  constructor(world: World, somebody: () => SimulatedProcess | undefined) {
    this.#world = world
    this.#somebody = somebody
    this.#left = world.isRich ? world.chance.int(0, madeMax) : 0
  }

  /** Nothing more will be made. */
  get done(): boolean {
    return this.#left === 0 && [...this.#asked].every((process) => process.owner.dead)
  }

  look(): void {
    const { chance, observer } = this.#world
    if (this.#left === 0 || !chance.is(0.4)) return
    const over = [...observer.runs.values()].filter(({ run, state }) =>
      state.finished !== undefined && RichWorlds.isRich(this.#world.flows.get(run))
    )
    if (over.length === 0) return
    this.#left--
    const seen = chance.pick(over)
    const way = chance.next()
    if (way < 0.35) this.#retry(seen)
    else if (way < 0.7) this.#fork(seen)
    else this.#letter(seen)
  }

  /** The world of a run that is to be. */
  #promise(run: string, source: string): void {
    const before = this.#world.flows.get(source)
    if (!RichWorlds.isRich(before)) return
    this.#world.made.add(run)
    this.#world.flows.set(run, RichWorlds.again(before, ++this.#made))
  }

  #ask(process: SimulatedProcess, ask: (parts: Parts) => Effect.Effect<unknown, { readonly message: string }>): void {
    const { services } = process
    if (services === undefined) return
    this.#asked.add(process)
    const asked = Effect.flatMap(partsOf(this.#world, process, services), ask)
    Effect.runForkWith(process.context)(asked).addObserver((exit) => {
      this.#asked.delete(process)
      if (exit._tag === "Failure" && !process.stopping && String(exit.cause).includes("Die")) {
        this.#world.observer.complain(`making a run broke: ${String(exit.cause)}`)
      }
    })
  }

  #retry({ run }: Seen): void {
    const process = this.#somebody()
    if (process === undefined) return
    const id = `${run}r${this.#made + 1}`
    this.#promise(id, run)
    this.#ask(process, (parts) => RunFork.retry(parts, { run, id }))
  }

  #fork({ run, state }: Seen): void {
    const { chance } = this.#world
    const process = this.#somebody()
    if (process === undefined) return
    const id = `${run}f${this.#made + 1}`
    const n = chance.int(0, 1)
    const set = chance.is(0.5) ? { set: { n } } : {}
    this.#promise(id, run)
    const at = chance.is(0.5) ? { at: chance.int(1, state.seq) } : {}
    this.#ask(process, (parts) => RunFork.fork(parts, { run, ...set, ...at, id }))
  }

  /** One open letter of a run that is over; two people may take it up. */
  #letter({ run }: Seen): void {
    const { chance, models, store } = this.#world
    const open = MemoryState.findRun(store, tenant, run)?.deadLetters.filter(({ state }) => state === "open") ?? []
    if (open.length === 0) return
    const { at, id } = chance.pick(open)
    const into = DeadLetters.runOf({ at, id, run })
    if (!this.#world.flows.has(into)) this.#promise(into, run)
    models.letters.promised(String(id), into)
    for (let times = chance.pick([1, 2]); times > 0; times--) {
      const process = this.#somebody()
      if (process === undefined) return
      this.#ask(process, (parts) =>
        chance.is(0.8)
          ? DeadLetters.reprocess(parts, `dl_${id}`, {})
          : DeadLetters.discard(parts, `dl_${id}`, undefined))
    }
  }
}

/** Nobody asks over the network here. */
const access = Effect.runSync(Effect.provide(
  Effect.all({ keys: AccessKeys, tokens: AccessTokens, audit: AuditLog }),
  [
    MemoryAccessKeys.layer,
    MemoryAccessTokens.layer,
    Layer.provide(MemoryAuditLog.layer, MemoryState.MemoryState.layer)
  ]
))

const partsOf = (world: World, process: SimulatedProcess, services: Services): Effect.Effect<Parts> =>
  Effect.map(FlowCatalog.make(Context.get(services, FlowStore)), (catalog): Parts => ({
    tenant,
    by: "ann",
    receipts: world.receipts,
    ...access,
    // No run of a simulation has a hook.
    webhooks: {} as Parts["webhooks"],
    coordinator: Context.get(services, Coordinator),
    sweeper: Context.get(services, Sweeper),
    plans: Context.get(services, Plans),
    store: Context.get(services, RunStore),
    sessions: Context.get(services, Sessions),
    blobs: Context.get(services, BlobStore),
    flows: Context.get(services, FlowStore),
    feed: Context.get(services, EventFeed),
    log: Context.get(services, StepLog),
    catalog,
    secrets,
    agents: { call: () => Effect.die("no agent is asked"), find: () => Effect.undefined, list: Effect.succeed([]) },
    rates: () => Effect.succeed(Spendings.card),
    clock: clockOf(world.time, process.owner),
    endpoints: Effect.succeed([]),
    execute: true,
    served: new Set(servedTypes),
    functions: new Map([["f", () => null], ["g", () => null]])
  }))
