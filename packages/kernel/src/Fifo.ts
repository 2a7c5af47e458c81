/**
 * A first-in first-out queue that can be forked: a fork reads its parent's entries and keeps its own changes, so that
 * `decide` can play a decision through without touching the state it was given. The parent must not change meanwhile.
 */
export class Fifo<A> {
  readonly #items: Array<A>
  readonly #parent: Fifo<A> | undefined
  #head: number
  /** Entries of the parent that this fork can see. */
  readonly #shared: number

  private constructor(parent: Fifo<A> | undefined) {
    this.#items = []
    this.#parent = parent
    this.#head = 0
    this.#shared = parent === undefined ? 0 : parent.size
  }

  static make<A>(): Fifo<A> {
    return new Fifo<A>(undefined)
  }

  fork(): Fifo<A> {
    return new Fifo<A>(this)
  }

  get size(): number {
    return this.#shared + this.#items.length - this.#head
  }

  /** The entry `offset` places behind the front; `undefined` past the end. */
  at(offset: number): A | undefined {
    const index = this.#head + offset
    return index < this.#shared ? this.#parent?.at(index) : this.#items[index - this.#shared]
  }

  push(item: A): void {
    this.#items.push(item)
  }

  shift(): A | undefined {
    const item = this.at(0)
    if (item === undefined) return undefined
    this.#head++
    // Entries that are gone are dropped in bulk, so that a shift stays cheap and memory is given back.
    if (this.#parent === undefined && this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }
}
