/** The engine in this process on a store in memory, with real functions and real calls to servers on loopback. */
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import { EventFeed } from "@baton/engine/EventFeed"
import type { Failpoint } from "@baton/engine/Failpoint"
import { Failpoints } from "@baton/engine/Failpoint"
import * as Limits from "@baton/engine/MachineLimits"
import * as MemorySecrets from "@baton/engine/MemorySecrets"
import * as MemoryState from "@baton/engine/MemoryState"
import * as MemoryStore from "@baton/engine/MemoryStore"
import { Plans } from "@baton/engine/Plans"
import * as RunLoader from "@baton/engine/RunLoader"
import { RunStore } from "@baton/engine/RunStore"
import { StepTypes } from "@baton/engine/StepType"
import type { NewBlob } from "@baton/engine/StoredValue"
import * as StoredValue from "@baton/engine/StoredValue"
import type { Event } from "@baton/kernel/Event"
import type { Flow } from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import * as NetPolicy from "@baton/net/NetPolicy"
import * as UndiciDialer from "@baton/net/UndiciDialer"
import type { FunctionHandler } from "@baton/steps/FunctionHandlers"
import { FunctionHandlers } from "@baton/steps/FunctionHandlers"
import * as FunctionStep from "@baton/steps/FunctionStep"
import * as HttpStep from "@baton/steps/HttpStep"
import * as TransformStep from "@baton/steps/TransformStep"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

export const tenant = "default"

export interface Options {
  readonly functions?: { readonly [name: string]: FunctionHandler }
  /** Hosts that calls may go to. */
  readonly allow?: ReadonlyArray<string>
  readonly reach?: (point: Failpoint) => Effect.Effect<void>
  /** The machine's clock; without it the real one. */
  readonly clock?: Clock.Clock
}

const limits: Limits.MachineLimits = {
  ...Limits.defaults,
  stopGrace: Duration.zero,
  sweepEvery: Duration.millis(10),
  commandsEvery: Duration.millis(10)
}

const steps = ({ allow = [], functions = {} }: Options) => {
  const all = Effect.all([FunctionStep.make, HttpStep.make])
  const made = Effect.map(all, (made) => new Map([TransformStep.stepType, ...made].map((step) => [step.type, step])))
  return Layer.effect(StepTypes, made).pipe(
    Layer.provide(FunctionHandlers.layer({ handlers: new Map(Object.entries(functions)), version: undefined })),
    Layer.provide(UndiciDialer.layer),
    Layer.provide(Layer.succeed(NetPolicy.NetPolicy, { ...NetPolicy.strict, allow: [...allow] }))
  )
}

/** One process on the store that is given. */
export const processOn = (options: Options) =>
  Layer.fresh(
    Engine.layer({ adopt: true }).pipe(
      Layer.provide(steps(options)),
      Layer.provide(MemorySecrets.layer),
      Layer.provide(Layer.succeed(Limits.MachineLimits, limits)),
      Layer.provide(Layer.succeed(Failpoints, options.reach)),
      Layer.provideMerge(MemoryStore.layerOver),
      Layer.provide(options.clock === undefined ? Layer.empty : Layer.succeed(Clock.Clock, options.clock))
    )
  )

/** One process on a store of its own. */
export const layer = (options: Options = {}) => Layer.provideMerge(processOn(options), MemoryState.MemoryState.layer)

/** Starts a run; answers when it is durable. */
export const start = Effect.fnUntraced(function*(run: string, flow: Flow, input: Json = null) {
  const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze(tenant, flow))
  const blobs: Array<NewBlob> = []
  const at = yield* Clock.currentTimeMillis
  const named = { name: plan.name, version: plan.version, hash }
  const stored = StoredValue.store(input, blobs)
  const command = { type: "CreateRun" as const, at, run, flow: named, input: stored }
  return yield* (yield* Coordinator).submit({ tenant, run, plan, command, blobs })
})

/** All events of a run. */
export const journal = Effect.fnUntraced(function*(run: string) {
  const store = yield* RunStore
  const events: Array<Event> = []
  for (const record of yield* store.records(tenant, run, 0, 100_000)) events.push(...yield* RunLoader.events(record))
  return events
})

/** Waits for what the run's journal shows. */
export const until = Effect.fnUntraced(function*(run: string, shows: (events: ReadonlyArray<Event>) => boolean) {
  const feed = yield* EventFeed
  return yield* Effect.scoped(Effect.gen(function*() {
    const moves = yield* feed.subscribe(tenant, run)
    const first = yield* journal(run)
    if (shows(first)) return first
    const found = yield* Stream.runHead(
      moves.pipe(
        Stream.filter((wakeup) => wakeup.kind === "moved"),
        Stream.mapEffect(() => journal(run)),
        Stream.filter(shows)
      )
    )
    return found._tag === "Some" ? found.value : first
  }))
})

export const isEnded = (events: ReadonlyArray<Event>): boolean => events.some((event) => event.type === "RunFinished")

/** Runs a flow to its end; answers its journal. */
export const play = (run: string, flow: Flow, input: Json = null) =>
  Effect.andThen(start(run, flow, input), until(run, isEnded))

type Of<T extends Event["type"]> = Extract<Event, { readonly type: T }>

export const all = <T extends Event["type"]>(events: ReadonlyArray<Event>, type: T): ReadonlyArray<Of<T>> =>
  events.filter((event): event is Of<T> => event.type === type)

export const end = (events: ReadonlyArray<Event>): Of<"RunFinished"> | undefined => all(events, "RunFinished")[0]
