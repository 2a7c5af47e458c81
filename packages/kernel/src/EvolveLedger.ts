/**
 * Folding of what is spent: reservations are set aside with offers and turns, settled when attempts end, guessed when they
 * are lost. Runs after the fold of the step itself. `Evolve` is the entry.
 */
import type { Amounts } from "./Amounts.ts"
import * as Amount from "./Amounts.ts"
import type { Event } from "./Event.ts"
import { relist, unfund } from "./EvolveFunds.ts"
import { locate, warn } from "./EvolveStep.ts"
import type { Held } from "./Ledger.ts"
import { attemptKey, estimatedMax, Ledger } from "./Ledger.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"
import type { StepError } from "./StepError.ts"
import type { Usage } from "./Usage.ts"

type Of<T extends Event["type"]> = Extract<Event, { readonly type: T }>

/** What is known of an attempt that ends. */
interface Answer {
  readonly at: number
  readonly usage: Usage | undefined
  readonly startedAt: number | undefined
  /** It said all that it has used: what it did not mention is 0. */
  readonly complete: boolean
  /** All that a child run has spent. */
  readonly spent?: Amounts | undefined
}

/** What a step has answered that waits for people to let it pass. */
const provisionalOf = (event: Of<"StepWaiting">) => event.wait.kind === "approval" ? event.wait.provisional : undefined

/** Whether an event needs a ledger where there is none yet. Asked of every event of every run. */
export const begins = (event: Event): boolean => {
  switch (event.type) {
    case "StepSucceeded":
    case "StepFailed":
    case "StepRetryScheduled":
      return event.usage !== undefined || event.spent !== undefined
    case "TurnRecorded":
      return event.usage !== undefined
    case "StepWaiting":
      return event.usage !== undefined || provisionalOf(event) !== undefined
    case "RunCreated":
      return event.ledger !== undefined
    default:
      return false
  }
}

const take = (ledger: Ledger, path: string, attempt: number, amounts: Amounts): void => {
  const before = ledger.held.entries.get(path)
  if (before !== undefined) ledger.reserved = Amount.less(ledger.reserved, before.amounts)
  ledger.held.set(path, { attempt, amounts })
  ledger.reserved = Amount.add(ledger.reserved, amounts)
}

/** What an attempt has used since it told last; a member it does not know is `undefined`. */
type Due = { readonly [K in Amount.Kind]: number | undefined }

const dueOf = (held: Held | undefined, answer: Answer): Due => {
  const { complete, spent, startedAt, usage } = answer
  if (spent !== undefined) {
    const { agents = 0, calls = 0, ms = 0, nanoUsd = 0, tokens = 0 } = spent
    return { agents, calls, ms, nanoUsd, tokens }
  }
  const silent = complete ? 0 : undefined
  const said = usage === undefined ? { nanoUsd: silent, tokens: silent, calls: silent } : Amount.ofUsage(usage)
  return {
    ...said,
    agents: held === undefined ? usage === undefined ? 0 : 1 : held.amounts.agents ?? 0,
    ms: startedAt === undefined ? complete ? 0 : undefined : Math.max(0, answer.at - startedAt)
  }
}

/** Tokens, or at least the calls, that were used at an unknown price. */
const unpricedOf = (usage: Usage | undefined): number => {
  if (usage === undefined || usage.costUsd !== undefined) return 0
  const { calls, tokens } = Amount.ofUsage(usage)
  return tokens ?? calls ?? 0
}

/** Ends the reservation of an attempt: what is known is settled as it is, what is not at what was set aside. */
const settle = (ledger: Ledger, path: string, attempt: number, answer: Answer): void => {
  const held = ledger.held.entries.get(path)
  if (held === undefined && answer.usage === undefined && answer.spent === undefined) return
  if (held?.told === true && held.attempt === attempt) return ledger.held.delete(path)
  const set = held?.amounts ?? Amount.zero
  const due = dueOf(held, answer)
  const spent: { [K in Amount.Kind]?: number } = {}
  const guess: { [K in Amount.Kind]?: number } = {}
  for (const kind of Amount.kinds) {
    const value = due[kind] ?? set[kind] ?? 0
    spent[kind] = value
    if (due[kind] === undefined && value > 0) guess[kind] = value
  }
  ledger.reserved = Amount.less(ledger.reserved, set)
  ledger.settled = Amount.add(ledger.settled, spent)
  overran(ledger, spent, set)
  if (guess.nanoUsd === undefined) ledger.unpriced += unpricedOf(answer.usage)
  ledger.held.delete(path)
  if (!Amount.isZero(guess)) estimate(ledger, path, attempt, guess)
}

/** What lies above a reservation, of the kinds that the run limits; with budgets on nodes only, of all kinds. */
const overran = (ledger: Ledger, spent: Amounts, set: Amounts): void => {
  if (ledger.terms === undefined) return
  const over = Amount.less(spent, set)
  const limits = Amount.isEmpty(ledger.budget) ? set : ledger.budget
  ledger.overrun = Amount.add(ledger.overrun, Amount.limited(over, limits))
}

const estimate = (ledger: Ledger, path: string, attempt: number, guess: Amounts): void => {
  ledger.guessed = Amount.add(ledger.guessed, guess)
  const key = attemptKey(path, attempt)
  const before = ledger.estimated.entries.get(key)
  if (before === undefined && ledger.estimated.entries.size >= estimatedMax) return
  ledger.estimated.set(key, [...before ?? [], guess])
}

/** A delivery is lost: what it had set aside counts as spent. What the next one reports is its own. */
const lose = (ledger: Ledger, path: string, tookMs?: number): void => {
  const held = ledger.held.entries.get(path)
  if (held === undefined) return
  const { ms: _ms, ...rest } = held.amounts
  const spent = tookMs === undefined ? held.amounts : { ...rest, ms: tookMs }
  ledger.reserved = Amount.less(ledger.reserved, held.amounts)
  ledger.settled = Amount.add(ledger.settled, spent)
  const { agents: _, ...guess } = tookMs === undefined ? held.amounts : rest
  if (!Amount.isZero(guess)) estimate(ledger, path, held.attempt, guess)
  ledger.held.set(path, { ...held, amounts: Amount.zero })
}

/** Part of what an attempt has set aside is spent; the rest stays set aside. */
const pay = (ledger: Ledger, path: string, usage: Usage | undefined): void => {
  if (usage === undefined) return
  const { calls = 0, nanoUsd = 0, tokens = 0 } = Amount.ofUsage(usage)
  const spent = { nanoUsd, tokens, calls }
  const held = ledger.held.entries.get(path)
  const set = held?.amounts ?? Amount.zero
  const left = Amount.less(set, spent)
  ledger.settled = Amount.add(ledger.settled, spent)
  overran(ledger, spent, set)
  ledger.unpriced += unpricedOf(usage)
  if (held === undefined) return
  ledger.reserved = Amount.add(Amount.less(ledger.reserved, set), left)
  ledger.held.set(path, { ...held, amounts: left })
}

const more = (ledger: Ledger, path: string, attempt: number, added: Amounts, n?: number): boolean => {
  const held = ledger.held.entries.get(path)
  if (held !== undefined && held.attempt !== attempt) return false
  ledger.reserved = Amount.add(ledger.reserved, added)
  const amounts = Amount.add(held?.amounts ?? Amount.zero, added)
  ledger.held.set(path, { attempt, amounts, ...(n === undefined ? {} : { grant: { n, added } }) })
  return true
}

const unfunded = (state: RunState, ledger: Ledger, event: Of<"StepsUnfunded">): boolean => {
  for (const { attempt, need, path, startedAt, unpriced, usage } of event.steps) {
    const index = unfund(state, path, attempt, {
      kind: "budget",
      need,
      ...(unpriced === undefined ? {} : { unpriced })
    })
    if (index === undefined) return false
    ledger.wait(index, need, event.at)
    if (attempt === undefined) continue
    pay(ledger, path, usage)
    const held = ledger.held.entries.get(path)
    if (held === undefined) continue
    ledger.settled = Amount.add(ledger.settled, {
      agents: held.amounts.agents ?? 0,
      ms: startedAt === undefined ? 0 : Math.max(0, event.at - startedAt)
    })
    ledger.reserved = Amount.less(ledger.reserved, held.amounts)
    ledger.held.delete(path)
  }
  return true
}

const raised = (ledger: Ledger, event: Of<"BudgetRaised">): boolean => {
  if (ledger.terms === undefined) return false
  ledger.budget = event.total
  if (event.allowUnknownPrice === true) ledger.terms = { ...ledger.terms, allowUnknownPrice: true }
  if (event.grant !== undefined) ledger.grants = event.grant
  return true
}

const late = (ledger: Ledger, event: Of<"UsageLate">): boolean => {
  const key = attemptKey(event.path, event.attempt)
  const [guess, ...rest] = ledger.estimated.entries.get(key) ?? []
  if (guess === undefined) return false
  const said = Amount.ofUsage(event.usage)
  const known: { [K in Amount.Kind]?: number } = {}
  const replaced: { [K in Amount.Kind]?: number } = {}
  for (const kind of ["nanoUsd", "tokens", "calls"] as const) {
    const value = said[kind]
    if (value === undefined || guess[kind] === undefined) continue
    known[kind] = value
    replaced[kind] = guess[kind]
  }
  ledger.settled = Amount.add(Amount.less(ledger.settled, replaced), known)
  ledger.guessed = Amount.less(ledger.guessed, replaced)
  overran(ledger, known, replaced)
  // That it was begun is no guess, and nobody tells how long it took.
  const { agents: _agents, ms, ...left } = Amount.less(guess, replaced)
  if (ms !== undefined) ledger.guessed = Amount.less(ledger.guessed, { ms })
  const kept = Amount.isZero(left) ? rest : [left, ...rest]
  if (kept.length === 0) ledger.estimated.delete(key)
  else ledger.estimated.set(key, kept)
  return true
}

const created = (ledger: Ledger, event: Of<"RunCreated">): void => {
  ledger.terms = event.ledger
  ledger.budget = event.ledger?.budget ?? Amount.zero
}

const dispatched = (state: RunState, ledger: Ledger, event: Of<"StepsDispatched">): void => {
  for (const [path, attempt] of event.steps) {
    const need = event.reserved?.[path]
    if (need !== undefined) take(ledger, path, attempt, need)
    if (ledger.waiters.size === 0) continue
    const address = locate(state, path)
    if (address === undefined || !ledger.waiters.has(address.node.index)) continue
    ledger.unwait(address.node.index)
    relist(state, address.node.index)
  }
}

/** An error that proves that nothing was sent; an interruption proves nothing of the kind to a model's bill. */
const unsent = (error: StepError): boolean => error.sent === false && error.code !== "INTERRUPTED"

/** An attempt has ended in a wait, or a child has been given its part. */
const waiting = (ledger: Ledger, event: Of<"StepWaiting">): void => {
  const { attempt, path, wait } = event
  if (wait.kind === "child") {
    if (event.reserved !== undefined) take(ledger, path, attempt, event.reserved)
    return
  }
  const provisional = provisionalOf(event)
  if (provisional === undefined) return settle(ledger, path, attempt, answer(event))
  const { startedAt, usage } = provisional
  settle(ledger, path, attempt, { at: event.at, usage, startedAt, complete: true })
  ledger.held.set(path, { attempt, amounts: Amount.zero, told: true })
}

const errorOf = (event: Ended): StepError | undefined =>
  event.type === "StepSucceeded"
    ? undefined
    : event.type !== "StepWaiting"
    ? event.error
    : event.wait.kind === "operator"
    ? event.wait.error
    : undefined

type Ended = Of<"StepSucceeded" | "StepFailed" | "StepRetryScheduled" | "StepWaiting">

const answer = (event: Ended): Answer => {
  const error = errorOf(event)
  const { at, startedAt, type, usage } = event
  const complete = type === "StepSucceeded" || (error !== undefined && unsent(error))
  return { at, usage, startedAt, complete, spent: "spent" in event ? event.spent : undefined }
}

/** Nodes that have settled, and maps that have stopped, wait for no money any more. */
const forget = (state: RunState, ledger: Ledger): void => {
  for (const index of ledger.waiters) {
    if (!isSettled(state.nodes.get(index).status) && state.maps.get(index)?.stopped !== true) continue
    ledger.unwait(index)
    relist(state, index)
  }
}

const apply = (state: RunState, ledger: Ledger, event: Event): boolean => {
  switch (event.type) {
    case "RunCreated":
      created(ledger, event)
      return true
    case "StepsDispatched":
      dispatched(state, ledger, event)
      return true
    case "StepSucceeded":
    case "StepFailed":
    case "StepRetryScheduled":
      settle(ledger, event.path, event.attempt, answer(event))
      return true
    case "StepWaiting":
      waiting(ledger, event)
      return true
    case "StepsCancelled": {
      for (const path of event.paths) {
        const attempt = ledger.held.entries.get(path)?.attempt ?? 0
        const complete = event.idle === true
        const spent = event.spent?.[path]
        settle(ledger, path, attempt, { at: event.at, usage: undefined, startedAt: undefined, complete, spent })
      }
      forget(state, ledger)
      return true
    }
    case "RunClosing":
    case "MapStopped":
      forget(state, ledger)
      return true
    case "DeliveryLost":
      lose(ledger, event.path, event.startedAt === undefined ? undefined : Math.max(0, event.at - event.startedAt))
      return true
    case "RunAdopted":
      for (const path of event.lost) lose(ledger, path)
      return true
    case "ReservationsRenewed":
      for (const [path, amounts] of Object.entries(event.reserved)) {
        const held = ledger.held.entries.get(path)
        if (held === undefined) return false
        take(ledger, path, held.attempt, amounts)
      }
      return true
    case "TurnRecorded":
      pay(ledger, event.path, event.usage)
      return true
    case "TurnReserved":
      return more(ledger, event.path, event.attempt, event.reserved)
    case "StepsUnfunded":
      return unfunded(state, ledger, event)
    case "BudgetRaised":
      return raised(ledger, event)
    case "OverrunRecorded":
      warn(state, [{ code: "OVERRUN", message: overrunText(event) }])
      return true
    case "PriceMissing":
      warn(state, [{ code: "PRICE_UNKNOWN", message: priceText(event) }])
      return true
    case "AllotmentGranted":
      return more(ledger, event.path, event.attempt, event.added, event.n)
    case "UsageLate":
      return late(ledger, event)
    default:
      return true
  }
}

const overrunText = ({ over, path }: Of<"OverrunRecorded">): string =>
  `${path} cost ${Amount.text(over)} more than it had set aside`

const priceText = ({ model, path }: Of<"PriceMissing">): string =>
  `${path} asked ${model ?? "a model"}, whose price nobody knows: what the run has cost is unknown`

const own = [
  "StepsUnfunded",
  "TurnReserved",
  "ReservationsRenewed",
  "BudgetRaised",
  "UsageLate",
  "OverrunRecorded",
  "PriceMissing",
  "AllotmentGranted"
] as const

/** Events that are about nothing but the ledger and those who wait for it. */
export const isOwn = (event: Event): event is Of<typeof own[number]> => own.some((type) => type === event.type)

/** Whether the event fits what the ledger says. */
export const fold = (state: RunState, event: Event): boolean => {
  const ledger = state.ledger ??= Ledger.make()
  return apply(state, ledger, event)
}
