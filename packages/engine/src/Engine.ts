/** The machine in one piece: coordinator, workers and sweeper over the ports of one store. */
import * as Layer from "effect/Layer"
import { Admission } from "./Admission.ts"
import { ChildRuns } from "./ChildRuns.ts"
import { Coordinator } from "./Coordinator.ts"
import * as MemoryEventFeed from "./MemoryEventFeed.ts"
import * as MemoryStepQueue from "./MemoryStepQueue.ts"
import { Plans } from "./Plans.ts"
import * as SteadyClock from "./SteadyClock.ts"
import { Sweeper, type SweeperOptions } from "./Sweeper.ts"
import { WorkerPool } from "./WorkerPool.ts"
import { WorkerTypes } from "./WorkerTypes.ts"

export interface EngineOptions extends SweeperOptions {
  /** Default true. With false the process decides and records what it is asked, and leaves the steps to others. */
  readonly execute?: boolean
  /** Node types that are worked on; absent: all. */
  readonly types?: ReadonlySet<string>
}

/**
 * Layers are released in the reverse order: workers stop first, then the sweeper gives the runs up, then the coordinator
 * ends. The queue and the feed are those of one process, and so is its steady clock.
 */
export const layer = (options: EngineOptions) =>
  (options.execute === false ? Layer.empty : WorkerPool.layer).pipe(
    Layer.provide(Layer.succeed(WorkerTypes, options.types))
  ).pipe(
    Layer.provideMerge(Sweeper.layer(options)),
    Layer.provideMerge(Layer.mergeAll(ChildRuns.layer, Admission.layer)),
    Layer.provideMerge(Coordinator.layer),
    Layer.provideMerge(Layer.mergeAll(Plans.layer, MemoryStepQueue.layer, MemoryEventFeed.layer)),
    Layer.provide(SteadyClock.layer)
  )
