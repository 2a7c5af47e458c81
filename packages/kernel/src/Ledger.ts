/**
 * What a run has spent and what it has set aside (SEMANTICS 8.10). A run that has no budget and uses nothing has no ledger.
 *
 * Part of the run's state: `EvolveLedger` changes it, `DecideLedger` asks it. Everything that a fork may change is copied
 * on the first change, so that a decision leaves the state it was given alone.
 */
import * as Schema from "effect/Schema"
import type { Amounts } from "./Amounts.ts"
import * as Amount from "./Amounts.ts"
import type { Work } from "./Plan.ts"
import type { Need } from "./Rates.ts"
import * as Rates from "./Rates.ts"
import type { RunState } from "./RunState.ts"

/** What a run with a budget is started with. */
export const Terms = Schema.Struct({
  budget: Amount.Amounts,
  rates: Rates.RateCard,
  /** Calls of models without a known price may be made; what they cost stays unknown. */
  allowUnknownPrice: Schema.optionalKey(Schema.Boolean),
  /** The budget is an allotment: when it is used up, the parent is asked for more. */
  allotted: Schema.optionalKey(Schema.Boolean)
})
export type Terms = typeof Terms.Type

/** What one attempt has set aside and not told to be spent. */
export interface Held {
  readonly attempt: number
  readonly amounts: Amounts
  /** All that the attempt has used is settled: it waits for people, and says it again when it settles. */
  readonly told?: true
  /** The last request of a child run for more that was granted, and with what. */
  readonly grant?: { readonly n: number; readonly added: Amounts }
}

/** Attempts whose estimate may still be corrected; beyond it the oldest stays as it is. */
export const estimatedMax = 1_000

/** A map whose fork reads its parent's entries until it changes one. */
class Overlay<A> {
  readonly #base: ReadonlyMap<string, A>
  #own: Map<string, A> | undefined

  constructor(base: ReadonlyMap<string, A>, own: Map<string, A> | undefined) {
    this.#base = base
    this.#own = own
  }

  /** Few attempts are held at once, so the first change copies them all. */
  #mine(): Map<string, A> {
    return this.#own ??= new Map(this.#base)
  }

  get entries(): ReadonlyMap<string, A> {
    return this.#own ?? this.#base
  }

  set(key: string, value: A): void {
    const mine = this.#mine()
    mine.set(key, value)
  }

  delete(key: string): void {
    if (this.entries.has(key)) this.#mine().delete(key)
  }

  fork(): Overlay<A> {
    return new Overlay(this.entries, undefined)
  }

  static make<A>(): Overlay<A> {
    const own = new Map<string, A>()
    return new Overlay(own, own)
  }
}

const byKey = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : one > other ? 1 : 0

export class Ledger {
  /** Absent: nothing is limited, everything is counted. */
  terms: Terms | undefined
  /** The limits as they stand, raises included. */
  budget: Amounts
  settled: Amounts
  reserved: Amounts
  /** What was spent above reservations. */
  overrun: Amounts
  /** Part of `settled` that is a guess until somebody says more. */
  guessed: Amounts
  /** Tokens and calls of models whose price nobody knows. */
  unpriced: number
  /** Requests to the parent that have been granted, when the budget is an allotment. */
  grants: number
  /** By step path. */
  readonly held: Overlay<Held>
  /** By `path#attempt`: guesses, the oldest first. */
  readonly estimated: Overlay<ReadonlyArray<Amounts>>
  /** Nodes that cannot reserve, in the order they came. */
  #waiters: Set<number>
  #waitersShared: boolean
  /** When the first of those that wait now began to, in milliseconds since 1970. */
  waitingSince: number
  /** No waiter needs less than this, kind by kind; a bound, not always the exact least. */
  least: Amounts | undefined
  /** Needs of the plan's works; the terms they were found under never change. */
  readonly #needs: WeakMap<Work, Need>

  private constructor(from: Ledger | undefined) {
    this.terms = from?.terms
    this.budget = from?.budget ?? Amount.zero
    this.settled = from?.settled ?? Amount.zero
    this.reserved = from?.reserved ?? Amount.zero
    this.overrun = from?.overrun ?? Amount.zero
    this.guessed = from?.guessed ?? Amount.zero
    this.unpriced = from?.unpriced ?? 0
    this.grants = from?.grants ?? 0
    this.held = from === undefined ? Overlay.make() : from.held.fork()
    this.estimated = from === undefined ? Overlay.make() : from.estimated.fork()
    this.#waiters = from === undefined ? new Set() : from.#waiters
    this.#waitersShared = from !== undefined
    this.least = from?.least
    this.waitingSince = from?.waitingSince ?? 0
    this.#needs = from === undefined ? new WeakMap() : from.#needs
  }

  static make(): Ledger {
    return new Ledger(undefined)
  }

  fork(): Ledger {
    return new Ledger(this)
  }

  /** All that it says, for comparisons. */
  toJSON(): unknown {
    const { budget, grants, guessed, overrun, reserved, settled, unpriced } = this
    return {
      budget,
      settled,
      reserved,
      overrun,
      guessed,
      unpriced,
      grants,
      terms: this.terms,
      held: [...this.held.entries].toSorted(byKey),
      estimated: [...this.estimated.entries].toSorted(byKey),
      waiters: [...this.#waiters]
    }
  }

  get waiters(): ReadonlySet<number> {
    return this.#waiters
  }

  #mine(): Set<number> {
    if (this.#waitersShared) {
      this.#waiters = new Set(this.#waiters)
      this.#waitersShared = false
    }
    return this.#waiters
  }

  wait(index: number, need: Amounts, at: number): void {
    if (this.#waiters.size === 0) this.waitingSince = at
    this.#mine().add(index)
    this.least = this.least === undefined ? need : Amount.least(this.least, need)
  }

  /** Nodes have other places in a patched plan; steps that wait are in all of its revisions. */
  move(placeOf: (index: number) => number | undefined): void {
    if (this.#waiters.size === 0) return
    this.#waiters = new Set([...this.#waiters].flatMap((index) => placeOf(index) ?? []))
    this.#waitersShared = false
  }

  unwait(index: number): void {
    if (!this.#waiters.has(index)) return
    this.#mine().delete(index)
    if (this.#waiters.size === 0) this.least = undefined
  }

  /** What a budget has taken from it: settled and set aside. */
  get taken(): Amounts {
    return Amount.add(this.settled, this.reserved)
  }

  get free(): Amounts {
    return Amount.free(this.budget, this.taken)
  }

  /** Whether calls whose price is unknown may be made: money is not limited, or somebody allowed it. */
  get takesUnpriced(): boolean {
    return this.budget.nanoUsd === undefined || this.terms?.allowUnknownPrice === true
  }

  need(state: RunState, work: Work): Need {
    const known = this.#needs.get(work)
    if (known !== undefined) return known
    const { terms } = this
    if (terms === undefined) return Rates.nothing
    const naming = { bound: state.agents, defined: state.plan.document.agents ?? {} }
    const found = Rates.need(terms.rates, naming, work, terms.budget.ms !== undefined)
    this.#needs.set(work, found)
    return found
  }
}

/** The key of an attempt's guesses. */
export const attemptKey = (path: string, attempt: number): string => `${path}#${attempt}`

/** What children, tools and documents are told about a run's spending. */
export interface Totals {
  readonly settled: Amounts
  readonly reserved: Amounts
  readonly budget: Amounts | undefined
  /** Some of what was used has no known price: the money settled is less than what was spent. */
  readonly unpriced: boolean
  readonly guessed: Amounts
  readonly overrun: Amounts
}

export const totals = ({ ledger }: RunState): Totals => ({
  settled: ledger?.settled ?? Amount.zero,
  reserved: ledger?.reserved ?? Amount.zero,
  budget: ledger?.terms === undefined ? undefined : ledger.budget,
  unpriced: (ledger?.unpriced ?? 0) > 0,
  guessed: ledger?.guessed ?? Amount.zero,
  overrun: ledger?.overrun ?? Amount.zero
})
