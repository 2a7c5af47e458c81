/**
 * What steps print (`baton runs logs`). Lines are bounded, may be lost in a crash, and never hold secrets.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { RunStoreError } from "./RunStore.ts"

/** Longer lines are cut. */
export const lineBytesMax = 4096
/** Lines kept per run; older ones go first. */
export const linesMax = 10_000

export interface LogLine {
  readonly at: number
  readonly path: string
  readonly attempt: number
  readonly line: string
}

export class StepLog extends Context.Service<StepLog, {
  readonly append: (tenant: string, run: string, lines: ReadonlyArray<LogLine>) => Effect.Effect<void, RunStoreError>
  /** Oldest first; `path` limits it to one step. `after` is the number of lines already seen. */
  readonly read: (
    tenant: string,
    run: string,
    options: { readonly path?: string; readonly after?: number; readonly limit: number }
  ) => Effect.Effect<ReadonlyArray<LogLine>, RunStoreError>
}>()("baton/engine/StepLog") {}
