/** Deciding about money: raises, turns, what was lost or overrun, late usage, allotments of children (SEMANTICS 8.10). */
import type { Amounts } from "./Amounts.ts"
import * as Amount from "./Amounts.ts"
import type { Command, Refusal } from "./Command.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type { Event } from "./Event.ts"
import * as Funds from "./Funds.ts"
import type { Ledger, Terms } from "./Ledger.ts"
import { attemptKey } from "./Ledger.ts"
import type { Offered } from "./OfferedStep.ts"
import { offered } from "./OfferedStep.ts"
import type { Plan } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import type { Report } from "./Settle.ts"
import type { StepError } from "./StepError.ts"
import type { Usage } from "./Usage.ts"

type Of<T extends Command["type"]> = Extract<Command, { readonly type: T }>
type Unfunded = Extract<Event, { readonly type: "StepsUnfunded" }>["steps"][number]

const none = (): Refusal => ({
  code: "BUDGET_NONE",
  message: "the run has no budget: nothing of it waits for one (baton run FLOW --budget USD starts one with a budget)"
})

/** What is missing, in words: what is needed, what is free. */
export const shortText = (ledger: Ledger, need: Amounts): string =>
  `needs ${Amount.text(Amount.limited(need, ledger.budget))}, free are ${Amount.text(ledger.free)}`

/** Adds to the budget. Only what the budget limits can be raised; anything else would be a new limit, or none at all. */
export const raise = (draft: Draft, command: Of<"RaiseBudget">): Refusal | undefined => {
  const { ledger } = draft.state
  if (ledger?.terms === undefined) return none()
  const { add, allowUnknownPrice, by, grant, note } = command
  if (grant !== undefined && grant <= ledger.grants) return undefined
  const foreign = Amount.kinds.find((kind) => (add[kind] ?? 0) > 0 && ledger.budget[kind] === undefined)
  if (foreign !== undefined) {
    const kind = Object.keys(Amount.toBudget({ [foreign]: 1 }))[0] ?? foreign
    return {
      code: "BUDGET_NONE",
      message: `the run's budget does not limit ${kind}; it limits ${
        Object.keys(Amount.toBudget(ledger.budget)).join(", ")
      }`
    }
  }
  if (Amount.isZero(add) && allowUnknownPrice !== true) {
    return { code: "BUDGET_INVALID", message: "a raise adds more than 0" }
  }
  const total = Amount.add(ledger.budget, add)
  if (Amount.kinds.some((kind) => (total[kind] ?? 0) > Amount.amountMax)) {
    return { code: "BUDGET_INVALID", message: `a budget is at most ${Amount.text({ nanoUsd: Amount.amountMax })}` }
  }
  Drafts.emit(draft, {
    type: "BudgetRaised",
    v: 1,
    at: draft.at,
    ...(by === undefined ? {} : { by }),
    added: add,
    total,
    ...(allowUnknownPrice === true ? { allowUnknownPrice } : {}),
    ...(note === undefined ? {} : { note }),
    ...(grant === undefined ? {} : { grant })
  })
  return undefined
}

/** A turn that does not fit is refused, and nothing is recorded: the attempt ends as `unfunded`. */
export const reserveTurn = (draft: Draft, command: Of<"ReserveTurn">): Refusal | undefined => {
  const { attempt, need, path, unpriced } = command
  if (offered(draft, path, attempt) === undefined) {
    return { code: "ATTEMPT_STALE", message: `${path} is no longer offered as this attempt` }
  }
  const { closing, ledger } = draft.state
  if (closing !== undefined && closing.cause !== "failure") {
    return { code: "RUN_CLOSING", message: "the run closes; the call must not be made" }
  }
  if (ledger?.terms === undefined || Amount.isZero(need)) return undefined
  if (unpriced !== undefined && !ledger.takesUnpriced) {
    return { code: "PRICE_UNKNOWN", message: `nobody knows the price of ${unpriced}, and the run's money is limited` }
  }
  if (!Amount.fits(need, ledger.taken, ledger.budget)) {
    return { code: "BUDGET_SHORT", message: `the next turn of ${path} ${shortText(ledger, need)}` }
  }
  Drafts.emit(draft, { type: "TurnReserved", v: 1, at: draft.at, path, attempt, reserved: need })
  return undefined
}

const exhausted = (path: string): StepError => ({
  code: "BUDGET_EXHAUSTED",
  kind: "policy",
  message: `${path} could not go on within the budget, and nothing of it may start again`,
  retryable: false
})

/** Whether the step may wait: gathers cost nothing, and what is part of something that ends does not start again. */
const mayWait = (draft: Draft, step: Offered): boolean =>
  draft.state.closing === undefined &&
  (step.index === undefined ? step.node.each === undefined : draft.state.maps.get(step.node.index)?.stopped !== true)

/**
 * The attempt ends because its next turn could not be reserved: the same attempt is offered again when it can. Answers the
 * error that it ends with instead, where nothing may start again.
 */
export const sendBack = (
  draft: Draft,
  step: Offered,
  path: string,
  attempt: number,
  ask: Funds.Ask,
  report: Report
): StepError | undefined => {
  if (!mayWait(draft, step)) return exhausted(path)
  const { startedAt, usage } = report
  const entry: Unfunded = {
    path,
    need: ask.amounts,
    ...(ask.unpriced === undefined ? {} : { unpriced: ask.unpriced }),
    attempt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(usage === undefined ? {} : { usage })
  }
  Drafts.emit(draft, { type: "StepsUnfunded", v: 1, at: draft.at, steps: [entry] })
  return undefined
}

/** Whether an attempt has set something aside. */
export const holds = ({ ledger }: RunState, path: string, attempt: number): boolean => {
  const held = ledger?.terms === undefined ? undefined : ledger.held.entries.get(path)
  return held !== undefined && held.attempt === attempt && !Amount.isZero(held.amounts)
}

/** A step whose attempt is over, and why. */
export interface Exhausted {
  readonly step: Offered
  readonly attempt: number
  readonly error: StepError
}

/**
 * Attempts whose delivery was lost are begun again, and may cost their worst case once more. Answers those that can neither
 * begin nor wait.
 */
export const renew = (
  draft: Draft,
  lost: ReadonlyArray<{ readonly path: string; readonly attempt: number }>
): ReadonlyArray<Exhausted> => {
  const { ledger } = draft.state
  if (ledger?.terms === undefined) return noneExhausted
  const reserved: { [path: string]: Amounts } = {}
  const short: Array<readonly [Offered, string, number, Funds.Ask]> = []
  let promised: Amounts = Amount.zero
  for (const { attempt, path } of lost) {
    const step = offered(draft, path, attempt)
    const held = ledger.held.entries.get(path)
    if (step === undefined || held === undefined || !Amount.isZero(held.amounts)) continue
    const { amounts, unpriced } = ledger.need(draft.state, step.work)
    const fits = (unpriced === undefined || ledger.takesUnpriced) &&
      Amount.fits(amounts, Amount.add(ledger.taken, promised), ledger.budget)
    if (fits) {
      reserved[path] = amounts
      promised = Amount.add(promised, amounts)
    } else {
      const blocked = unpriced === undefined || ledger.takesUnpriced ? undefined : unpriced
      short.push([step, path, attempt, { amounts, unpriced: blocked }])
    }
  }
  if (Object.keys(reserved).length > 0) {
    Drafts.emit(draft, { type: "ReservationsRenewed", v: 1, at: draft.at, reserved })
  }
  return short.flatMap(([step, path, attempt, ask]): ReadonlyArray<Exhausted> => {
    const error = sendBack(draft, step, path, attempt, ask, {})
    return error === undefined ? noneExhausted : [{ step, attempt, error }]
  })
}

const noneExhausted: ReadonlyArray<Exhausted> = []

interface OfAttempt {
  readonly path: string
  readonly attempt: number
  readonly usage?: Usage
}

/** Decides, and says what has been spent above the reservation by what was decided. */
export const watch = <C extends OfAttempt>(
  draft: Draft,
  command: C,
  decide: (draft: Draft, command: C) => Refusal | undefined
): Refusal | undefined => {
  const { ledger } = draft.state
  if (ledger?.terms === undefined || draft.state.finished !== undefined) return decide(draft, command)
  const { overrun, unpriced } = ledger
  const refusal = decide(draft, command)
  const over = Amount.less(ledger.overrun, overrun)
  const about = { v: 1, at: draft.at, path: command.path, attempt: command.attempt } as const
  if (!Amount.isZero(over)) Drafts.emit(draft, { type: "OverrunRecorded", ...about, over })
  if (unpriced === 0 && ledger.unpriced > 0 && ledger.budget.nanoUsd !== undefined) {
    const model = command.usage?.model
    Drafts.emit(draft, { type: "PriceMissing", ...about, ...(model === undefined ? {} : { model }) })
  }
  return refusal
}

/** What a run is started with; without prices of its own, a flow's budget of money waits for somebody who allows that. */
export const terms = (plan: Plan, given: Terms | undefined): Terms | undefined => {
  if (given !== undefined) return given
  const stated = plan.limits.budget !== undefined ||
    plan.nodes.some((node) => node.budget !== undefined || node.each?.body.budget !== undefined)
  return stated ? { budget: plan.limits.budget ?? {}, rates: { asOf: "", models: {}, agents: {} } } : undefined
}

/** A budget of nothing is none; an allotment may be used up from the start. */
export const isSpent = ({ allotted, budget }: Terms): boolean =>
  allotted !== true && Amount.kinds.some((kind) => budget[kind] === 0)

/** Corrects a guess; may come at any time, also after the run has ended (K5). */
export const report = (draft: Draft, command: Of<"ReportUsage">): Refusal | undefined => watch(draft, command, correct)

const correct = (draft: Draft, command: Of<"ReportUsage">): Refusal | undefined => {
  const { attempt, by, path, usage } = command
  if (draft.state.ledger?.estimated.entries.has(attemptKey(path, attempt)) !== true) {
    return { code: "USAGE_SETTLED", message: `what attempt ${attempt} of ${path} has used is not a guess` }
  }
  Drafts.emit(draft, {
    type: "UsageLate",
    v: 1,
    at: draft.at,
    path,
    attempt,
    usage,
    ...(by === undefined ? {} : { by })
  })
  return undefined
}

/**
 * A child run asks for more than its allotment. Each numbered request is granted at most once, as much of it as is free, and
 * refused when nothing of use is: the child asks again.
 */
export const allot = (draft: Draft, command: Of<"AskAllotment">): Refusal | undefined => {
  const { attempt, n, need, path } = command
  const { ledger } = draft.state
  if (ledger?.terms === undefined) return none()
  const held = ledger.held.entries.get(path)
  if (held === undefined || held.attempt !== attempt) {
    return { code: "ATTEMPT_STALE", message: `no child of ${path} draws on this run as attempt ${attempt}` }
  }
  if (n <= (held.grant?.n ?? 0)) return undefined
  if (!Amount.fits(need, ledger.taken, ledger.budget)) {
    return { code: "BUDGET_SHORT", message: `the child of ${path} ${shortText(ledger, need)}` }
  }
  Drafts.emit(draft, { type: "AllotmentGranted", v: 1, at: draft.at, path, attempt, n, added: need })
  return undefined
}

/**
 * What a child run is given: what its node states as far as it is free, else what is free ÷ free slots (SEMANTICS 8.10d).
 * Nothing in a run without a budget. A child that is given too little asks for more.
 */
export const allotment = (draft: Draft, stated: Amounts | undefined): { readonly reserved?: Amounts } => {
  const { ledger, offered, plan } = draft.state
  if (ledger?.terms === undefined) return {}
  const slots = Math.max(1, plan.limits.parallel - offered)
  const reserved: { [K in Amount.Kind]?: number } = {}
  for (const kind of Amount.kinds) {
    const free = ledger.free[kind]
    if (free === undefined) continue
    reserved[kind] = Math.min(free, stated?.[kind] ?? Math.floor(free / slots))
  }
  return { reserved }
}
