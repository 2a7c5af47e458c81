/** A connection of server-sent events (HTML 9.2). */
import { frameTypes } from "@baton/contract/LiveMessage"
import { type Batch, chunked, type Frame, sse } from "./Frame.ts"
import type { Line, Sendable } from "./Line.ts"
import type { LiveLimits } from "./LiveLimits.ts"
import { Outlet, type Source } from "./Outlet.ts"

/** Milliseconds after which a client that was cut comes back. */
const retry = "retry: 2000\n\n"
const comment = chunked(": keep-alive\n\n")
const overflowed = "event: overflow\ndata: {}\n\n"

export interface SseOptions {
  readonly now: () => number
  readonly limits: LiveLimits
  /** Event types that are wanted; absent: all. What is no event is always sent. */
  readonly types: ReadonlySet<string> | undefined
}

const framing: ReadonlySet<string> = new Set(frameTypes)

export class SseOutlet extends Outlet {
  readonly #types: ReadonlySet<string> | undefined
  /** Bytes that may wait before the next batch. */
  readonly #roomMax: number
  #line: Line | undefined
  /** Where the stream of a tenant begins. */
  #begins: number | undefined
  /** Sources of a connection that carries several, in the order that its cursor has, and where each stands. */
  #several: Map<Source, number | undefined> | undefined
  /** Position of the last frame, wanted or not. */
  #last: number | undefined
  #open = 0

  constructor({ limits, now, types }: SseOptions) {
    super(now)
    // What happens before the head is written stays where it is.
    this.isOpen = false
    this.#types = types
    this.#roomMax = Math.max(1, limits.pendingBytesMax - limits.batchBytesMax)
  }

  /** The ids of its frames are the positions of all sources, in this order, joined by dots. */
  several(sources: ReadonlyArray<readonly [Source, number | undefined]>): void {
    this.#several = new Map(sources)
  }

  /** Tells where the stream begins, so that who is cut before the first frame can resume. */
  position(at: number): void {
    this.#begins = at
  }

  /** The peer is there: from now on it gets what there is. */
  begin(line: Line, sources: ReadonlyArray<Source>): void {
    if (this.isClosed) return line.end()
    this.#line = line
    this.isOpen = true
    this.#open = sources.length
    const at = this.#begins
    line.send(at === undefined ? retry : `${retry}id: ${at}\nevent: position\ndata: {"seq":${at}}\n\n`)
    for (const source of sources) this.wake(source)
  }

  readonly #flushed = (): void => {
    if (this.isFull && !this.isClosed) this.drained()
  }

  protected send(bytes: Sendable): boolean {
    const line = this.#line
    if (line === undefined) return false
    const size = typeof bytes === "string" ? bytes.length : bytes.whole.length
    const isTight = line.waiting + size >= this.#roomMax
    line.send(bytes, isTight ? this.#flushed : undefined)
    return !isTight || line.waiting < this.#roomMax
  }

  protected write(batch: Batch, source: Source): boolean {
    if (batch.frames.length === 0) return true
    if (this.#several === undefined && this.#types === undefined) return this.send(batch.sse)
    const text = this.#text(batch.frames, source)
    return text === "" || this.send(text)
  }

  #text(frames: ReadonlyArray<Frame>, source: Source): string {
    let text = ""
    for (const frame of frames) {
      if (frame.seq !== undefined) this.#stands(source, frame.seq)
      if (this.#types?.has(frame.event) === false && !framing.has(frame.event)) continue
      text += sse(frame, this.#idOf(frame))
    }
    return text
  }

  #stands(source: Source, seq: number): void {
    this.#several?.set(source, seq)
    this.#last = seq
  }

  /** Where events are left out, the end says how far the stream has come: who returns from there has seen all. */
  #idOf({ event, seq }: Frame): string | undefined {
    if (seq === undefined && (event !== "end" || this.#types === undefined || this.#last === undefined)) {
      return undefined
    }
    return this.#several === undefined
      ? String(this.#last)
      : [...this.#several.values()].map((position) => position ?? "").join(".")
  }

  protected done(): void {
    if (--this.#open === 0) this.end()
  }

  protected end(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#line?.end()
  }

  keepAlive(): void {
    if (this.#line !== undefined) this.sent(this.send(comment))
  }

  overflow(): void {
    if (this.isClosed) return
    this.#line?.send(overflowed)
    this.end()
  }

  stop(returnMs?: number): void {
    if (this.isClosed) return
    if (returnMs !== undefined) this.#line?.send(`retry: ${returnMs}\n: the server stops\n\n`)
    this.end()
  }

  /** The peer is gone. */
  lost(): void {
    this.isClosed = true
  }

  destroy(): void {
    this.isClosed = true
    this.#line?.destroy()
  }
}
