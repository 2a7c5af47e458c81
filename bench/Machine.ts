/** The engine in this process, on a SQLite store: coordinator, workers and sweeper as a server puts them together. */
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import { EventFeed } from "@baton/engine/EventFeed"
import { Plans } from "@baton/engine/Plans"
import { Secrets, SecretsError } from "@baton/engine/Secrets"
import { StepTypes } from "@baton/engine/StepType"
import * as StoredValue from "@baton/engine/StoredValue"
import { Sweeper } from "@baton/engine/Sweeper"
import type { Flow } from "@baton/kernel/Flow"
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
}

const layerOf = ({ folder, handlers = {} }: Options) => {
  const functions = FunctionHandlers.layer({ handlers: new Map(Object.entries(handlers)), version: undefined })
  return Engine.layer({ adopt: false }).pipe(
    Layer.provide(Layer.mergeAll(stepTypes.pipe(Layer.provide(functions)), secrets)),
    Layer.provideMerge(SqliteStore.layer({ data: folder }))
  )
}

export interface Machine {
  readonly start: (flow: Flow, input: Json) => Started
  /** Takes over what a dead process left; resolves with the number of runs. */
  readonly adopt: () => Promise<number>
  /** Resolves when the run has ended, for a run that was not started here. */
  readonly finished: (run: string) => Promise<void>
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

export const open = async (options: Options): Promise<Machine> => {
  const runtime = ManagedRuntime.make(layerOf(options))
  const services = await runtime.runPromise(Effect.context<Coordinator | Plans | EventFeed | Sweeper>())
  const run = Effect.runPromiseWith(services)
  const ends = new Ends()
  const scope = Scope.makeUnsafe()
  const feed = await run(Effect.flatMap(EventFeed, (feed) => Scope.provide(feed.subscribe(tenant, undefined), scope)))
  Effect.runForkWith(services)(Stream.runForEach(feed, (wakeup) =>
    Effect.sync(() => {
      if (wakeup.kind === "moved" && wakeup.ended) ends.end(wakeup.run)
    })))
  const plans = new WeakMap<Flow, { readonly hash: string; readonly plan: import("@baton/kernel/Plan").Plan }>()
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
    start: (flow, input) => {
      const id = `run_${process.pid}_${count++}`
      const durable = run(submit(id, flow, input))
      return { durable, finished: Promise.all([durable, ends.wait(id)]).then(() => undefined) }
    },
    adopt: async () => (await run(Effect.flatMap(Sweeper, (sweeper) => sweeper.adopt()))).length,
    finished: (id) => ends.wait(id),
    close: async () => {
      await run(Effect.asVoid(Effect.void))
      await runtime.dispose()
    }
  }
}
