/** Why a step does not start for want of money, what it needs, what is free, and how to add. */
import * as Amount from "./Amounts.ts"
import type { Amounts } from "./Amounts.ts"
import type { Reason } from "./ExplainWait.ts"
import type { RunState } from "./RunState.ts"
import type { JsonObject } from "./Value.ts"
import type { BudgetWait } from "./Wait.ts"

/** Money is asked for in whole cents. */
const centNano = 10_000_000

/** What must be added so that a step that needs `need` may start, as a command line says it. */
const missing = (need: Amounts, free: Amounts): string => {
  const parts: Array<string> = []
  for (const kind of Amount.kinds) {
    const left = free[kind]
    const wanted = need[kind] ?? 0
    if (left === undefined || wanted <= left) continue
    const lack = wanted - left
    if (kind === "nanoUsd") parts.push(`usd=+${(Math.ceil(lack / centNano) / 100).toFixed(2)}`)
    else if (kind === "ms") parts.push(`time=+${Math.ceil(lack / 1000)}s`)
    else parts.push(`${kind}=+${lack}`)
  }
  return parts.join(",")
}

/** What is offered when nothing is missing by itself: others hold it. */
const anything = "+0.50"

const shown = (amounts: Amounts): JsonObject => ({ ...Amount.toBudget(amounts) })

/** The door of a step that waits for money, and of the run as a whole. */
export const budgetDoor = ({ ledger, run }: RunState, wait: BudgetWait): string => {
  if (wait.unpriced !== undefined) return `baton runs resume ${run || "RUN"} --allow-unknown-price`
  const lack = ledger === undefined ? "" : missing(wait.need, ledger.free)
  const raise = `baton runs resume ${run || "RUN"} --budget ${lack === "" ? anything : lack}`
  if (ledger?.terms?.allotted === true) return `the parent run grants more of what it has free; or ${raise}`
  return lack === "" ? `running steps give back what they do not use; or ${raise}` : raise
}

export const budgetReason = (state: RunState, path: string, wait: BudgetWait): Reason => {
  const { ledger } = state
  const need = ledger === undefined ? wait.need : Amount.limited(wait.need, ledger.budget)
  const free = ledger?.free ?? {}
  return {
    reason: "budget",
    path,
    message: wait.unpriced === undefined
      ? `${path} needs ${Amount.text(need)} and the budget has ${Amount.text(free)} free`
      : `${path} waits: nobody knows the price of ${wait.unpriced}, and the run's money is limited (PRICE_UNKNOWN)`,
    door: budgetDoor(state, wait),
    data: {
      need: shown(need),
      free: shown(free),
      budget: shown(ledger?.budget ?? {}),
      settled: shown(ledger?.settled ?? {}),
      reserved: shown(ledger?.reserved ?? {}),
      ...(wait.unpriced === undefined ? {} : { unpriced: wait.unpriced, code: "PRICE_UNKNOWN" })
    }
  }
}
