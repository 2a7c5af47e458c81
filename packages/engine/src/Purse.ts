/**
 * What an attempt may spend: the money its run has set aside for it (SEMANTICS 8.10).
 *
 * Promise. Before a call of a model, `draw` answers how many output tokens it may be asked for; what the call may cost at
 * worst is then set aside, durably. When it cannot be, the call must not be made: `draw` fails, and the step waits for its
 * budget. There is none where nothing is limited.
 */
import type { Amounts } from "@baton/kernel/Amounts"
import * as Amount from "@baton/kernel/Amounts"
import type { Command } from "@baton/kernel/Command"
import type { Work } from "@baton/kernel/Plan"
import type { RateCard } from "@baton/kernel/Rates"
import * as Rates from "@baton/kernel/Rates"
import type { RunState } from "@baton/kernel/RunState"
import type { Usage } from "@baton/kernel/Usage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { AgentError } from "./Agents.ts"
import type { Settled } from "./RunSlot.ts"

/** Fewer output tokens than these are no answer worth paying for. */
export const outputTokensMin = 64

export interface Turn {
  /** The model by its reference; `undefined`: the default one. */
  readonly model: string | undefined
  /** A bound of what the prompt counts. */
  readonly inputTokens: number
  /** The cap that the caller wants; absent: the usual one. */
  readonly outputTokens: number | undefined
}

/** Why the attempt could not go on, for the answer that sends its step back. */
export interface Shortage {
  readonly need: Amounts
  readonly unpriced?: string
}

export interface Purse {
  readonly draw: (turn: Turn) => Effect.Effect<{ readonly outputTokens: number }, AgentError>
  /** What the call that was drawn for has used; `undefined`: nobody knows, so all of it. */
  readonly spent: (usage: Usage | undefined) => void
  /** Set once `draw` has failed for want of money. */
  readonly shortage: Shortage | undefined
  /** Milliseconds that the attempt may take, where the budget limits time. */
  readonly timeoutMs: number | undefined
}

export class CurrentPurse extends Context.Reference<Purse | undefined>("baton/engine/CurrentPurse", {
  defaultValue: () => undefined
}) {}

interface Owner {
  readonly path: string
  readonly attempt: number
  readonly work: Work
  readonly now: () => number
  readonly command: (command: Command) => Effect.Effect<Settled>
}

/** The purse of an attempt that begins; `undefined` where nothing is limited. */
export const open = (state: RunState, owner: Owner): Purse | undefined => {
  const { ledger } = state
  if (ledger?.terms === undefined) return undefined
  const held = ledger.held.entries.get(owner.path)?.amounts ?? Amount.zero
  return new AttemptPurse(owner, held, ledger.budget, ledger.terms.rates, ledger.takesUnpriced)
}

/** Over the part of a run's ledger that one attempt has set aside. */
class AttemptPurse implements Purse {
  readonly timeoutMs: number | undefined
  shortage: Shortage | undefined
  readonly #owner: Owner
  readonly #budget: Amounts
  readonly #rates: RateCard
  readonly #takesUnpriced: boolean
  #left: Amounts
  #drawn: Amounts = Amount.zero

  constructor(owner: Owner, held: Amounts, budget: Amounts, rates: RateCard, takesUnpriced: boolean) {
    this.#owner = owner
    this.#left = held
    this.#budget = budget
    this.#rates = rates
    this.#takesUnpriced = takesUnpriced
    this.timeoutMs = budget.ms === undefined ? undefined : owner.work.timeoutMs ?? held.ms
  }

  readonly draw: Purse["draw"] = (turn) =>
    Effect.suspend(() => {
      const model = turn.model ?? this.#rates.defaultModel
      const rate = Rates.rateOf(this.#rates, model)
      const stated = this.#owner.work.budget
      const wanted = turn.outputTokens ?? Rates.turnOutputTokens
      if (stated !== undefined) return this.#drawStated(stated, rate, turn.inputTokens, wanted)
      const need = Rates.turn(rate, turn.inputTokens, wanted)
      if (rate === undefined && !this.#takesUnpriced) {
        return this.#refuse({ need, unpriced: model ?? "the model of agents that name none" }, "nobody knows its price")
      }
      const lack = Amount.limited(Amount.less(need, this.#left), this.#budget)
      if (Amount.isZero(lack)) return this.#grant(need, wanted)
      return Effect.flatMap(this.#ask(lack), (settled) => {
        if (settled.kind === "accepted") {
          this.#left = Amount.add(this.#left, lack)
          return this.#grant(need, wanted)
        }
        if (settled.kind === "refused" && settled.code === "BUDGET_SHORT") {
          return this.#refuse({ need }, settled.message)
        }
        return Effect.fail(notReserved(settled))
      })
    })

  readonly spent: Purse["spent"] = (usage) => {
    const said = usage === undefined ? undefined : Amount.ofUsage(usage)
    const used: { [K in Amount.Kind]?: number } = {}
    for (const kind of ["nanoUsd", "tokens", "calls"] as const) used[kind] = said?.[kind] ?? this.#drawn[kind] ?? 0
    this.#left = Amount.less(this.#left, used)
    this.#drawn = Amount.zero
  }

  /** The author's own cap: the answer is kept as short as it must be, and nothing more is asked for. */
  #drawStated(stated: Amounts, rate: Rates.Rate | undefined, inputTokens: number, wanted: number) {
    const left = this.#left
    let output = wanted
    if (stated.tokens !== undefined) output = Math.min(output, (left.tokens ?? 0) - inputTokens)
    if (stated.nanoUsd !== undefined && rate !== undefined && rate.output > 0) {
      output = Math.min(output, Math.floor(((left.nanoUsd ?? 0) - inputTokens * rate.input) / rate.output))
    }
    const spent = stated.calls !== undefined && (left.calls ?? 0) < 1
    return spent || output < Math.min(wanted, outputTokensMin)
      ? Effect.fail(capReached(this.#owner.path, stated))
      : this.#grant(Rates.turn(rate, inputTokens, output), output)
  }

  #grant(need: Amounts, outputTokens: number): Effect.Effect<{ readonly outputTokens: number }> {
    this.#drawn = need
    return Effect.succeed({ outputTokens })
  }

  #refuse(shortage: Shortage, why: string): Effect.Effect<never, AgentError> {
    this.shortage = shortage
    return Effect.fail(
      new AgentError({
        reason: "refused",
        code: shortage.unpriced === undefined ? "BUDGET_SHORT" : "PRICE_UNKNOWN",
        message: shortage.unpriced === undefined
          ? `The budget does not allow the next turn: ${why}.`
          : `The run's money is limited, and of ${shortage.unpriced} ${why}.`,
        retryable: false,
        sent: false
      })
    )
  }

  #ask(need: Amounts): Effect.Effect<Settled> {
    const { attempt, command, now, path } = this.#owner
    return command({ type: "ReserveTurn", at: now(), path, attempt, need })
  }
}

const capReached = (path: string, stated: Amounts): AgentError =>
  new AgentError({
    reason: "refused",
    code: "STEP_BUDGET",
    message: `${path} may cost ${Amount.text(stated)} an attempt, and what is left of it is not enough for a turn.`,
    retryable: false,
    sent: false
  })

const notReserved = (settled: Exclude<Settled, { readonly kind: "accepted" }>): AgentError =>
  new AgentError({
    reason: "store",
    code: "TURN_NOT_RESERVED",
    message: `The next turn could not be reserved: ${settled.message}`,
    retryable: settled.kind === "lost",
    sent: false
  })
