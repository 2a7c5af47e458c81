/** Money in a random run: what attempts use, raises, turns that ask for more, late reports, children that draw. */
import type { Amounts } from "@baton/kernel/Amounts"
import type { Command } from "@baton/kernel/Command"
import type { Terms } from "@baton/kernel/Ledger"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { RunState } from "@baton/kernel/RunState"
import type { Usage } from "@baton/kernel/Usage"
import { Chance, fractionOf } from "./Chance.ts"
import type { RandomRun } from "./RandomRun.ts"

/** What attempts may do beside using what they have set aside. */
export interface Habits {
  /** Share of attempts that do not say, or do not know, what they used. */
  readonly silent: number
  /** Share of attempts that use more than they may. */
  readonly greedy: number
  /** Share of turns in which something happens to the ledger itself. */
  readonly noise: number
}

const usd = 1_000_000_000

/** Two cents for a first turn of the model that inline agents use. */
const rate = { input: 1_000, output: 3_000 }

/** The prices that runs of random worlds are started with. */
export const card = { asOf: "2026-01-01", models: { m: rate }, agents: {}, defaultModel: "m" }

/** Doubles at least whatever the budget limits. */
export const raising = ({ ledger }: RunState, at: number): Extract<Command, { readonly type: "RaiseBudget" }> => ({
  type: "RaiseBudget",
  at,
  add: Object.fromEntries(Object.entries(ledger?.budget ?? {}).map(([kind, value]) => [kind, Math.max(1, value ?? 1)])),
  allowUnknownPrice: true,
  by: "ana"
})

export class Spending {
  readonly terms: Terms
  readonly noise: number
  readonly #seed: number
  readonly #habits: Habits
  readonly #chance: Chance
  #asked = 0

  constructor(seed: number, habits: Habits) {
    this.#seed = seed
    this.#habits = habits
    this.noise = habits.noise
    this.#chance = new Chance(seed + 7)
    const chance = this.#chance
    const budget: Amounts = {
      ...(chance.is(0.8) ? { nanoUsd: chance.int(1, 12) * usd / 100 } : {}),
      ...(chance.is(0.3) ? { tokens: chance.int(1, 4) * 10_000 } : {}),
      ...(chance.is(0.3) ? { calls: chance.int(1, 6) } : {}),
      ...(chance.is(0.2) ? { agents: chance.int(1, 4) } : {}),
      ...(chance.is(0.2) ? { ms: 700_000 } : {})
    }
    const models = { m: habits.noise > 0 && chance.is(0.1) ? null : rate }
    this.terms = { budget, rates: { ...card, models } }
  }

  #place(...parts: ReadonlyArray<string | number>): number {
    return fractionOf(`${this.#seed} money ${parts.join(" ")}`)
  }

  /** What an agent's attempt tells of its use. */
  usage(path: string, attempt: number): { readonly usage?: Usage } {
    const at = this.#place("use", path, attempt)
    if (this.#place("silent", path, attempt) < this.#habits.silent) {
      return at < 0.5 ? {} : { usage: { calls: 1, inputTokens: 900 } }
    }
    const much = this.#place("greedy", path, attempt) < this.#habits.greedy ? 5 : 1
    const inputTokens = Math.floor(at * 8_192) * much
    const outputTokens = Math.floor(this.#place("out", path, attempt) * 4_096)
    const costUsd = (inputTokens * rate.input + outputTokens * rate.output) / usd
    return { usage: { calls: 1, inputTokens, outputTokens, costUsd, model: "m" } }
  }

  /** Adds to whatever the budget limits, for those who wait for it; false when nobody does. */
  raise(run: RandomRun): boolean {
    const { ledger } = run.state
    if (ledger === undefined || ledger.waiters.size === 0) return false
    run.ask(raising(run.state, run.at))
    return true
  }

  act(run: RandomRun): void {
    const { at } = run
    const chance = this.#chance
    const offers = Outstanding.offered(run.state)
    const offer = offers.length === 0 ? undefined : chance.pick(offers)
    const guesses = [...run.state.ledger?.estimated.entries.keys() ?? []]
    const way = chance.int(0, 5)
    if (way === 0) this.raise(run)
    else if (way === 1 && offer !== undefined) {
      run.ask({
        type: "ReserveTurn",
        at,
        path: offer.path,
        attempt: offer.attempt,
        need: { nanoUsd: usd / 50, calls: 1 }
      })
    } else if (way === 2 && offer !== undefined) {
      const need: Amounts = { nanoUsd: chance.int(1, 4) * usd / 100, tokens: 9_000 }
      run.ask({ type: "CompleteStep", at, path: offer.path, attempt: offer.attempt, outcome: { ok: "unfunded", need } })
    } else if (way === 3 && guesses.length > 0) {
      const [path = "", attempt = "0"] = chance.pick(guesses).split("#")
      const usage: Usage = { calls: chance.int(0, 2), inputTokens: 5, outputTokens: 5, costUsd: chance.int(0, 9) / 100 }
      run.ask({ type: "ReportUsage", at, path, attempt: Number(attempt), usage })
    } else if (way === 4 && offer !== undefined) {
      const n = ++this.#asked
      run.ask({ type: "AskAllotment", at, path: offer.path, attempt: offer.attempt, n, need: { nanoUsd: usd / 100 } })
    } else if (way === 5 && offer !== undefined) {
      const known = run.state.conversations?.get(offer.path)?.last ?? 0
      const usage: Usage = { calls: 1, inputTokens: 100, outputTokens: 20, costUsd: 0.000_16 }
      const ref = `sha256:${"0".repeat(64)}` as const
      const turn = { path: offer.path, attempt: offer.attempt, turn: known + 1, ref, bytes: 1, calls: 0, usage }
      run.ask({ type: "RecordTurn", at, ...turn })
    }
  }
}
