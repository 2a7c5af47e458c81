/** The budget of a run: what its start or its flow says, with the prices of that moment. */
import { ClientError } from "@baton/contract/Client"
import type { StartRun } from "@baton/contract/Client"
import * as Amount from "@baton/kernel/Amounts"
import type * as Flow from "@baton/kernel/Flow"
import type { Terms } from "@baton/kernel/Ledger"
import type { Plan, PlanNode } from "@baton/kernel/Plan"
import type { RateCard } from "@baton/kernel/Rates"
import * as Rates from "@baton/kernel/Rates"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"

/** Amounts of a budget that somebody gave; a wrong one is refused. */
export const amounts = (budget: Amount.Budget): Effect.Effect<Amount.Amounts, ClientError> => {
  const read = Amount.ofBudget(budget)
  if (Result.isSuccess(read)) return Effect.succeed(read.success)
  const { expected, message, name } = read.failure
  return Effect.fail(
    new ClientError({
      reason: "invalid",
      code: "BUDGET_INVALID",
      message: `budget${name === "" ? "" : `.${name}`}: ${message}; expected ${expected}`
    })
  )
}

/** The first agent step whose price nobody knows. */
const unpriced = (plan: Plan, flow: Flow.Flow, rates: RateCard, bound: StartRun["agents"]) => {
  const naming = { bound: bound ?? {}, defined: flow.agents ?? {} }
  for (const node of plan.nodes) {
    const found = Rates.need(rates, naming, node.each?.body ?? node, false).unpriced
    if (found !== undefined) return { path: node.id, model: found }
  }
  return undefined
}

const refusePrice = ({ model, path }: { readonly model: string; readonly path: string }): ClientError =>
  new ClientError({
    reason: "invalid",
    code: "PRICE_UNKNOWN",
    message: `${path} asks ${model}, whose price nobody knows; a budget of money cannot hold it`,
    hint: "give its price (BATON_PRICES=FILE), or the step a budget.usd of its own, or say --allow-unknown-price"
  })

const hasBudget = (node: PlanNode): boolean => (node.each?.body ?? node).budget !== undefined

/** The flows that a plan calls, and those that they call; each once. */
const calledBy = Effect.fnUntraced(
  function*(parts: Parts, plan: Plan): Effect.fn.Return<ReadonlyArray<Plan>, ClientError> {
    const found = new Map<string, Plan>()
    const open = [plan]
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      for (const node of next.nodes) {
        const hash = (node.each?.body ?? node).call?.hash
        if (hash === undefined || found.has(hash)) continue
        const called = yield* Effect.mapError(parts.plans.get(parts.tenant, hash), Answers.fromFlows)
        found.set(hash, called)
        open.push(called)
      }
    }
    return [...found.values()]
  }
)

/** What the run is started with; `undefined` when nothing limits it. What the start says wins over what the flow says. */
export const terms = Effect.fnUntraced(function*(
  parts: Parts,
  plan: Plan,
  flow: Flow.Flow,
  request: Pick<StartRun, "agents" | "allowUnknownPrice" | "budget">
): Effect.fn.Return<Terms | undefined, ClientError> {
  const given = request.budget === undefined ? {} : yield* amounts(request.budget)
  const budget = { ...plan.limits.budget, ...given }
  const called = yield* calledBy(parts, plan)
  const stated = [plan, ...called].some((one) => one.limits.budget !== undefined || one.nodes.some(hasBudget))
  if (Amount.isEmpty(budget) && !stated) return undefined
  const rates = yield* parts.rates([flow, ...called.map(({ document }) => document)], request.agents ?? {})
  const missing = budget.nanoUsd === undefined || request.allowUnknownPrice === true
    ? undefined
    : unpriced(plan, flow, rates, request.agents) ??
      called.map((one) => unpriced(one, one.document, rates, {})).find((found) => found !== undefined)
  if (missing !== undefined) return yield* Effect.fail(refusePrice(missing))
  return { budget, rates, ...(request.allowUnknownPrice === true ? { allowUnknownPrice: true } : {}) }
})
