/** Reading runs: from the owner's folded state when this process owns them, else folded from the journal. */
import { ClientError } from "@baton/contract/Client"
import type { Reason, RunDocument, RunListItem, StepDocument } from "@baton/contract/RunDocument"
import * as Projection from "@baton/contract/RunProjection"
import { timeText } from "@baton/contract/Wire"
import * as RunLoader from "@baton/engine/RunLoader"
import type { RunSlot } from "@baton/engine/RunSlot"
import type { RunRow } from "@baton/engine/RunStore"
import type { Facts } from "@baton/kernel/Explain"
import { explain } from "@baton/kernel/Explain"
import type { RunState } from "@baton/kernel/RunState"
import type { BlobRef, Json, Value } from "@baton/kernel/Value"
import { refs, resolve } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RunPlaces from "./RunPlaces.ts"

/** Bytes of stored values that a run document holds in full; larger ones are shown by their address. */
const documentBytesMax = 4 * 1024 * 1024
/** Runs looked through for a unique prefix. */
const prefixRunsMax = 10_000

interface Seen {
  readonly state: RunState
  readonly begun: ReadonlyMap<string, number>
  readonly owned: boolean
  /** Node types that this process works on, where it owns the run: of others nothing is known. */
  readonly served: ReadonlySet<string> | undefined
  /** The owner's state runs ahead of the journal while a commit is under way; nobody is told what may yet be lost. */
  readonly isDurable: () => boolean
}

const rowOf = (parts: Parts, run: string): Effect.Effect<RunRow, ClientError> =>
  parts.store.find(parts.tenant, run).pipe(
    Effect.mapError(Answers.fromStore),
    Effect.flatMap((row) => row === undefined ? Effect.fail(Answers.runNotFound(run)) : Effect.succeed(row))
  )

const see = Effect.fnUntraced(function*(parts: Parts, run: string): Effect.fn.Return<Seen, ClientError> {
  const own = yield* parts.coordinator.peek(parts.tenant, run)
  if (own === undefined) return yield* fromJournal(parts, run)
  const { slot, state } = own
  const seen = {
    state,
    begun: slot.begun,
    owned: true,
    served: parts.served,
    isDurable: () => slot.state === state && state.seq === slot.head
  }
  return seen.isDurable() ? seen : yield* fromJournal(parts, run)
})

const fromJournal = Effect.fnUntraced(function*(parts: Parts, run: string): Effect.fn.Return<Seen, ClientError> {
  const row = yield* rowOf(parts, run)
  const plan = yield* Effect.mapError(parts.plans.get(parts.tenant, row.flowHash), Answers.fromFlows)
  const loaded = yield* Effect.mapError(RunLoader.load(parts.store, plan, parts.tenant, run), Answers.fromStore)
  if (loaded === undefined) return yield* Effect.fail(Answers.runNotFound(run))
  const own = parts.coordinator.slot(parts.tenant, run)
  const owned = own !== undefined || (row.owner !== undefined &&
    (yield* Effect.mapError(parts.sessions.isAlive(row.owner), Answers.fromStore)))
  return {
    state: loaded.state,
    begun: own?.begun ?? new Map(),
    owned,
    served: own === undefined ? undefined : parts.served,
    isDurable: () => true
  }
})

const noValues: ReadonlyMap<BlobRef, Json> = new Map()

const factsOf = ({ begun, owned, served }: Seen): Facts => ({
  begun,
  owned,
  ...(served === undefined ? {} : { served })
})

export const load = Effect.fnUntraced(function*(parts: Parts, values: ReadonlyArray<Value | undefined>) {
  const loaded = new Map<BlobRef, Json>()
  let bytes = 0
  for (const value of values) {
    for (const ref of value === undefined ? [] : refs(value)) {
      if (loaded.has(ref) || bytes > documentBytesMax) continue
      const read = yield* Effect.mapError(parts.blobs.get(parts.tenant, ref), Answers.fromBlobs)
      bytes += read.length
      if (bytes <= documentBytesMax) loaded.set(ref, JSON.parse(Buffer.from(read).toString("utf8")))
    }
  }
  return loaded
})

/** The run's state as it is durable now; not to be changed. */
export const stateOf = (parts: Parts, run: string): Effect.Effect<RunState, ClientError> =>
  Effect.map(see(parts, run), ({ state }) => state)

const sightOf = Effect.fnUntraced(function*(parts: Parts, seen: Seen): Effect.fn.Return<Projection.Sight, ClientError> {
  const now = parts.clock.currentTimeMillisUnsafe()
  const loaded = yield* load(parts, [seen.state.input, seen.state.finished?.output])
  const [first] = explain(seen.state, now, factsOf(seen))
  return {
    read: (value) => resolve(value, loaded) ?? Projection.address(value),
    begun: seen.begun,
    reason: first?.message ?? "",
    now
  }
})

/** A state and what is needed to show it; the state may have moved on while values were read. */
const look = Effect.fnUntraced(function*(parts: Parts, run: string) {
  const seen = yield* see(parts, run)
  const sight = yield* sightOf(parts, seen)
  if (seen.isDurable()) return { state: seen.state, sight }
  const again = yield* fromJournal(parts, run)
  return { state: again.state, sight: yield* sightOf(parts, again) }
})

export const show = (parts: Parts, run: string): Effect.Effect<RunDocument, ClientError> =>
  Effect.map(look(parts, run), ({ sight, state }) => Projection.project(state, sight))

/**
 * The document of a run that this process owns, as its state is now: for whoever knows that it is durable, and cannot wait.
 * None where values must be read from the store first, or our own code breaks: {@link show} then tells what is the matter.
 */
export const atHand = (parts: Parts, { begun }: RunSlot, state: RunState): RunDocument | undefined => {
  const output = state.finished?.output
  if (refs(state.input).length > 0 || (output !== undefined && refs(output).length > 0)) return undefined
  const now = parts.clock.currentTimeMillisUnsafe()
  try {
    const [first] = explain(state, now, { begun, owned: true, served: parts.served })
    const read = (value: Value) => resolve(value, noValues) ?? Projection.address(value)
    return Projection.project(state, { read, begun, reason: first?.message ?? "", now })
  } catch {
    return undefined
  }
}

export const steps = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  after: number,
  limit: number
): Effect.fn.Return<ReadonlyArray<StepDocument>, ClientError> {
  const { sight, state } = yield* look(parts, run)
  return Projection.steps(state, sight, after, Math.min(limit, Projection.stepsMax))
})

export const reasons: (parts: Parts, run: string) => Effect.Effect<ReadonlyArray<Reason>, ClientError> = Effect
  .fnUntraced(function*(parts, run) {
    const seen = yield* see(parts, run)
    const now = parts.clock.currentTimeMillisUnsafe()
    const place = yield* RunPlaces.find(parts, seen.state)
    const found: Array<Reason> = []
    let asked = 0
    for (const reason of explain(seen.state, now, { ...factsOf(seen), ...place })) {
      found.push({ ...reason, path: reason.path ?? null, door: reason.door.replaceAll("RUN", run) })
      const child = reason.reason === "sub_run" ? reason.data["run"] : undefined
      if (typeof child === "string" && asked++ < childrenMax) {
        found.push(...yield* inside(parts, reason.path ?? "", child))
      }
    }
    return found
  })

/** Children whose own reasons are told too; `/` stands between the steps of a run and of its child. */
const childrenMax = 10

const inside = (parts: Parts, path: string, child: string): Effect.Effect<ReadonlyArray<Reason>, ClientError> =>
  Effect.suspend(() => reasons(parts, child)).pipe(
    Effect.map((found) =>
      found.map((reason) => ({ ...reason, path: reason.path === null ? path : `${path}/${reason.path}` }))
    ),
    // It may have ended meanwhile, or not have begun.
    Effect.catch((error) => error.reason === "not_found" ? Effect.succeed([]) : Effect.fail(error))
  )

export const listItem = (row: RunRow): RunListItem => ({
  id: row.run,
  flow: row.flow,
  version: row.version,
  status: row.status,
  code: row.code ?? null,
  reason: row.reason ?? null,
  startedAt: timeText(row.createdAt),
  endedAt: row.endedAt === undefined ? null : timeText(row.endedAt),
  seq: row.head,
  tags: row.tags,
  ...(row.parent === undefined ? {} : { parent: row.parent })
})

/** A run id, `@last`, or the beginning of exactly one id. */
export const find = Effect.fnUntraced(function*(parts: Parts, text: string): Effect.fn.Return<string, ClientError> {
  const page = (after: string | undefined, limit: number) =>
    parts.store.list({ tenant: parts.tenant, limit, ...(after === undefined ? {} : { after }) }).pipe(
      Effect.mapError(Answers.fromStore)
    )
  if (text === "@last") {
    // What steps have started is not what somebody has started last.
    const [last] = yield* Effect.mapError(
      parts.store.list({ tenant: parts.tenant, limit: 1, roots: true }),
      Answers.fromStore
    )
    return last === undefined ? yield* Effect.fail(Answers.runNotFound("@last")) : last.run
  }
  const exact = yield* Effect.mapError(parts.store.find(parts.tenant, text), Answers.fromStore)
  if (exact !== undefined) return text
  const matching: Array<string> = []
  let after: string | undefined
  for (let seen = 0; seen < prefixRunsMax; seen += 500) {
    const rows = yield* page(after, 500)
    for (const row of rows) if (row.run.startsWith(text)) matching.push(row.run)
    after = rows.at(-1)?.run
    if (rows.length < 500 || matching.length > 1) break
  }
  const [only] = matching
  if (only === undefined || text === "") return yield* Effect.fail(Answers.runNotFound(text))
  if (matching.length === 1) return only
  return yield* Effect.fail(
    new ClientError({
      reason: "not_found",
      code: "RUN_AMBIGUOUS",
      message: `${text} begins more than one run id: ${matching.slice(0, 3).join(", ")}`,
      hint: "write more of the id"
    })
  )
})
