/** One connection's place in one source. What it has not taken yet is in the hub's ring, or is read again page by page. */
import type { Batch } from "./Frame.ts"
import type { Hub } from "./Hub.ts"
import type { Outlet, Source } from "./Outlet.ts"

export class Reader implements Source {
  readonly hub: Hub
  readonly outlet: Outlet
  /** Position of what was taken last. */
  position: number
  isDone = false
  /** What comes before everything: a snapshot. */
  opening: Batch | undefined
  #pages: Array<Batch> = []
  /** Where the next page begins; undefined: not known yet. */
  #boundary: number | undefined
  #isLoading = false

  constructor(hub: Hub, outlet: Outlet, position: number, opening: Batch | undefined) {
    this.hub = hub
    this.outlet = outlet
    this.position = position
    this.opening = opening
  }

  /** Has all that there is. */
  get isCurrent(): boolean {
    return this.position >= this.hub.ring.head && this.#pages.length === 0 && this.opening === undefined && !this.isDone
  }

  take(): Batch | undefined {
    if (this.isDone || this.#isLoading) return undefined
    if (this.opening !== undefined) {
      const opening = this.opening
      this.opening = undefined
      return opening
    }
    const next = this.#pages.shift() ?? this.hub.ring.after(this.position)
    if (next === "behind") return this.#load()
    if (next !== undefined) {
      this.position = next.to ?? this.position
      return next
    }
    if (this.hub.end === undefined) return undefined
    this.isDone = true
    return this.hub.end
  }

  #load(): undefined {
    this.#isLoading = true
    this.hub.page(this.position, this.#boundary, (page) => {
      this.#isLoading = false
      if (this.outlet.isClosed) return
      // The connection ends, and its peer resumes where it stood. It is behind what is there: where nothing comes after
      // that, it has been removed.
      if (page === undefined || (page.batches.length === 0 && page.boundary <= this.position)) {
        return this.outlet.overflow()
      }
      this.#boundary = page.boundary
      this.#pages = [...page.batches]
      if (page.batches.length === 0) this.position = Math.max(this.position, page.boundary)
      this.outlet.wake(this)
    })
    return undefined
  }
}
