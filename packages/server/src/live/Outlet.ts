/**
 * One connection. It takes from its sources as long as its peer takes from it, and nothing is kept for it meanwhile: a
 * reader's buffer is the journal. Who takes nothing for long is dropped, and resumes where it stood.
 */
import type { Batch } from "./Frame.ts"

/** What a connection carries: a run's events, or a tenant's summaries. */
export interface Source {
  /** What comes next; undefined: nothing for now, and the source wakes its connection when there is. */
  readonly take: () => Batch | undefined
  /** Its last frame has been taken. */
  readonly isDone: boolean
}

export abstract class Outlet {
  /** Milliseconds since 1970. */
  readonly openedAt: number
  /** Milliseconds since 1970 when something was last sent, and since when the peer has taken nothing. */
  sentAt: number
  fullSince: number | undefined
  isClosed = false
  /** Something can be handed over; before that nothing is taken from a source. */
  protected isOpen = true
  readonly #ready = new Set<Source>()
  readonly #now: () => number
  #pumping = false

  constructor(now: () => number) {
    this.#now = now
    this.openedAt = now()
    this.sentAt = this.openedAt
  }

  /** Hands over; false: the peer is behind, and {@link drained} will be called. */
  protected abstract write(batch: Batch, source: Source): boolean
  /** The last frame of a source has been sent. */
  protected abstract done(source: Source): void
  /** Once in a while. */
  care(_now: number): void {}
  /** Something is sent so that nobody takes the connection for dead. */
  abstract keepAlive(): void
  /** Tells the peer that it is too slow, where that is possible, and ends. */
  abstract overflow(): void
  /** The server stops, or the connection has had its time: the reader may come back after `returnMs` milliseconds. */
  abstract stop(returnMs?: number): void
  /** At once. */
  abstract destroy(): void

  get isFull(): boolean {
    return this.fullSince !== undefined
  }

  protected sent(more: boolean): void {
    this.sentAt = this.#now()
    if (!more) this.fullSince ??= this.sentAt
  }

  wake(source: Source): void {
    this.#ready.add(source)
    this.pump()
  }

  drained(): void {
    this.fullSince = undefined
    this.pump()
  }

  /** What may be lost is sent only to who keeps up. */
  live(batch: Batch, source: Source): void {
    if (this.isOpen && !this.isFull && !this.isClosed) this.sent(this.write(batch, source))
  }

  forget(source: Source): void {
    this.#ready.delete(source)
  }

  private pump(): void {
    if (this.#pumping || !this.isOpen) return
    this.#pumping = true
    // Sources take turns.
    for (const source of this.#ready) {
      if (this.isFull || this.isClosed) break
      // Before it is asked: it may wake this connection while it answers.
      this.#ready.delete(source)
      const batch = source.take()
      if (batch === undefined) continue
      this.#ready.add(source)
      this.sent(this.write(batch, source))
      if (!source.isDone) continue
      this.#ready.delete(source)
      this.done(source)
    }
    this.#pumping = false
  }
}
