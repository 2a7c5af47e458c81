/** The run store in memory: same promises but durability. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LetterExpectation, LetterFate, LetterQuery, StoredLetter } from "./DeadLetter.ts"
import { openFate } from "./DeadLetter.ts"
import * as MemoryAuditLog from "./MemoryAuditLog.ts"
import * as Blobs from "./MemoryBlobStore.ts"
import * as MemoryPlaces from "./MemoryPlaces.ts"
import * as MemoryRemoval from "./MemoryRemoval.ts"
import * as MemoryState from "./MemoryState.ts"
import * as MemoryUsage from "./MemoryUsage.ts"
import * as RecordHash from "./RecordHash.ts"
import {
  type Commit,
  type CommitOutcome,
  type DoorQuery,
  isFinished,
  type JournalRecord,
  type MoveQuery,
  type Moves,
  type OpenDoor,
  type RunQuery,
  type RunRow,
  RunStore,
  RunStoreError,
  type RunSummary
} from "./RunStore.ts"

type State = typeof MemoryState.MemoryState.Service
type Run = MemoryState.MemoryRun

/** Decides a record's fate without changing anything. */
const refusal = (state: State, run: Run | undefined, commit: Commit): (CommitOutcome & { ok: false }) | undefined => {
  if (run === undefined && commit.expected !== 0) return { ok: false, reason: "conflict" }
  if (run !== undefined) {
    if (commit.expected === 0) return { ok: false, reason: "exists" }
    if (run.owner !== commit.owner) return { ok: false, reason: "not_owner" }
    if (run.head !== commit.expected || !RecordHash.equals(run.hash, commit.previous)) {
      return { ok: false, reason: "conflict" }
    }
  }
  const carried = new Set((commit.blobs ?? []).map((blob) => blob.ref))
  const missing = (commit.references ?? []).some((ref) =>
    !carried.has(ref) && !state.blobs.has(MemoryState.key(commit.tenant, ref))
  )
  return missing ? { ok: false, reason: "blob_missing" } : MemoryPlaces.refusal(state, run, commit)
}

/** A record that creates a run without its summary is a bug of the caller, not a state of the store. */
const requireSummary = (commit: Commit): RunSummary => {
  if (commit.summary !== undefined) return commit.summary
  throw new Error(`the record that creates run ${commit.run} carries no summary`)
}

const create = (state: State, commit: Commit): Run => {
  const run: Run = {
    tenant: commit.tenant,
    run: commit.run,
    no: ++state.counter,
    summary: requireSummary(commit),
    head: 0,
    position: 0,
    hash: new Uint8Array(),
    owner: commit.owner,
    epoch: 1,
    records: [],
    timers: new Map(),
    dispatches: new Map(),
    deadLetters: [],
    doors: new Map(),
    references: new Set(),
    place: undefined,
    log: [],
    logged: 0
  }
  state.runs.set(MemoryState.key(run.tenant, run.run), run)
  return run
}

const attemptKey = (path: string, attempt: number): string => `${path}#${attempt}`

const write = (state: State, run: Run, commit: Commit): CommitOutcome => {
  const bytes = commit.bytes.slice()
  const hash = RecordHash.next(commit.previous, bytes)
  run.records.push({ seq: commit.expected + 1, n: commit.n, bytes, hash })
  run.head = commit.expected + commit.n
  run.position = ++state.position
  run.hash = hash
  if (commit.summary !== undefined) run.summary = commit.summary
  for (const timer of commit.timers?.clear ?? []) run.timers.delete(MemoryState.key(timer.path, timer.kind))
  for (const timer of commit.timers?.set ?? []) run.timers.set(MemoryState.key(timer.path, timer.kind), timer)
  if (state.dispatchRows) writeDispatches(run, commit)
  for (const blob of commit.blobs ?? []) {
    Blobs.write(state, commit.tenant, blob.ref, blob.bytes, commit.at)
    Blobs.refer(state, run, blob.ref)
  }
  for (const ref of commit.references ?? []) Blobs.refer(state, run, ref)
  for (const { answer, id } of commit.answered ?? []) {
    const command = state.commands.get(id)
    if (command !== undefined) command.answer ??= answer
  }
  writeLetters(state, run, commit)
  if (commit.place !== undefined) MemoryPlaces.write(run, commit.place)
  if (commit.audit !== undefined) MemoryAuditLog.write(state, commit.audit)
  for (const id of commit.doors?.clear ?? []) {
    const door = run.doors.get(id)
    if (door !== undefined) run.doors.set(id, { ...door, closedAt: commit.at })
  }
  for (const door of commit.doors?.set ?? []) run.doors.set(door.id, { ...door, closedAt: undefined })
  for (const row of commit.usage ?? []) {
    state.usage.push({ ...row, tenant: run.tenant, run: run.run, flow: run.summary.flow })
  }
  return { ok: true, head: run.head, hash }
}

const writeLetters = (state: State, run: Run, { at, deadLetters = [], lettersEnded = [] }: Commit): void => {
  for (const { by, note, path, state: end } of lettersEnded) {
    run.deadLetters = run.deadLetters.map((letter) =>
      letter.path === path && letter.state === "open" ? { ...letter, state: end, settledAt: at, by, note } : letter
    )
  }
  for (const letter of deadLetters) {
    const known = run.deadLetters.some(({ attempt, path }) => path === letter.path && attempt === letter.attempt)
    if (!known) run.deadLetters.push({ ...letter, ...openFate, id: ++state.counter, run: run.run })
  }
}

const letters = (state: State, query: LetterQuery): ReadonlyArray<StoredLetter> =>
  [...state.runs.values()]
    .filter((run) => run.tenant === query.tenant && (query.run === undefined || query.run === run.run))
    .flatMap((run) => run.deadLetters)
    .filter((letter) => query.state === undefined || letter.state === query.state)
    .filter(({ id }) => (query.id === undefined || id === query.id) && (query.after === undefined || id < query.after))
    .sort((a, b) => b.id - a.id)
    .slice(0, query.limit)

const settleLetter = (
  state: State,
  tenant: string,
  id: number,
  expected: LetterExpectation,
  fate: LetterFate
): boolean => {
  for (const run of state.runs.values()) {
    const found = run.deadLetters.find((letter) =>
      letter.id === id && letter.state === expected.state && letter.into === expected.into
    )
    if (run.tenant !== tenant || found === undefined) continue
    run.deadLetters = run.deadLetters.map((letter) => letter === found ? { ...letter, ...fate } : letter)
    return true
  }
  return false
}

const writeDispatches = (run: Run, commit: Commit) => {
  for (const { attempt, path } of commit.dispatches?.remove ?? []) run.dispatches.delete(attemptKey(path, attempt))
  for (const row of commit.dispatches?.add ?? []) {
    run.dispatches.set(attemptKey(row.path, row.attempt), { ...row, session: undefined, deliveries: 0 })
  }
}

const row = (run: Run): RunRow => ({
  ...run.summary,
  tenant: run.tenant,
  run: run.run,
  head: run.head,
  hash: run.hash,
  owner: run.owner,
  epoch: run.epoch
})

const isWanted = (query: RunQuery) => (run: Run): boolean =>
  run.tenant === query.tenant &&
  (query.status === undefined || query.status.includes(run.summary.status)) &&
  (query.flow === undefined || query.flow === run.summary.flow) &&
  (query.parent === undefined || query.parent === run.summary.parent?.run) &&
  (query.roots !== true || run.summary.parent === undefined) &&
  (query.createdAfter === undefined || run.summary.createdAt > query.createdAfter) &&
  (query.createdBefore === undefined || run.summary.createdAt < query.createdBefore)

const list = (state: State, query: RunQuery): ReadonlyArray<RunRow> => {
  const after = query.after === undefined ? undefined : MemoryState.findRun(state, query.tenant, query.after)
  if (query.after !== undefined && after === undefined) return []
  return [...state.runs.values()]
    .filter(isWanted(query))
    .filter((run) => after === undefined || run.no < after.no)
    .sort((a, b) => b.no - a.no)
    .slice(0, query.limit)
    .map(row)
}

const moves = (state: State, { after = state.position, limit, tenant }: MoveQuery): Moves => {
  const found = [...state.runs.values()]
    .filter((run) => run.position > after && (tenant === undefined || run.tenant === tenant))
    .sort((a, b) => a.position - b.position)
    .slice(0, limit)
    .map(({ head, position, run, tenant }) => ({ tenant, run, head, position }))
  return { position: found.length < limit ? state.position : found.at(-1)?.position ?? after, moves: found }
}

/** The part of a run's chain that was asked for, verified. */
const records = (run: Run | undefined, after: number, limit: number) => {
  const found: Array<JournalRecord> = []
  let previous: Uint8Array = new Uint8Array()
  for (const record of run?.records ?? []) {
    if (record.seq > after) {
      if (found.length === limit) break
      if (!RecordHash.equals(RecordHash.next(previous, record.bytes), record.hash)) {
        return Effect.fail(
          new RunStoreError({
            reason: "corrupt",
            message: `Record ${record.seq} of run ${run?.run} does not match its hash. Restore the store from a backup.`
          })
        )
      }
      found.push(record)
    }
    previous = record.hash
  }
  return Effect.succeed(found)
}

const timers = (state: State, owner: string | undefined) =>
  [...state.runs.values()]
    .filter((run) => owner === undefined || run.owner === owner)
    .flatMap((run) => [...run.timers.values()].map((timer) => ({ ...timer, tenant: run.tenant, run: run.run })))
    .sort((a, b) => a.due - b.due)

const claim = (state: State, now: number, run: Run | undefined, id: string, session: string): boolean => {
  const dispatch = run?.dispatches.get(id)
  if (dispatch === undefined) return false
  if (dispatch.session !== undefined && MemoryState.isAlive(state, dispatch.session, now)) return false
  dispatch.session = session
  dispatch.deliveries += 1
  return true
}

const releaseExpired = (state: State, now: number) =>
  [...state.runs.values()].flatMap((run) =>
    [...run.dispatches.values()]
      .filter(({ session }) => session !== undefined && !MemoryState.isAlive(state, session, now))
      .map((dispatch) => {
        dispatch.session = undefined
        const { attempt, path, type } = dispatch
        return { tenant: run.tenant, run: run.run, path, attempt, type }
      })
  )

const doors = (state: State, { after, closed, id, kinds, limit, run, tenant }: DoorQuery): ReadonlyArray<OpenDoor> => {
  const all = [...state.runs.values()]
    .filter((one) => one.tenant === tenant)
    .flatMap((one) =>
      [...one.doors.values()].map((door) => ({ ...door, tenant, run: one.run, flow: one.summary.flow }))
    )
    .sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1))
  const from = after === undefined ? 0 : all.findIndex((door) => door.id === after) + 1
  if (after !== undefined && from === 0) return []
  return all.slice(from)
    .filter((door) =>
      (closed === true || door.closedAt === undefined) && (id === undefined || door.id === id) &&
      (run === undefined || door.run === run) && (kinds === undefined || kinds.includes(door.kind))
    )
    .slice(0, limit)
}

const remove = (state: State, tenant: string, run: string): boolean => {
  const found = MemoryState.findRun(state, tenant, run)
  if (found === undefined || !isFinished(found.summary)) return false
  const parent = MemoryState.findRun(state, tenant, found.summary.parent?.run ?? "")
  if (parent !== undefined && !isFinished(parent.summary)) return false
  for (const child of [...state.runs.values()]) {
    if (child.tenant === tenant && child.summary.parent?.run === run) remove(state, tenant, child.run)
  }
  for (const ref of found.references) Blobs.forget(state, tenant, ref)
  for (const command of state.commands.values()) {
    if (command.tenant === tenant && command.run === run) state.commands.delete(command.id)
  }
  return state.runs.delete(MemoryState.key(tenant, run))
}

export const layer: Layer.Layer<RunStore, never, MemoryState.MemoryState> = Layer.effect(
  RunStore,
  Effect.gen(function*() {
    const state = yield* MemoryState.MemoryState
    const find = (tenant: string, run: string) => MemoryState.findRun(state, tenant, run)
    return RunStore.of({
      dispatchRows: state.dispatchRows,
      commit: Effect.fn("RunStore.commit")(function*(batch) {
        yield* MemoryState.fault(state)
        for (const commit of batch) if (commit.expected === 0) requireSummary(commit)
        return batch.map((commit) => {
          const run = find(commit.tenant, commit.run)
          return refusal(state, run, commit) ?? write(state, run ?? create(state, commit), commit)
        })
      }),
      records: (tenant, run, after, limit) => Effect.suspend(() => records(find(tenant, run), after, limit)),
      find: (tenant, run) =>
        Effect.sync(() => {
          const found = find(tenant, run)
          return found === undefined ? undefined : row(found)
        }),
      list: (query) => Effect.sync(() => list(state, query)),
      moves: (query) => Effect.sync(() => moves(state, query)),
      dueTimers: (now, limit, owner) =>
        Effect.sync(() => timers(state, owner).filter((timer) => timer.due <= now).slice(0, limit)),
      nextTimer: (owner) => Effect.sync(() => timers(state, owner)[0]?.due),
      dispatches: (tenant, run) =>
        Effect.sync(() => [...find(tenant, run)?.dispatches.values() ?? []].map((d) => ({ ...d }))),
      claim: (tenant, run, path, attempt, session) =>
        Effect.clockWith((clock) =>
          Effect.sync(() =>
            claim(state, clock.currentTimeMillisUnsafe(), find(tenant, run), attemptKey(path, attempt), session)
          )
        ),
      releaseExpired: (now) => Effect.sync(() => releaseExpired(state, now)),
      deadLetters: (query) => Effect.sync(() => letters(state, query)),
      settleLetter: (tenant, id, expected, fate) => Effect.sync(() => settleLetter(state, tenant, id, expected, fate)),
      doors: (query) => Effect.sync(() => doors(state, query)),
      usage: (query) => Effect.sync(() => MemoryUsage.list(state.usage, query)),
      places: (query) => Effect.sync(() => MemoryPlaces.places(state, query)),
      tenants: Effect.sync(() => MemoryRemoval.tenants(state)),
      aged: (query) => Effect.sync(() => MemoryRemoval.aged(state, query)),
      purge: () => Effect.succeed(false),
      remove: (tenant, run) => Effect.sync(() => remove(state, tenant, run)),
      removeAll: (tenant, runs) => Effect.sync(() => runs.filter((run) => remove(state, tenant, run)).length)
    })
  })
)
