/** What holds of the ledger between two records (K7, K12). */
import * as Amount from "./Amounts.ts"
import { askOf, mayStart } from "./Funds.ts"
import type { Ledger } from "./Ledger.ts"
import { rateDueAt } from "./Offer.ts"
import type { PlanNode } from "./Plan.ts"
import type { RunState } from "./RunState.ts"

type Say = (promise: string, message: string) => void

/** Spending stays within the budget but for what is recorded as an overrun, and sums say what their parts say. */
const sums = (state: RunState, ledger: Ledger, say: Say): void => {
  let held: Amount.Amounts = Amount.zero
  for (const { amounts } of ledger.held.entries.values()) held = Amount.add(held, amounts)
  if (!Amount.isZero(Amount.less(held, ledger.reserved)) || !Amount.isZero(Amount.less(ledger.reserved, held))) {
    say("K7", `${Amount.text(held)} are set aside, the sum says ${Amount.text(ledger.reserved)}`)
  }
  for (const kind of Amount.kinds) {
    const limit = ledger.budget[kind]
    const taken = ledger.taken[kind] ?? 0
    if (limit !== undefined && taken - (ledger.overrun[kind] ?? 0) > limit) {
      say("K7", `${kind}: ${taken} are taken of ${limit}`)
    }
    if ((ledger.guessed[kind] ?? 0) > (ledger.settled[kind] ?? 0)) say("K7", `${kind}: more is guessed than settled`)
  }
  if (state.finished !== undefined && !Amount.isZero(ledger.reserved)) {
    say("K7", `the run is finished and ${Amount.text(ledger.reserved)} are still set aside`)
  }
}

/** Waits for money, and a slot would be free for it. */
const couldStart = (state: RunState, ledger: Ledger, node: PlanNode): boolean => {
  const table = state.maps.get(node.index)
  if (table !== undefined && node.each !== undefined) {
    if (table.active >= node.each.parallel || rateDueAt(node.each, table, state.lastAt) !== undefined) return false
  }
  return mayStart(ledger, askOf(state, ledger, node, true))
}

/** Who waits for money is known to, and nobody waits for what is free. */
const waits = (state: RunState, ledger: Ledger, say: Say): void => {
  for (const node of state.plan.nodes) {
    const at = state.nodes.get(node.index)
    const waiting = state.maps.get(node.index)?.unfunded === true ||
      (at.status === "waiting" && at.wait?.kind === "budget")
    if (waiting !== ledger.waiters.has(node.index)) {
      say("K12", `${node.id} ${waiting ? "waits" : "does not wait"} for money; the ledger says otherwise`)
    }
    if (!waiting || state.paused || state.offered >= state.plan.limits.parallel) continue
    if (couldStart(state, ledger, node)) say("K12", `${node.id} waits for money that is free`)
  }
}

export const check = (state: RunState, say: Say): void => {
  const { ledger } = state
  if (ledger === undefined) return
  sums(state, ledger, say)
  if (ledger.terms !== undefined && state.finished === undefined) waits(state, ledger, say)
}
