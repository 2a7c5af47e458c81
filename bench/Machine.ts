/** The engine in this process, on a SQLite store: coordinator, workers and sweeper as a server puts them together. */
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import { EventFeed } from "@baton/engine/EventFeed"
import { Plans } from "@baton/engine/Plans"
import { type Probe, Probes } from "@baton/engine/Probe"
import * as RunLoader from "@baton/engine/RunLoader"
import { RunStore } from "@baton/engine/RunStore"
import { Secrets, SecretsError } from "@baton/engine/Secrets"
import { StepTypes } from "@baton/engine/StepType"
import * as StoredValue from "@baton/engine/StoredValue"
import { Sweeper } from "@baton/engine/Sweeper"
import type { Event } from "@baton/kernel/Event"
import type { Flow } from "@baton/kernel/Flow"
import type { Plan } from "@baton/kernel/Plan"
import type { Json } from "@baton/kernel/Value"
import { type FunctionHandler, FunctionHandlers } from "@baton/steps/FunctionHandlers"
import * as FunctionStep from "@baton/steps/FunctionStep"
import * as TransformStep from "@baton/steps/TransformStep"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Started } from "./Engine.ts"

const tenant = "default"

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "a benchmark has no secrets" }))
const secrets = Layer.succeed(Secrets, {
  reveal: () => noSecret,
  has: () => Effect.succeed(false),
  set: () => noSecret,
  list: () => Effect.succeed([]),
  remove: () => noSecret
})

const stepTypes = Layer.effect(
  StepTypes,
  Effect.map(
    FunctionStep.make,
    (functions) => new Map([TransformStep.stepType, functions].map((stepType) => [stepType.type, stepType]))
  )
)

export interface Options {
  readonly folder: string
  /** Functions that `function` steps call. */
  readonly handlers?: { readonly [name: string]: FunctionHandler }
  /** What looks on. */
  readonly probe?: Probe
}

const layerOf = ({ folder, handlers = {}, probe }: Options) => {
  const functions = FunctionHandlers.layer({ handlers: new Map(Object.entries(handlers)), version: undefined })
  return Engine.layer({ adopt: false }).pipe(
    Layer.provide(Layer.mergeAll(stepTypes.pipe(Layer.provide(functions)), secrets)),
    Layer.provideMerge(SqliteStore.layer({ data: folder })),
    Layer.provide(Layer.succeed(Probes, probe))
  )
}

export interface Machine {
  readonly start: (flow: Flow, input: Json, id?: string) => Started
  /** Takes over what a dead process left, and resolves when all of it has ended. */
  readonly adopt: () => Promise<void>
  /** The journal of a run. */
  readonly journal: (run: string) => Promise<ReadonlyArray<Event>>
  readonly close: () => Promise<void>
}

/** Who waits for the end of which run. */
class Ends {
  readonly #waiting = new Map<string, () => void>()
  readonly #ended = new Set<string>()

  wait(run: string): Promise<void> {
    return this.#ended.delete(run) ? Promise.resolve() : new Promise((resolve) => this.#waiting.set(run, resolve))
  }

  end(run: string): void {
    const resolve = this.#waiting.get(run)
    this.#waiting.delete(run)
    if (resolve === undefined) this.#ended.add(run)
    else resolve()
  }
}

/** Records of one run read in one go; the runs of the workloads have fewer. */
const recordsMax = 1000

const journal = Effect.fnUntraced(function*(id: string) {
  const store = yield* RunStore
  const records = yield* store.records(tenant, id, 0, recordsMax)
  return (yield* Effect.forEach(records, RunLoader.events)).flat()
})

export const open = async (options: Options): Promise<Machine> => {
  const runtime = ManagedRuntime.make(layerOf(options))
  const services = await runtime.runPromise(Effect.context<Coordinator | Plans | EventFeed | Sweeper | RunStore>())
  const run = Effect.runPromiseWith(services)
  const ends = new Ends()
  const scope = Scope.makeUnsafe()
  const feed = await run(Effect.flatMap(EventFeed, (feed) => Scope.provide(feed.subscribe(tenant, undefined), scope)))
  Effect.runForkWith(services)(Stream.runForEach(feed, (wakeup) =>
    Effect.sync(() => {
      if (wakeup.kind === "moved" && wakeup.ended) ends.end(wakeup.run)
    })))
  const plans = new WeakMap<Flow, { readonly hash: string; readonly plan: Plan }>()
  let count = 0

  const submit = Effect.fnUntraced(function*(id: string, flow: Flow, input: Json) {
    const frozen = plans.get(flow) ?? (yield* Effect.flatMap(Plans, (plans) => plans.freeze(tenant, flow)))
    plans.set(flow, frozen)
    const { hash, plan } = frozen
    const blobs: Array<StoredValue.NewBlob> = []
    const coordinator = yield* Coordinator
    const settled = yield* coordinator.submit({
      tenant,
      run: id,
      plan,
      blobs,
      command: {
        type: "CreateRun",
        at: Date.now(),
        run: id,
        flow: { name: plan.name, version: plan.version, hash },
        input: StoredValue.store(input, blobs)
      }
    })
    if (settled.kind !== "accepted") return yield* Effect.die(new Error(JSON.stringify(settled)))
  })

  return {
    start: (flow, input, id = `run_${process.pid}_${count++}`) => {
      const durable = run(submit(id, flow, input))
      return { durable, finished: Promise.all([durable, ends.wait(id)]).then(() => undefined) }
    },
    adopt: async () => {
      await run(Effect.flatMap(Sweeper, (sweeper) => sweeper.adopt()))
      const owned = await run(
        Effect.map(Coordinator, (coordinator) => [...coordinator.slots()].map((slot) => slot.run))
      )
      await Promise.all(owned.map((id) => ends.wait(id)))
    },
    journal: (id) => run(journal(id)),
    close: () => runtime.dispose()
  }
}
