/** Step logs in memory. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryState from "./MemoryState.ts"
import { cut, linesMax, type NumberedLine, StepLog } from "./StepLog.ts"

export const layer: Layer.Layer<StepLog, never, MemoryState.MemoryState> = Layer.effect(
  StepLog,
  Effect.gen(function*() {
    const state = yield* MemoryState.MemoryState
    return StepLog.of({
      append: (tenant, run, lines) =>
        Effect.sync(() => {
          const found = MemoryState.findRun(state, tenant, run)
          if (found === undefined) return
          const numbered = lines.map((line): NumberedLine => ({ ...line, line: cut(line.line), n: ++found.logged }))
          found.log = [...found.log, ...numbered].slice(-linesMax)
        }),
      read: (tenant, run, { after = 0, limit, path }) =>
        Effect.sync(() =>
          (MemoryState.findRun(state, tenant, run)?.log ?? [])
            .filter((line) => line.n > after && (path === undefined || line.path === path))
            .slice(0, limit)
        )
    })
  })
)
