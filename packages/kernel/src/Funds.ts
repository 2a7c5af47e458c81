/**
 * Money for what is about to start (SEMANTICS 8.10): each start sets aside its worst case, or its step waits. Steps that
 * wait come first, in order; one that does not fit keeps none behind it back.
 */
import type { Amounts } from "./Amounts.ts"
import * as Amount from "./Amounts.ts"
import type { Draft } from "./Draft.ts"
import type { Event } from "./Event.ts"
import type { Ledger } from "./Ledger.ts"
import type { PlanNode, Work } from "./Plan.ts"
import type { RunState } from "./RunState.ts"

type Unfunded = Extract<Event, { readonly type: "StepsUnfunded" }>["steps"][number]

/** What an offer of a node runs: itself, the body of its map, or a gather, which costs nothing. */
export const workOf = (node: PlanNode, isItem: boolean): Work | undefined =>
  node.each === undefined ? node : isItem ? node.each.body : undefined

/** What must be set aside, or why nothing is. */
export interface Ask {
  readonly amounts: Amounts
  readonly unpriced: string | undefined
}

const nothing: Ask = { amounts: Amount.zero, unpriced: undefined }

/** The worst case of the next start of a node; a step that was sent back for more needs at least that. */
export const askOf = (state: RunState, ledger: Ledger, node: PlanNode, isItem: boolean): Ask => {
  const work = workOf(node, isItem)
  if (work === undefined) return nothing
  const { amounts, unpriced } = ledger.need(state, work)
  const { wait } = state.nodes.get(node.index)
  return wait?.kind === "budget"
    ? { amounts: Amount.most(amounts, wait.need), unpriced: unpriced ?? wait.unpriced }
    : { amounts, unpriced }
}

/** Whether the ledger, as it stands, lets a start go. */
export const mayStart = (ledger: Ledger, ask: Ask): boolean =>
  (ask.unpriced === undefined || ledger.takesUnpriced) && Amount.fits(ask.amounts, ledger.taken, ledger.budget)

/** Grants within one decision: what it has promised so far counts as set aside. */
export class Funds {
  readonly #draft: Draft
  readonly #ledger: Ledger
  #granted: { [path: string]: Amounts } | undefined
  #promised: Amounts = Amount.zero
  #short: Array<Unfunded> = []

  constructor(draft: Draft, ledger: Ledger) {
    this.#draft = draft
    this.#ledger = ledger
  }

  /** Nothing at all where nothing is limited. */
  static of(draft: Draft): Funds | undefined {
    const { ledger } = draft.state
    return ledger?.terms === undefined ? undefined : new Funds(draft, ledger)
  }

  /** Sets aside what the node's next start needs; false: its step has to wait. */
  grant(node: PlanNode, path: string): boolean {
    const { state } = this.#draft
    const ask = askOf(state, this.#ledger, node, path !== node.id)
    if (!this.#fits(ask)) {
      const unpriced = ask.unpriced === undefined || this.#ledger.takesUnpriced ? {} : { unpriced: ask.unpriced }
      this.#short.push({ path: node.id, need: ask.amounts, ...unpriced })
      return false
    }
    if (!Amount.isZero(ask.amounts)) {
      this.#granted ??= {}
      this.#granted[path] = ask.amounts
      this.#promised = Amount.add(this.#promised, ask.amounts)
    }
    return true
  }

  #fits(ask: Ask): boolean {
    if (ask.unpriced !== undefined && !this.#ledger.takesUnpriced) return false
    return Amount.fits(ask.amounts, Amount.add(this.#ledger.taken, this.#promised), this.#ledger.budget)
  }

  /** What the offers since the last call set aside, for the event that makes them. */
  reserved(): { reserved?: { readonly [path: string]: Amounts } } {
    const granted = this.#granted
    this.#granted = undefined
    return granted === undefined ? {} : { reserved: granted }
  }

  /** Steps refused since the last call. */
  short(): ReadonlyArray<Unfunded> {
    const short = this.#short
    this.#short = []
    return short
  }

  get isShort(): boolean {
    return this.#short.length > 0
  }

  /** Nodes that wait for money and fit now, in order; looked at only when one of them may. */
  *fitting(): Generator<PlanNode> {
    const { state } = this.#draft
    for (const index of [...this.#ledger.waiters]) {
      const { least } = this.#ledger
      const taken = Amount.add(this.#ledger.taken, this.#promised)
      if (least !== undefined && !Amount.fits(least, taken, this.#ledger.budget)) return
      const node = state.plan.nodes[index]
      if (node !== undefined && this.#fits(askOf(state, this.#ledger, node, true))) yield node
    }
  }
}
