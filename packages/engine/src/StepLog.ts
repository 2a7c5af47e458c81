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

/** `n` numbers the lines of a run from 1; numbers of lines that are gone are not given again. */
export interface NumberedLine extends LogLine {
  readonly n: number
}

const encoder = new TextEncoder()

/** A line cut to {@link lineBytesMax} bytes of UTF-8, never inside a character. */
export const cut = (line: string): string => {
  if (line.length * 3 <= lineBytesMax) return line
  const { read } = encoder.encodeInto(line, new Uint8Array(lineBytesMax))
  return line.slice(0, read)
}

export class StepLog extends Context.Service<StepLog, {
  /** Lines of a run that is not there are dropped. */
  readonly append: (tenant: string, run: string, lines: ReadonlyArray<LogLine>) => Effect.Effect<void, RunStoreError>
  /** Oldest first; `path` limits it to one step. `after` is the number (`n`) of the last line seen. */
  readonly read: (
    tenant: string,
    run: string,
    options: { readonly path?: string; readonly after?: number; readonly limit: number }
  ) => Effect.Effect<ReadonlyArray<NumberedLine>, RunStoreError>
}>()("baton/engine/StepLog") {}
