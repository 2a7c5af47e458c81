/**
 * The newest frames of one source, shared by all its readers. It is complete above its floor: who stands at the floor or
 * higher misses nothing; who stands lower has to read what the ring was filled from.
 */
import { Batch, type Frame, sizeOf } from "./Frame.ts"
import type { LiveLimits } from "./LiveLimits.ts"

/** What all rings of a process hold together: when it is too much, those filled longest ago are emptied. */
export class RingBudget {
  readonly bytesMax: number
  #bytes = 0
  /** Filled last, last. */
  readonly #rings = new Set<Ring>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  changed(ring: Ring, by: number): void {
    this.#bytes += by
    this.#rings.delete(ring)
    if (ring.bytes > 0) this.#rings.add(ring)
    if (by <= 0) return
    for (const oldest of this.#rings) {
      if (this.#bytes <= this.bytesMax) return
      oldest.clear()
    }
  }
}

export class Ring {
  /** Position below which frames are missing. */
  floor: number
  /** Position of what is newest. */
  head: number
  bytes = 0
  readonly #limits: LiveLimits
  readonly #budget: RingBudget
  #frames: Array<Frame> = []
  /** What readers who stand at the same place get: most do. */
  #last: { readonly from: number; readonly head: number; readonly batch: Batch } | undefined

  constructor(head: number, limits: LiveLimits, budget: RingBudget) {
    this.floor = head
    this.head = head
    this.#limits = limits
    this.#budget = budget
  }

  /** Frames with positions above the head, in order. */
  push(frames: ReadonlyArray<Frame>, head: number): void {
    let by = 0
    for (const frame of frames) {
      this.#frames.push(frame)
      by += sizeOf(frame)
    }
    this.bytes += by
    this.head = Math.max(this.head, head)
    const before = this.bytes
    const { ringBytesMax, ringFramesMax } = this.#limits
    while (this.#frames.length > ringFramesMax || this.bytes > ringBytesMax) this.#shift()
    this.#budget.changed(this, by + this.bytes - before)
  }

  #shift(): void {
    const frame = this.#frames.shift()
    if (frame === undefined) return
    this.bytes -= sizeOf(frame)
    this.floor = frame.seq ?? this.floor
  }

  clear(): void {
    const { bytes } = this
    this.#frames = []
    this.#last = undefined
    this.bytes = 0
    this.floor = this.head
    this.#budget.changed(this, -bytes)
  }

  /** What comes after a position; undefined: nothing yet; `behind`: more than is here. */
  after(position: number): Batch | "behind" | undefined {
    if (position >= this.head) return undefined
    if (position < this.floor) return "behind"
    if (this.#last?.from === position && this.#last.head === this.head) return this.#last.batch
    let index = this.#frames.length
    while (index > 0 && (this.#frames[index - 1]!.seq ?? 0) > position) index--
    const frames: Array<Frame> = []
    let bytes = 0
    for (; index < this.#frames.length; index++) {
      const frame = this.#frames[index]!
      bytes += sizeOf(frame)
      if (frames.length > 0 && bytes > this.#limits.batchBytesMax) break
      frames.push(frame)
    }
    const to = index === this.#frames.length ? this.head : frames.at(-1)!.seq
    const batch = new Batch(frames, to)
    this.#last = { from: position, head: this.head, batch }
    return batch
  }
}
