/**
 * Sessions in memory. Every layer built from {@link layer} is one "process"; over the same state they see each other.
 * Closing its scope is an orderly end, `MemoryState.kill` a crash: both make its runs free for adoption.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryState from "./MemoryState.ts"
import { isFinished } from "./RunStore.ts"
import { type HandedCommand, type OwnedRun, Sessions } from "./Sessions.ts"

type State = typeof MemoryState.MemoryState.Service

const free = (state: State, now: number): ReadonlyArray<MemoryState.MemoryRun> =>
  [...state.runs.values()]
    .filter((run) => !isFinished(run.summary))
    .filter((run) => run.owner === undefined || !MemoryState.isAlive(state, run.owner, now))

const adopt = (
  state: State,
  session: string,
  now: number,
  limit: number,
  only: { readonly tenant: string; readonly run: string } | undefined
): ReadonlyArray<OwnedRun> =>
  free(state, now)
    .filter((run) => only === undefined || (run.tenant === only.tenant && run.run === only.run))
    .slice(0, limit)
    .map((run) => {
      const orderly = run.owner === undefined
      run.owner = session
      run.epoch += 1
      return { tenant: run.tenant, run: run.run, epoch: run.epoch, orderly }
    })

const taken = (state: State, session: string, limit: number): ReadonlyArray<HandedCommand> => {
  const found: Array<HandedCommand> = []
  for (const { answer, command, id, run, tenant } of state.commands.values()) {
    if (found.length === limit) break
    if (answer !== undefined || MemoryState.findRun(state, tenant, run)?.owner !== session) continue
    found.push({ id, tenant, run, command })
  }
  return found
}

const make = (state: State, session: string) =>
  Sessions.of({
    id: session,
    isAlive: (id) =>
      Effect.clockWith((clock) => Effect.sync(() => MemoryState.isAlive(state, id, clock.currentTimeMillisUnsafe()))),
    heartbeat: (now) =>
      Effect.sync(() => {
        if (state.sessions.has(session)) state.sessions.set(session, now)
      }),
    adopt: (limit, only) =>
      Effect.clockWith((clock) =>
        Effect.sync(() => adopt(state, session, clock.currentTimeMillisUnsafe(), limit, only))
      ),
    unowned: Effect.clockWith((clock) => Effect.sync(() => free(state, clock.currentTimeMillisUnsafe()).length)),
    release: (runs) =>
      Effect.sync(() => {
        for (const { run, tenant } of runs) {
          const found = MemoryState.findRun(state, tenant, run)
          if (found?.owner === session) found.owner = undefined
        }
      }),
    give: (tenant, run, command) =>
      Effect.sync(() => {
        const id = ++state.counter
        state.commands.set(id, { id, tenant, run, command, answer: undefined })
        return id
      }),
    answer: (id) => Effect.sync(() => state.commands.get(id)?.answer),
    taken: (limit) => Effect.sync(() => taken(state, session, limit)),
    reply: (id, answer) =>
      Effect.sync(() => {
        const command = state.commands.get(id)
        if (command !== undefined) command.answer ??= answer
      })
  })

/** One process. Built afresh wherever it is provided, so that two of them over one state are two processes. */
export const layer: Layer.Layer<Sessions, never, MemoryState.MemoryState> = Layer.fresh(Layer.effect(
  Sessions,
  Effect.gen(function*() {
    const state = yield* MemoryState.MemoryState
    const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    const session = `memory-${++state.counter}`
    yield* Effect.acquireRelease(
      Effect.sync(() => state.sessions.set(session, now)),
      () => Effect.sync(() => MemoryState.kill(state, session))
    )
    return make(state, session)
  })
))
