/** Who gets the free slots (SEMANTICS 8.7b): ready groups take turns, one step or one item each; never more than `parallel`. */
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { relist } from "./EvolveFunds.ts"
import { dropStale, offer as offerStep } from "./EvolveStep.ts"
import { Funds } from "./Funds.ts"
import type { ItemTable } from "./ItemTable.ts"
import type { EachSpec } from "./Plan.ts"
import * as StepPath from "./StepPath.ts"

/** When the next item of a map may start under its `rate`; `undefined`: now. */
export const rateDueAt = (each: EachSpec, table: ItemTable, at: number): number | undefined => {
  if (each.rate === undefined || table.starts.size < each.rate.count) return undefined
  const due = (table.starts.at(0) ?? 0) + each.rate.windowMs
  return due > at ? due : undefined
}

/** The offer at the front of the ready queue; `undefined` when it is a map that its rate holds back. */
const front = (draft: Draft, index: number, waiting: boolean): readonly [string, number] | undefined => {
  const node = Drafts.planNode(draft, index)
  const at = draft.state.nodes.get(index)
  if (at.status === "ready" || (waiting && at.status === "waiting")) return [node.id, at.attempt + 1]
  const table = draft.state.maps.get(index)
  if (table === undefined || node.each === undefined || rateDueAt(node.each, table, draft.at) !== undefined) {
    return undefined
  }
  const item = table.again.at(0) ?? table.next
  return [StepPath.item(node.id, item), table.attempt(item) + 1]
}

/** A map whose next item may be offered as soon as there is money for it. */
const heldByMoneyAlone = (draft: Draft, index: number): boolean => {
  const table = draft.state.maps.get(index)
  const { each } = Drafts.planNode(draft, index)
  return table === undefined || each === undefined ||
    (table.active < each.parallel && rateDueAt(each, table, draft.at) === undefined)
}

/** The offers of one decision, in the order of their events. */
class Filling {
  readonly #draft: Draft
  readonly #funds: Funds | undefined
  #steps: Array<readonly [string, number]> = []

  constructor(draft: Draft) {
    this.#draft = draft
    this.#funds = Funds.of(draft)
  }

  /** Whether a slot is free. */
  get free(): boolean {
    const { state } = this.#draft
    return !state.paused && state.offered < state.plan.limits.parallel
  }

  /** Offers the step; false when there is no money for it, so that it will wait. */
  take(index: number, step: readonly [string, number]): boolean {
    const { at, state } = this.#draft
    if (this.#funds !== undefined) {
      if (!this.#funds.grant(Drafts.planNode(this.#draft, index), step[0])) {
        this.#emitSteps()
        return false
      }
      this.#emitShort()
    }
    // The event is emitted later, but the choice of the next step depends on the ones before: each is played at once. The
    // first one stands for the event as a whole.
    if (this.#steps.length === 0) {
      state.seq++
      state.lastAt = at
    }
    this.#steps.push(step)
    offerStep(state, step[0], step[1], at)
    return true
  }

  /** Steps that wait for money come before all others. */
  takeWaiting(): void {
    if (this.#funds === undefined || !this.free) return
    const { ledger, state } = { ledger: this.#draft.state.ledger, state: this.#draft.state }
    for (const node of this.#funds.fitting()) {
      if (!this.free) return
      if (!heldByMoneyAlone(this.#draft, node.index)) continue
      const step = front(this.#draft, node.index, true)
      if (step === undefined || !this.take(node.index, step)) continue
      ledger?.unwait(node.index)
      relist(state, node.index)
    }
  }

  end(): void {
    this.#emitSteps()
    this.#emitShort()
  }

  #emitSteps(): void {
    if (this.#steps.length === 0) return
    const steps = this.#steps
    this.#steps = []
    const event = { type: "StepsDispatched", v: 1, at: this.#draft.at, steps } as const
    this.#draft.events.push(this.#funds === undefined ? event : { ...event, ...this.#funds.reserved() })
  }

  #emitShort(): void {
    if (this.#funds?.isShort !== true) return
    Drafts.emit(this.#draft, { type: "StepsUnfunded", v: 1, at: this.#draft.at, steps: this.#funds.short() })
  }
}

/**
 * Fills the free slots: those that wait for money and may start now, then those that waited longest, then those that became
 * ready in this decision; the rest of the latter is recorded as ready. However many steps it moves, it is a few events.
 */
export const fill = (draft: Draft): void => {
  const { state } = draft
  const filling = new Filling(draft)
  filling.takeWaiting()
  const held: Array<number> = []
  while (filling.free) {
    dropStale(state)
    const head = state.ready.at(0)
    if (head === undefined) break
    const step = front(draft, head, false)
    if (step === undefined) {
      state.ready.shift()
      held.push(head)
    } else if (!filling.take(head, step)) state.ready.shift()
  }
  for (const index of held) state.ready.push(index)
  const late: Array<string> = []
  for (const index of draft.fresh) {
    const node = Drafts.planNode(draft, index)
    if (filling.free) filling.take(index, [node.id, state.nodes.get(index).attempt + 1])
    else late.push(node.id)
  }
  draft.fresh.clear()
  filling.end()
  if (late.length > 0) Drafts.emit(draft, { type: "StepsReady", v: 1, at: draft.at, paths: late })
}
