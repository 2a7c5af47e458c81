/** Which finished runs may go because of their age. */
export interface AgedQuery {
  readonly tenant: string
  /** Ended before, in milliseconds since 1970. */
  readonly before: number
  /** Where the last look ended; absent: from the oldest. */
  readonly after?: number
  /** Runs named in one answer. */
  readonly limit: number
}

/**
 * Runs that nobody needs any more: none that a run which is there has started (they go with it), and none that a run which
 * is there was made from, by a retry or a fork.
 */
export interface AgedRuns {
  /** Oldest first. */
  readonly runs: ReadonlyArray<string>
  /** Where to look on; absent: that was all. */
  readonly next?: number
}

/** Runs looked at in one go, whether they may go or not. */
export const lookedMax = 1_000
