/** What a workload needs of whatever it measures: the engine, or the floor under it. */
import type { Json } from "@baton/kernel/Value"

export interface Started {
  /** Resolves when the start would survive a loss of power. */
  readonly durable: Promise<void>
  /** Resolves when the run has ended and its end would survive; rejects when it did not succeed. */
  readonly finished: Promise<void>
}

export interface Engine {
  /** The text of a flow document and its input. */
  readonly start: (flow: string, input: Json) => Started
  readonly close: () => Promise<void>
}
