/** One process: the whole engine over the common store, on the virtual thread, until it dies, stops or is no longer needed. */
import { Admission } from "@baton/engine/Admission"
import type { BlobStore } from "@baton/engine/BlobStore"
import { ChildRuns } from "@baton/engine/ChildRuns"
import { Coordinator } from "@baton/engine/Coordinator"
import type { EventFeed } from "@baton/engine/EventFeed"
import { Failpoints } from "@baton/engine/Failpoint"
import type { FlowStore } from "@baton/engine/FlowStore"
import * as MachineLimits from "@baton/engine/MachineLimits"
import * as MemoryEventFeed from "@baton/engine/MemoryEventFeed"
import * as MemoryState from "@baton/engine/MemoryState"
import { Plans } from "@baton/engine/Plans"
import type { RunStore } from "@baton/engine/RunStore"
import { Secrets, SecretsError } from "@baton/engine/Secrets"
import type { Sessions } from "@baton/engine/Sessions"
import type { StepLog } from "@baton/engine/StepLog"
import type { StepType } from "@baton/engine/StepType"
import { StepTypes } from "@baton/engine/StepType"
import { Sweeper } from "@baton/engine/Sweeper"
import { WorkerPool } from "@baton/engine/WorkerPool"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scheduler from "effect/Scheduler"
import { fractionOf } from "../../packages/kernel/test/random/Chance.ts"
import * as Outcomes from "../../packages/kernel/test/random/Outcomes.ts"
import type { Begin } from "./Observer.ts"
import * as Ports from "./Ports.ts"
import * as RichSteps from "./RichSteps.ts"
import * as RichWorlds from "./RichWorld.ts"
import type { Owner } from "./VirtualTime.ts"
import { clockOf, VirtualScheduler } from "./VirtualTime.ts"
import type { World } from "./World.ts"

/** Slower than in production: nothing depends on it, and virtual time is paid for by the step. */
const limits: MachineLimits.MachineLimits = {
  ...MachineLimits.defaults,
  commandsEvery: Duration.seconds(2),
  sweepEvery: Duration.seconds(8),
  placesEvery: Duration.seconds(2),
  stopGrace: Duration.seconds(10),
  concurrency: { default: 3 }
}

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
export const secrets: Secrets["Service"] = {
  reveal: () => noSecret,
  has: () => Effect.succeed(false),
  set: () => noSecret,
  list: () => Effect.succeed([]),
  remove: () => noSecret
}

/** Node types that every process serves. */
export const servedTypes = ["transform", "function", "http", "agent", "file"]

/** A pause after which a lease may have expired, in milliseconds. */
const lapseMs = Duration.toMillis(MemoryState.sessionLease) - 2 * Duration.toMillis(limits.sweepEvery)

/** From the limit of a stall to the sweep that says so, though the store fails now and then, in milliseconds. */
const stallSlackMs = 3 * Duration.toMillis(limits.sweepEvery)

export type Services = Context.Context<
  BlobStore | Coordinator | EventFeed | FlowStore | Plans | RunStore | Sessions | StepLog | Sweeper
>

export class SimulatedProcess {
  readonly number: number
  readonly owner: Owner = { dead: false, frozenUntil: 0 }
  readonly context: Context.Context<never>
  session = ""
  services: Services | undefined
  stopping = false
  /** How often it stood still for longer than a lease of a shared store may last. */
  lapses = 0
  /** How often it stood still. */
  freezes = 0
  readonly #world: World
  readonly #fiber: Fiber.Fiber<void>

  constructor(world: World, number: number) {
    this.#world = world
    this.number = number
    this.context = Context.make(Scheduler.Scheduler, new VirtualScheduler(world.time, this.owner)).pipe(
      Context.add(Clock.Clock, clockOf(world.time, this.owner)),
      Context.add(MachineLimits.MachineLimits, limits),
      Context.add(Logger.CurrentLoggers, new Set()),
      Context.add(Failpoints, (point) => this.#reach(point))
    )
    const life = Effect.scoped(Effect.gen({ self: this }, function*() {
      this.services = yield* Layer.build(this.#layer())
      return yield* Effect.never
    }))
    this.#fiber = Effect.runForkWith(this.context)(life)
    this.#fiber.addObserver((exit) => {
      if (exit._tag === "Failure" && !this.stopping) {
        world.observer.complain(`process ${number} broke: ${String(exit.cause)}`)
      }
      this.owner.dead = true
    })
  }

  #layer() {
    const ports = Ports.store(this.#world, this, Layer.succeed(MemoryState.MemoryState, this.#world.store))
    return WorkerPool.layer.pipe(
      Layer.provideMerge(Sweeper.layer({ adopt: true })),
      Layer.provideMerge(Layer.mergeAll(ChildRuns.layer, Admission.layer)),
      Layer.provideMerge(Coordinator.layer),
      Layer.provideMerge(Layer.mergeAll(Plans.layer, Ports.queue(this.#world, this), MemoryEventFeed.layer)),
      Layer.provide(Layer.mergeAll(this.#stepTypes(), Layer.succeed(Secrets, secrets))),
      Layer.provideMerge(ports)
    )
  }

  #reach(point: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.owner.dead) return Effect.never
      const { chance, faults, reached } = this.#world
      reached.set(point, (reached.get(point) ?? 0) + 1)
      if (faults.crashes > 0 && chance.is(faults.crashing)) {
        this.crash(point)
        return Effect.never
      }
      return chance.is(0.1) ? Effect.sleep(chance.int(1, 20)) : Effect.void
    })
  }

  /** Nothing of it runs any more; nothing is released. Where a lock is the sign of life, it is gone. */
  crash(place: string): void {
    const { faults, note, store } = this.#world
    faults.crashes--
    note(`process ${this.number} dies ${place}`)
    this.owner.dead = true
    if (!store.dispatchRows) MemoryState.kill(store, this.session)
  }

  freeze(millis: number): void {
    const { note, store, time } = this.#world
    note(`process ${this.number} stands still for ${millis} ms`)
    // Whoever stands still already does not wake earlier for it: what was put off then stays put off.
    this.owner.frozenUntil = Math.max(this.owner.frozenUntil, time.now + millis)
    this.freezes++
    // Its last heartbeat may be almost as old as the pause between two of them.
    if (store.dispatchRows && millis > lapseMs) this.lapses++
  }

  stop(): void {
    this.stopping = true
    this.#world.note(`process ${this.number} stops`)
    this.#fiber.interruptUnsafe()
  }

  /** A run that stands still while its owner is awake is said to stall. */
  #watch(run: string, begin: Begin, stallMs: number): void {
    const { models, observer, time } = this.#world
    const { freezes } = this
    const events = models.stalls.events(run)
    time.at(time.now + stallMs + stallSlackMs, this.owner, () => {
      const isAwake = begin.running && begin.alive() && this.freezes === freezes && !this.stopping
      if (isAwake && observer.isOwner(run, this.session)) models.stalls.mustHaveStalled(run, events)
    })
  }

  get alive(): boolean {
    const { store, time } = this.#world
    return !this.owner.dead && MemoryState.isAlive(store, this.session, time.now)
  }

  /** Serves every node type: the outcome is the world's, the time it takes too. */
  #stepTypes(): Layer.Layer<StepTypes> {
    const { flows } = this.#world
    const determinants: StepType["determinants"] = ({ path, run }) => {
      const world = flows.get(run)
      return Effect.succeed(RichWorlds.isRich(world) ? RichSteps.determinants(world, path) : {})
    }
    const execute: StepType["execute"] = (context) => this.#execute(context)
    return Layer.succeed(
      StepTypes,
      new Map(servedTypes.map((type): [string, StepType] => [type, { type, determinants, execute }]))
    )
  }

  #execute(context: Parameters<StepType["execute"]>[0]): ReturnType<StepType["execute"]> {
    const { attempt, path, run } = context
    const { observer, outcomes } = this.#world
    const { lapses } = this
    const spending = this.#world.spending.get(run)
    const begin: Begin = {
      process: this.number,
      session: this.session,
      alive: () => this.alive && this.lapses === lapses,
      frozenUntil: () => this.owner.frozenUntil,
      running: true,
      answered: false
    }
    const world = outcomes(run)
    const slow = fractionOf(`${world.seed} slow ${path} ${attempt}`)
    const millis = slow < 0.7 ? slow * 1_000 : slow < 0.95 ? slow * 6_000 : 45_000
    const flow = this.#world.flows.get(run)
    const rich = RichWorlds.isRich(flow) ? flow : undefined
    const current = () => this.alive && this.lapses === lapses && observer.isOffered(run, path, attempt, this.session)
    return Effect.suspend(() => {
      observer.begins(run, path, attempt, begin)
      if (rich?.rich.stallMs !== undefined) this.#watch(run, begin, rich.rich.stallMs)
      return Effect.sleep(millis)
    }).pipe(
      Effect.andThen(
        Effect.suspend(() =>
          rich === undefined ? Effect.undefined : RichSteps.act(rich, this.#world.models, context, current)
        )
      ),
      Effect.flatMap((acted) => {
        const outcome = Outcomes.attemptOutcome(world, path, attempt)
        begin.answered = true
        if (acted !== undefined && (outcome.ok || RichWorlds.kindOf(path) === "talk")) return Effect.succeed(acted)
        const used = context.work.type === "agent" ? spending?.usage(path, attempt) ?? {} : {}
        if (outcome.ok) return Effect.succeed({ output: outcome.output, ...used })
        if (used.usage !== undefined) context.spend(used.usage)
        return Effect.fail(outcome.error)
      }),
      Effect.ensuring(Effect.sync(() => {
        begin.running = false
      }))
    )
  }
}
