/** A run's events as envelopes, with or without following; its log lines in the same way. */
import type { ClientError, LogEntry } from "@baton/contract/Client"
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import * as Wire from "@baton/contract/Wire"
import type { Wakeup } from "@baton/engine/EventFeed"
import * as RunLoader from "@baton/engine/RunLoader"
import type { NumberedLine } from "@baton/engine/StepLog"
import type { Json } from "@baton/kernel/Value"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"

/** Records read in one go. */
const pageRecords = 500
/** How often the journal of a run that another process owns is looked at. */
const pollEvery = Duration.millis(100)
/** How often the log of a run is looked at that prints nothing, at last; and after how many looks without a line. */
const pollRarely = Duration.seconds(1)
const idleMax = 4
/** Live events a slow reader may be behind before the oldest go. */
const liveMax = 1024

export interface Page {
  readonly envelopes: ReadonlyArray<EventEnvelope>
  /** The last event's sequence: where the next page begins. */
  readonly after: number
  readonly records: number
  /** The run's end is among them. */
  readonly ended: boolean
}

/** The events of the records that begin after `after`, which must be the end of one. */
export const page = Effect.fnUntraced(
  function*(parts: Parts, run: string, after: number, limit: number): Effect.fn.Return<Page, ClientError> {
    const records = yield* Effect.mapError(parts.store.records(parts.tenant, run, after, limit), Answers.fromStore)
    const envelopes: Array<EventEnvelope> = []
    let ended = false
    let last = after
    for (const record of records) {
      const events = yield* Effect.mapError(RunLoader.events(record), Answers.fromStore)
      for (const [index, event] of events.entries()) {
        const seq = record.seq + index
        if (event.type === "RunFinished") ended = true
        if (seq > last) envelopes.push(Wire.fromEvent(run, seq, event))
      }
      last = record.seq + record.n - 1
    }
    return { envelopes, after: last, records: records.length, ended }
  }
)

/** Where the record begins that holds the event after `after`: a reader may have stopped in the middle of one. */
export const boundary = Effect.fnUntraced(
  function*(parts: Parts, run: string, after: number, head: number): Effect.fn.Return<number, ClientError> {
    if (after <= 0 || after >= head) return Math.max(0, after)
    for (let back = 1;; back *= 2) {
      const from = Math.max(0, after - back)
      const records = yield* Effect.mapError(parts.store.records(parts.tenant, run, from, back + 1), Answers.fromStore)
      const holder = records.findLast((record) => record.seq <= after + 1)
      if (holder !== undefined) return holder.seq - 1
      if (from === 0) return 0
    }
  }
)

const liveOf = (wakeup: Wakeup, run: string, at: number, n: number): EventEnvelope | undefined =>
  wakeup.kind === "live" && (Wire.liveTypes as ReadonlyArray<string>).includes(wakeup.type)
    ? Wire.fromLive(run, wakeup.type as Wire.LiveType, wakeup.path, at, n, wakeup.data as Json)
    : undefined

/** What has happened since; when nothing has, waits for a hint or the next look, and gives what is live meanwhile. */
const follow = (parts: Parts, run: string, hints: Queue.Queue<Wakeup>) => {
  let n = 0
  return (after: number): Effect.Effect<
    readonly [ReadonlyArray<EventEnvelope>, Option.Option<number>],
    ClientError
  > =>
    Effect.gen(function*() {
      const found = yield* page(parts, run, after, pageRecords)
      if (found.envelopes.length > 0) {
        return [found.envelopes, found.ended ? Option.none<number>() : Option.some(found.after)] as const
      }
      // Whoever asks from the last event on has nothing left to see.
      const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
      if (row === undefined || (row.endedAt !== undefined && row.head <= after)) {
        return [[], Option.none<number>()] as const
      }
      const hint = yield* Effect.raceFirst(
        Effect.map(Queue.take(hints), Option.some),
        Effect.as(Effect.sleep(pollEvery), Option.none<Wakeup>())
      )
      const live = Option.isSome(hint)
        ? liveOf(hint.value, run, parts.clock.currentTimeMillisUnsafe(), n++)
        : undefined
      return [live === undefined ? [] : [live], Option.some(after)] as const
    })
}

export const events = (
  parts: Parts,
  run: string,
  options: { readonly after: number; readonly follow: boolean }
): Stream.Stream<EventEnvelope, ClientError> =>
  Stream.unwrap(Effect.gen(function*() {
    const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
    if (row === undefined) return yield* Effect.fail(Answers.runNotFound(run))
    const start = yield* boundary(parts, run, options.after, row.head)
    const isNew = ({ seq }: EventEnvelope) => seq === undefined || seq > options.after
    if (!options.follow) {
      return Stream.paginate(start, (after) =>
        Effect.map(page(parts, run, after, pageRecords), (found) =>
          [
            found.envelopes,
            found.envelopes.length === 0 || found.ended ? Option.none<number>() : Option.some(found.after)
          ] as const)).pipe(Stream.filter(isNew))
    }
    const hints = yield* Queue.sliding<Wakeup>(liveMax)
    const wakeups = yield* parts.feed.subscribe(parts.tenant, run)
    yield* Effect.forkScoped(Stream.runForEach(wakeups, (wakeup) => Queue.offer(hints, wakeup)))
    return Stream.filter(Stream.paginate(start, follow(parts, run, hints)), isNew)
  }))

const logEntry = ({ at, attempt, line, n, path }: NumberedLine): LogEntry => ({
  n,
  at: Wire.timeText(at),
  path,
  attempt,
  line
})

export const logs = (
  parts: Parts,
  run: string,
  options: { readonly path?: string; readonly follow: boolean; readonly after?: number }
): Stream.Stream<LogEntry, ClientError> =>
  Stream.paginate({ after: options.after ?? 0, idle: 0 }, ({ after, idle }) =>
    Effect.gen(function*() {
      const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
      if (row === undefined) return yield* Effect.fail(Answers.runNotFound(run))
      const lines = yield* parts.log.read(parts.tenant, run, {
        after,
        limit: pageRecords,
        ...(options.path === undefined ? {} : { path: options.path })
      }).pipe(Effect.mapError(Answers.fromStore))
      const more = lines.length === pageRecords || (options.follow && row.endedAt === undefined)
      if (more && lines.length === 0) {
        yield* Effect.sleep(Duration.min(Duration.times(pollEvery, 2 ** idle), pollRarely))
      }
      const next = lines.length === 0
        ? { after, idle: Math.min(idle + 1, idleMax) }
        : { after: lines.at(-1)!.n, idle: 0 }
      return [lines.map(logEntry), more ? Option.some(next) : Option.none<typeof next>()] as const
    }))
