/** Money between runs: what a child is given, what it asks for more, what it tells its parent at its end (SEMANTICS 8.10d). */
import type { Amounts } from "@baton/kernel/Amounts"
import * as Amount from "@baton/kernel/Amounts"
import * as Funds from "@baton/kernel/Funds"
import type { Terms } from "@baton/kernel/Ledger"
import * as Ledgers from "@baton/kernel/Ledger"
import type { Plan } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import type { Usage } from "@baton/kernel/Usage"

/** The terms of a child: its allotment, its flow's own budget, and its parent's prices; `undefined`: nothing is limited. */
export const termsOf = (parent: RunState, path: string, plan: Plan): Terms | undefined => {
  const { ledger } = parent
  if (ledger?.terms === undefined) return undefined
  const { allowUnknownPrice, rates } = ledger.terms
  const held = ledger.held.entries.get(path)?.amounts ?? Amount.zero
  const given: { [K in Amount.Kind]?: number } = {}
  for (const kind of Amount.kinds) if (ledger.budget[kind] !== undefined) given[kind] = held[kind] ?? 0
  const budget = Amount.tighter(given, plan.limits.budget ?? {})
  const own = plan.nodes.some((node) => (node.each?.body ?? node).budget !== undefined)
  if (Amount.isEmpty(budget) && !own && plan.callers.length === 0) return undefined
  return {
    budget,
    rates,
    ...(allowUnknownPrice === true ? { allowUnknownPrice } : {}),
    ...(Amount.isEmpty(given) ? {} : { allotted: true })
  }
}

/** What a child lacks for the first step that waits; `undefined` when nothing of it waits for its parent. */
export interface Request {
  readonly n: number
  readonly need: Amounts
}

/** `lack`: what a child of its own lacks beyond what is free here. */
export const requestOf = (state: RunState, lack?: Amounts): Request | undefined => {
  const { finished, ledger, parent, plan } = state
  if (ledger?.terms?.allotted !== true || parent === undefined || finished !== undefined) return undefined
  if (lack !== undefined) {
    const need = Amount.limited(Amount.less(lack, ledger.free), ledger.budget)
    return Amount.isZero(need) ? undefined : { n: ledger.grants + 1, need }
  }
  for (const index of ledger.waiters) {
    const node = plan.nodes[index]
    if (node === undefined) continue
    const ask = Funds.askOf(state, ledger, node, true)
    if (ask.unpriced !== undefined && !ledger.takesUnpriced) continue
    const need = Amount.limited(Amount.less(ask.amounts, ledger.free), ledger.budget)
    if (!Amount.isZero(need)) return { n: ledger.grants + 1, need }
  }
  return undefined
}

/** What a request was granted, as the parent's state has it. */
export const grantOf = (parent: RunState, path: string, n: number): Amounts | undefined => {
  const grant = parent.ledger?.held.entries.get(path)?.grant
  return grant?.n === n ? grant.added : undefined
}

/** What a child has spent, as the step that started it tells; nothing where nothing was used. */
export const spentOf = (state: RunState): { readonly spent?: Amounts; readonly usage?: Usage } => {
  if (state.ledger === undefined) return {}
  const { settled, unpriced } = Ledgers.totals(state)
  const cost = unpriced ? {} : { costUsd: Amount.usdOf(settled.nanoUsd ?? 0) }
  return { spent: settled, usage: { calls: settled.calls ?? 0, ...cost } }
}
