/** What the events of a record settle in the run's ledger, as rows that are added up over all runs. */
import * as Amount from "@baton/kernel/Amounts"
import type { Event } from "@baton/kernel/Event"
import { locate } from "@baton/kernel/EvolveStep"
import type { Ledger } from "@baton/kernel/Ledger"
import type { Work } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import type { Usage } from "@baton/kernel/Usage"
import type { UsageRow } from "./RunStore.ts"

/** What a ledger says before an event is folded. */
export interface Mark {
  readonly settled: Amount.Amounts
  readonly guessed: Amount.Amounts
  readonly unpriced: number
}

const nothing: Mark = { settled: Amount.zero, guessed: Amount.zero, unpriced: 0 }

export const mark = ({ guessed, settled, unpriced }: Ledger): Mark => ({ settled, guessed, unpriced })

const usageOf = (event: Event): Usage | undefined => {
  if (event.type === "StepWaiting" && event.wait.kind === "approval") {
    return event.usage ?? event.wait.provisional?.usage
  }
  return "usage" in event ? event.usage : undefined
}

const agentOf = (work: Work): string | undefined => {
  const { definition } = work
  if (!("agent" in definition)) return undefined
  return typeof definition.agent === "string" ? definition.agent : undefined
}

const difference = (now: Amount.Amounts, before: Amount.Amounts, kind: Amount.Kind): number =>
  (now[kind] ?? 0) - (before[kind] ?? 0)

/**
 * The row that an event adds; `undefined` when it has settled nothing. What a child run has used is told by the child. A
 * correction of a guess may be negative.
 */
export const row = (state: RunState, event: Event, before: Mark = nothing): UsageRow | undefined => {
  const { ledger } = state
  if (ledger === undefined || ledger.settled === before.settled) return undefined
  const calls = difference(ledger.settled, before.settled, "calls")
  const tokens = difference(ledger.settled, before.settled, "tokens")
  const nanoUsd = difference(ledger.settled, before.settled, "nanoUsd")
  if (calls === 0 && tokens === 0 && nanoUsd === 0) return undefined
  const path = "path" in event && typeof event.path === "string" ? event.path : ""
  const address = locate(state, path)
  const work = address === undefined ? undefined : address.index === undefined ? address.node : address.node.each?.body
  if (work?.type === "flow") return undefined
  const usage = usageOf(event)
  const isGuess = ledger.guessed !== before.guessed && !Amount.isZero(Amount.less(ledger.guessed, before.guessed))
  return {
    path,
    node: address?.node.id ?? "",
    attempt: "attempt" in event && typeof event.attempt === "number" ? event.attempt : 0,
    at: event.at,
    agent: work === undefined ? undefined : agentOf(work) ?? address?.node.id,
    model: usage?.model,
    calls,
    tokens,
    inputTokens: usage?.inputTokens,
    outputTokens: usage?.outputTokens,
    cachedTokens: usage?.cachedTokens,
    nanoUsd,
    isUnpriced: ledger.unpriced > before.unpriced,
    isEstimated: isGuess || usage?.estimated === true
  }
}
