/**
 * The items of an expanded map, or the turns of a repeat so far: a few bytes per item, plus their outputs. A fork keeps its
 * changes to itself.
 */
import { Fifo } from "./Fifo.ts"
import type { ReceiptNote } from "./Receipt.ts"
import type { StepError } from "./StepError.ts"
import type { Usage } from "./Usage.ts"
import type { Value } from "./Value.ts"
import type { Wait } from "./Wait.ts"

export const itemStatuses = [
  "pending",
  "queued",
  "retrying",
  "waiting",
  "succeeded",
  "failed",
  "cancelled",
  "ready"
] as const
export type ItemStatus = (typeof itemStatuses)[number]
const codes: { readonly [S in ItemStatus]: number } = {
  pending: 0,
  queued: 1,
  retrying: 2,
  waiting: 3,
  succeeded: 4,
  failed: 5,
  cancelled: 6,
  ready: 7
}

/** What few items have, and the rest should not pay for. */
export interface ItemNote {
  readonly error?: StepError
  readonly retryAt?: number
  readonly wait?: Wait
  /** When it began to wait. */
  readonly waitingSince?: number
  readonly callStarted?: boolean
  /** Taken over from the run that this one was made from. */
  readonly reused?: boolean
  readonly usage?: Usage
  readonly receipt?: ReceiptNote
}

interface Columns {
  status: Uint8Array
  attempt: Uint16Array
  startedAt: Float64Array
  endedAt: Float64Array
  readonly output: Array<Value | undefined>
  readonly note: Map<number, ItemNote>
}

interface Cell {
  status: number
  attempt: number
  startedAt: number
  endedAt: number
  output: Value | undefined
  note: ItemNote | undefined
}

const grown = <A extends Uint8Array | Uint16Array | Float64Array>(column: A, more: A): A => {
  more.set(column)
  return more
}

const reserve = (columns: Columns, count: number): void => {
  if (columns.status.length >= count) return
  const room = Math.max(16, count * 2)
  columns.status = grown(columns.status, new Uint8Array(room))
  columns.attempt = grown(columns.attempt, new Uint16Array(room))
  columns.startedAt = grown(columns.startedAt, new Float64Array(room))
  columns.endedAt = grown(columns.endedAt, new Float64Array(room))
}

export class ItemTable {
  /** Items of the map, or turns of the repeat so far. */
  count: number
  readonly items: Value
  /** The first item that was never offered. */
  next = 0
  /** Items under way: offered ones, and those that wait for a child. */
  active = 0
  /** Items that back off or wait for an operator. */
  resting = 0
  succeeded = 0
  failed = 0
  cancelled = 0
  /** No further item starts: failures passed what is tolerated, or the run closes. */
  stopped = false
  /** The map is in the ready queue. */
  listed = false
  /** Its next item cannot reserve: none is offered until it can. */
  unfunded = false
  /** Items whose back-off is over. */
  again: Fifo<number>
  /** Start times of the items offered last, for `rate`. */
  starts: Fifo<number>
  readonly offeredSeq: number
  readonly #columns: Columns
  readonly #cells: Map<number, Cell> | undefined

  private constructor(
    count: number,
    items: Value,
    offeredSeq: number,
    columns: Columns,
    cells: Map<number, Cell> | undefined
  ) {
    this.count = count
    this.items = items
    this.offeredSeq = offeredSeq
    this.#columns = columns
    this.#cells = cells
    this.again = Fifo.make()
    this.starts = Fifo.make()
  }

  static make(count: number, items: Value, offeredSeq: number): ItemTable {
    return new ItemTable(count, items, offeredSeq, {
      status: new Uint8Array(count),
      attempt: new Uint16Array(count),
      startedAt: new Float64Array(count),
      endedAt: new Float64Array(count),
      output: new Array<Value | undefined>(count),
      note: new Map()
    }, undefined)
  }

  fork(): ItemTable {
    const copy = new ItemTable(this.count, this.items, this.offeredSeq, this.#columns, new Map(this.#cells))
    copy.next = this.next
    copy.active = this.active
    copy.resting = this.resting
    copy.succeeded = this.succeeded
    copy.failed = this.failed
    copy.cancelled = this.cancelled
    copy.stopped = this.stopped
    copy.listed = this.listed
    copy.unfunded = this.unfunded
    copy.again = this.again.fork()
    copy.starts = this.starts.fork()
    return copy
  }

  /** One more turn of a repeat. */
  grow(): void {
    this.count++
    // A fork keeps what it changes in cells.
    if (this.#cells === undefined) reserve(this.#columns, this.count)
  }

  /** Lets go of an output that nothing will read any more; the journal has it. */
  forget(index: number): void {
    if (this.#cells === undefined) this.#columns.output[index] = undefined
    else this.#cell(index).output = undefined
  }

  get settled(): number {
    return this.succeeded + this.failed + this.cancelled
  }

  status(index: number): ItemStatus {
    return itemStatuses[this.#cells?.get(index)?.status ?? this.#columns.status[index] ?? 0] ?? "pending"
  }

  attempt(index: number): number {
    return this.#cells?.get(index)?.attempt ?? this.#columns.attempt[index] ?? 0
  }

  output(index: number): Value | undefined {
    const cell = this.#cells?.get(index)
    return cell === undefined ? this.#columns.output[index] : cell.output
  }

  note(index: number): ItemNote | undefined {
    const cell = this.#cells?.get(index)
    return cell === undefined ? this.#columns.note.get(index) : cell.note
  }

  startedAt(index: number): number {
    return this.#cells?.get(index)?.startedAt ?? this.#columns.startedAt[index] ?? 0
  }

  endedAt(index: number): number {
    return this.#cells?.get(index)?.endedAt ?? this.#columns.endedAt[index] ?? 0
  }

  /** The fork's own copy of an item. */
  #cell(index: number): Cell {
    const mine = this.#cells?.get(index)
    if (mine !== undefined) return mine
    const cell: Cell = {
      status: codes[this.status(index)],
      attempt: this.attempt(index),
      startedAt: this.startedAt(index),
      endedAt: this.endedAt(index),
      output: this.output(index),
      note: this.note(index)
    }
    this.#cells?.set(index, cell)
    return cell
  }

  set(index: number, change: {
    readonly status: ItemStatus
    readonly attempt?: number
    readonly startedAt?: number | undefined
    readonly endedAt?: number
    readonly output?: Value
    readonly note?: ItemNote | undefined
  }): void {
    if (this.#cells !== undefined) {
      const cell = this.#cell(index)
      cell.status = codes[change.status]
      if (change.attempt !== undefined) cell.attempt = change.attempt
      if (change.startedAt !== undefined) cell.startedAt = change.startedAt
      if (change.endedAt !== undefined) cell.endedAt = change.endedAt
      if (change.output !== undefined) cell.output = change.output
      if ("note" in change) cell.note = change.note
      return
    }
    const columns = this.#columns
    columns.status[index] = codes[change.status]
    if (change.attempt !== undefined) columns.attempt[index] = change.attempt
    if (change.startedAt !== undefined) columns.startedAt[index] = change.startedAt
    if (change.endedAt !== undefined) columns.endedAt[index] = change.endedAt
    if (change.output !== undefined) columns.output[index] = change.output
    if ("note" in change) {
      if (change.note === undefined) columns.note.delete(index)
      else columns.note.set(index, change.note)
    }
  }
}
