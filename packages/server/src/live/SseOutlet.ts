/** A connection of server-sent events (HTML 9.2). */
import { frameTypes } from "@baton/contract/LiveMessage"
import { Readable } from "node:stream"
import { type Batch, type Frame, sse } from "./Frame.ts"
import type { LiveLimits } from "./LiveLimits.ts"
import { Outlet, type Source } from "./Outlet.ts"

/** Milliseconds after which a client that was cut comes back. */
const retry = 2000
const comment = Buffer.from(": keep-alive\n\n")
const overflowed = "event: overflow\ndata: {}\n\n"

export interface SseOptions {
  readonly now: () => number
  readonly limits: LiveLimits
  /** Event types that are wanted; absent: all. What is no event is always sent. */
  readonly types: ReadonlySet<string> | undefined
  readonly closed: () => void
}

const framing: ReadonlySet<string> = new Set(frameTypes)

export class SseOutlet extends Outlet {
  readonly stream: Readable
  readonly #types: ReadonlySet<string> | undefined
  /** Sources of a connection that carries several, in the order that its cursor has. */
  #several: ReadonlyArray<Source> | undefined
  readonly #sent = new Map<Source, number | undefined>()
  #open = 0

  constructor({ closed, limits, now, types }: SseOptions) {
    super(now)
    this.#types = types
    this.stream = new Readable({
      highWaterMark: limits.pendingBytesMax,
      read: () => this.drained(),
      destroy: (error, callback) => {
        this.isClosed = true
        closed()
        callback(error)
      }
    })
    this.stream.push(`retry: ${retry}\n\n`)
  }

  /** The ids of its frames are the positions of all sources, in this order, joined by dots. */
  several(sources: ReadonlyArray<readonly [Source, number | undefined]>): void {
    this.#several = sources.map(([source]) => source)
    for (const [source, position] of sources) this.#sent.set(source, position)
  }

  /** Tells where the stream begins, so that who is cut before the first frame can resume. */
  position(at: number): void {
    this.stream.push(`id: ${at}\nevent: position\ndata: {"seq":${at}}\n\n`)
  }

  opened(sources: number): void {
    this.#open = sources
  }

  protected write(batch: Batch, source: Source): boolean {
    if (batch.frames.length === 0) return true
    if (this.#several === undefined && this.#types === undefined) return this.stream.push(batch.sse)
    const text = this.#text(batch.frames, source)
    return text === "" || this.stream.push(text)
  }

  #text(frames: ReadonlyArray<Frame>, source: Source): string {
    let text = ""
    for (const frame of frames) {
      if (this.#types?.has(frame.event) === false && !framing.has(frame.event)) continue
      text += sse(frame, this.#idOf(frame, source))
    }
    return text
  }

  #idOf({ seq }: Frame, source: Source): string | undefined {
    if (seq === undefined) return undefined
    if (this.#several === undefined) return String(seq)
    this.#sent.set(source, seq)
    return this.#several.map((one) => this.#sent.get(one) ?? "").join(".")
  }

  protected done(): void {
    if (--this.#open === 0) this.end()
  }

  protected end(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stream.push(null)
  }

  keepAlive(): void {
    this.sent(this.stream.push(comment))
  }

  overflow(): void {
    if (this.isClosed) return
    this.stream.push(overflowed)
    this.end()
  }

  stop(returnMs?: number): void {
    if (this.isClosed) return
    if (returnMs !== undefined) this.stream.push(`retry: ${returnMs}\n: the server stops\n\n`)
    this.end()
  }

  destroy(): void {
    this.stream.destroy()
  }
}
