/** What a workload needs of whatever it measures: the engine, or the floor under it. */
export interface Started {
  /** Resolves when the start would survive a loss of power. */
  readonly durable: Promise<void>
  /** Resolves when the run has ended and its end would survive; rejects when it did not succeed. */
  readonly finished: Promise<void>
}
