/**
 * One source and everybody who reads it. What is new is read once, encoded once, and kept in a ring; who is behind the ring
 * reads pages, which those at the same place share.
 */
import type { ClientError } from "@baton/contract/Client"
import * as Effect from "effect/Effect"
import { Batch, batches, type Frame } from "./Frame.ts"
import type { LiveLimits } from "./LiveLimits.ts"
import type { Reader } from "./Reader.ts"
import type { Ring } from "./Ring.ts"

/** What a hub is filled from. Positions grow; a boundary is a position that a page may begin after. */
export interface Journal {
  readonly page: (boundary: number) => Effect.Effect<{
    readonly frames: ReadonlyArray<Frame>
    /** Where the next page begins; the same when there was nothing. */
    readonly boundary: number
    /** There may be more right now. */
    readonly isFull: boolean
  }, ClientError>
  /** The boundary at or below a position. */
  readonly boundaryOf: (position: number) => Effect.Effect<number, ClientError>
  /** For a reader who has all up to a position: the last frame of all, once nothing more comes. */
  readonly end: (position: number) => Effect.Effect<Frame | undefined, ClientError>
}

export interface Page {
  readonly batches: ReadonlyArray<Batch>
  readonly boundary: number
}

/** Readers told in one go, before others of this process have their turn. */
const readersAtOnce = 200

export class Hub {
  readonly ring: Ring
  readonly readers = new Set<Reader>()
  /** The last frame, when nothing more comes. */
  end: Batch | undefined
  readonly #journal: Journal
  readonly #limits: LiveLimits
  readonly #fork: (effect: Effect.Effect<void>) => void
  /** The highest position that was heard of. */
  #heard = 0
  /** Times that something was heard. */
  #hints = 0
  #isAdvancing = false
  /** Pages under way, by boundary, and who waits for each. */
  readonly #asked = new Map<number, Array<(page: Page | undefined) => void>>()

  constructor(options: {
    readonly journal: Journal
    readonly ring: Ring
    readonly end: Frame | undefined
    readonly limits: LiveLimits
    readonly fork: (effect: Effect.Effect<void>) => void
  }) {
    this.#journal = options.journal
    this.ring = options.ring
    this.end = options.end === undefined ? undefined : new Batch([options.end], undefined)
    this.#limits = options.limits
    this.#fork = options.fork
  }

  /** Something was heard of that is not in the ring. */
  get isBehind(): boolean {
    return this.#heard > this.ring.head
  }

  hear(position: number): void {
    this.#heard = Math.max(this.#heard, position)
    this.#hints++
  }

  /** Reads what is new and tells the readers. What cannot be read now is read at the next look. */
  advance(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isAdvancing || !this.isBehind) return Effect.void
      this.#isAdvancing = true
      return this.#fill().pipe(
        Effect.catch(({ code, message }) => Effect.logWarning("a live stream cannot be read now", { code, message })),
        Effect.ensuring(Effect.sync(() => {
          this.#isAdvancing = false
        }))
      )
    })
  }

  #fill(): Effect.Effect<void, ClientError> {
    return Effect.gen({ self: this }, function*() {
      for (;;) {
        const hints = this.#hints
        const { boundary, frames, isFull } = yield* this.#journal.page(this.ring.head)
        this.ring.push(frames, boundary)
        const end = isFull ? undefined : yield* this.#journal.end(this.ring.head)
        if (end !== undefined) this.end = new Batch([end], undefined)
        if (frames.length > 0 || end !== undefined) yield* this.#tell((reader) => reader.outlet.wake(reader))
        // What was heard of since may have come after the page was read.
        if (isFull || this.#hints > hints) continue
        // What was heard of before may have gone again with its run.
        this.#heard = this.ring.head
        return
      }
    })
  }

  /** Live frames go to those who have everything else. */
  tell(frames: ReadonlyArray<Frame>): Effect.Effect<void> {
    const batch = new Batch(frames, undefined)
    return this.#tell((reader) => {
      if (reader.isCurrent) reader.outlet.live(batch, reader)
    })
  }

  #tell(each: (reader: Reader) => void): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const readers = [...this.readers]
      for (let from = 0; from < readers.length; from += readersAtOnce) {
        if (from > 0) yield* Effect.yieldNow
        for (const reader of readers.slice(from, from + readersAtOnce)) if (this.readers.has(reader)) each(reader)
      }
    })
  }

  /** The page after a position, for a reader behind the ring; `undefined` when it cannot be read. */
  page(position: number, boundary: number | undefined, give: (page: Page | undefined) => void): void {
    this.#fork(
      (boundary === undefined ? this.#journal.boundaryOf(position) : Effect.succeed(boundary)).pipe(
        Effect.map((from) =>
          this.#ask(
            from,
            (page) => give(page === undefined ? undefined : { ...page, batches: page.batches.flatMap(above(position)) })
          )
        ),
        Effect.catch(({ code }) =>
          Effect.andThen(
            Effect.logWarning("a live stream's history cannot be read", { code }),
            Effect.sync(() => give(undefined))
          )
        )
      )
    )
  }

  #ask(boundary: number, give: (page: Page | undefined) => void): void {
    const waiting = this.#asked.get(boundary)
    if (waiting !== undefined) return void waiting.push(give)
    const asking = [give]
    this.#asked.set(boundary, asking)
    const answer = (page: Page | undefined) => {
      this.#asked.delete(boundary)
      for (const one of asking) one(page)
    }
    this.#fork(
      this.#journal.page(boundary).pipe(
        Effect.map((found): Page | undefined => ({
          batches: batches(found.frames, this.#limits.batchBytesMax),
          boundary: found.boundary
        })),
        Effect.catch(() => Effect.succeed(undefined)),
        Effect.map(answer)
      )
    )
  }
}

/** The part of a batch that a reader in the middle of it has not seen. */
const above = (position: number) => (batch: Batch): ReadonlyArray<Batch> => {
  if ((batch.frames[0]?.seq ?? 0) > position) return [batch]
  const frames = batch.frames.filter(({ seq }) => seq === undefined || seq > position)
  return frames.length === 0 ? [] : [new Batch(frames, batch.to)]
}
