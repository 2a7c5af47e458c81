/** A peer of an event stream that takes bytes when it reads. */
import { Readable } from "node:stream"
import type { Line, Sendable } from "../../src/live/Line.ts"

export class HeldLine implements Line {
  #waiting: Array<() => void> = []
  readonly stream = new Readable({
    highWaterMark: 1,
    read: () => {
      for (const flushed of this.#waiting.splice(0)) flushed()
    }
  })

  get waiting(): number {
    return this.stream.readableLength
  }

  send(bytes: Sendable, flushed?: () => void): void {
    this.stream.push(typeof bytes === "string" ? bytes : bytes.whole)
    if (flushed !== undefined) this.#waiting.push(flushed)
  }

  end(): void {
    this.stream.push(null)
  }

  destroy(): void {
    this.stream.destroy()
  }
}
