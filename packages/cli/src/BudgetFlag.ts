/** Budgets on the command line. */
import * as Amount from "@baton/kernel/Amounts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Failure from "./Failure.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

export const budgetFlag = GlobalFlags.text(
  "budget",
  "USD|KIND=N,…",
  "At most so much: 0.50, or usd=0.5,tokens=20000,calls=10,agents=4,time=10m"
)
export const raiseFlag = GlobalFlags.text("budget", "+USD|KIND=+N,…", "Add to the budget: +0.50, or tokens=+1000")
export const unknownPriceFlag = GlobalFlags.toggle(
  "allow-unknown-price",
  "With a budget of money: ask models whose price nobody knows all the same"
)

/** What the flag says; `raise` wants a `+`. */
export const read = (
  text: string | undefined,
  raise: boolean
): Effect.Effect<Amount.Budget | undefined, Failure.Failure> => {
  if (text === undefined) return Effect.succeed(undefined)
  const parsed = Amount.parse(text, raise)
  if (Result.isSuccess(parsed)) return Effect.succeed(Amount.toBudget(parsed.success))
  const { expected, message } = parsed.failure
  return Failure.usage("BUDGET_INVALID", `--budget ${text}: ${message}; expected ${expected}`)
}
