/**
 * What calls cost, counted exactly: all amounts are integers, money is in billionths of a US dollar, so that sums never
 * drift. As an amount, an absent member is 0; as a budget, an absent member has no limit (SEMANTICS 8.10).
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as DurationText from "./DurationText.ts"
import type { Usage } from "./Usage.ts"

/** The largest amount of one kind: a million dollars, in billionths. Sums of a few of them stay exact. */
export const amountMax = 1_000_000_000_000_000

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: amountMax }))

export const Amounts = Schema.Struct({
  /** Billionths of a US dollar. */
  nanoUsd: Schema.optionalKey(Count),
  /** Input and output tokens together. */
  tokens: Schema.optionalKey(Count),
  /** Calls of models. */
  calls: Schema.optionalKey(Count),
  /** Attempts of agent steps. */
  agents: Schema.optionalKey(Count),
  /** Milliseconds that attempts of metered steps took, added up. */
  ms: Schema.optionalKey(Count)
})
export type Amounts = typeof Amounts.Type
export type Kind = keyof Amounts

export const kinds = ["nanoUsd", "tokens", "calls", "agents", "ms"] as const satisfies ReadonlyArray<Kind>

export const zero: Amounts = {}

export const isZero = (amounts: Amounts): boolean => kinds.every((kind) => (amounts[kind] ?? 0) === 0)

/** Whether a budget limits nothing. */
export const isEmpty = (budget: Amounts): boolean => kinds.every((kind) => budget[kind] === undefined)

/** Kind by kind; results stay within 0 and {@link sumMax}, and zeros are left out. */
const combine = (a: Amounts, b: Amounts, f: (a: number, b: number) => number): Amounts => {
  const made: { [K in Kind]?: number } = {}
  for (const kind of kinds) {
    const value = Math.min(sumMax, Math.max(0, f(a[kind] ?? 0, b[kind] ?? 0)))
    if (value !== 0) made[kind] = value
  }
  return made
}

/** Sums stop here: beyond it integers are no longer exact. */
export const sumMax = Number.MAX_SAFE_INTEGER

export const add = (a: Amounts, b: Amounts): Amounts => combine(a, b, (x, y) => x + y)
/** What is left of `a` after `b`; never below 0. */
export const less = (a: Amounts, b: Amounts): Amounts => combine(a, b, (x, y) => x - y)
export const most = (a: Amounts, b: Amounts): Amounts => combine(a, b, Math.max)
export const least = (a: Amounts, b: Amounts): Amounts => combine(a, b, Math.min)

/** Only the kinds that a budget limits. */
export const limited = (amounts: Amounts, budget: Amounts): Amounts => {
  const made: { [K in Kind]?: number } = {}
  for (const kind of kinds) {
    const value = amounts[kind]
    if (value !== undefined && value !== 0 && budget[kind] !== undefined) made[kind] = value
  }
  return made
}

/** Whether `need` and what is `taken` already stay within a budget. A kind that nothing is needed of never keeps it back. */
export const fits = (need: Amounts, taken: Amounts, budget: Amounts): boolean => {
  for (const kind of kinds) {
    const wanted = need[kind]
    const limit = budget[kind]
    if (wanted !== undefined && wanted > 0 && limit !== undefined && (taken[kind] ?? 0) + wanted > limit) return false
  }
  return true
}

/** What a budget has left, for the kinds it limits. */
export const free = (budget: Amounts, taken: Amounts): Amounts => {
  const made: { [K in Kind]?: number } = {}
  for (const kind of kinds) {
    const limit = budget[kind]
    if (limit !== undefined) made[kind] = Math.max(0, limit - (taken[kind] ?? 0))
  }
  return made
}

/** A tighter budget of two: kinds that only one limits are limited as there. */
export const tighter = (a: Amounts, b: Amounts): Amounts => {
  const made: { [K in Kind]?: number } = {}
  for (const kind of kinds) {
    const one = a[kind]
    const other = b[kind]
    const value = one === undefined ? other : other === undefined ? one : Math.min(one, other)
    if (value !== undefined) made[kind] = value
  }
  return made
}

/** Anything a worker may report as a whole number within bounds. */
const whole = (value: number): number => value > 0 ? Math.min(amountMax, Math.round(value)) : 0

/** US dollars in billionths, to the nearest one. */
export const nanoOf = (usd: number): number => whole(usd * 1_000_000_000)
export const usdOf = (nanoUsd: number): number => nanoUsd / 1_000_000_000

/** What a usage says; a member that it does not say is `undefined`, which is not 0. */
export const ofUsage = (usage: Usage): { readonly [K in "nanoUsd" | "tokens" | "calls"]: number | undefined } => {
  const { calls = 1, costUsd, inputTokens, outputTokens } = usage
  const none = calls <= 0
  return {
    nanoUsd: costUsd === undefined ? none ? 0 : undefined : nanoOf(costUsd),
    tokens: inputTokens === undefined || outputTokens === undefined
      ? none ? 0 : undefined
      : whole(inputTokens + outputTokens),
    calls: whole(calls)
  }
}

/** As people write it and read it: dollars, and durations as text. */
export const Budget = Schema.Struct({
  usd: Schema.optionalKey(Schema.Finite),
  tokens: Schema.optionalKey(Schema.Int),
  calls: Schema.optionalKey(Schema.Int),
  agents: Schema.optionalKey(Schema.Int),
  time: Schema.optionalKey(Schema.String)
}).annotate({
  identifier: "Budget",
  description: "at most so many US dollars, tokens, model calls, agent attempts; time"
})
export type Budget = typeof Budget.Type

const expected: { readonly [name in keyof Budget]-?: string } = {
  usd: "more than 0, at most 1000000 US dollars",
  tokens: "a whole number of at least 1",
  calls: "a whole number of at least 1",
  agents: "a whole number of at least 1",
  time: "a duration such as 90s or 10m"
}

export interface BudgetFault {
  readonly name: string
  readonly message: string
  readonly expected: string
}

const names = ["usd", "tokens", "calls", "agents", "time"] as const
const kindOf = { usd: "nanoUsd", tokens: "tokens", calls: "calls", agents: "agents", time: "ms" } as const

const read = (name: keyof Budget, value: unknown): number | undefined => {
  if (name === "time") return typeof value === "string" ? DurationText.parse(value) : undefined
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined
  // A fraction of the smallest unit is no amount.
  if (name === "usd") return Math.round(value * 1_000_000_000)
  return Number.isInteger(value) ? value : undefined
}

/** A budget as amounts. Refuses 0, negative numbers, what is no number, what is too large, and one that limits nothing. */
export const ofBudget = (budget: { readonly [name: string]: unknown }): Result.Result<Amounts, BudgetFault> => {
  const made: { [K in Kind]?: number } = {}
  const keys = Object.keys(budget)
  for (const key of keys) {
    const name = names.find((name) => name === key)
    if (name === undefined) {
      return Result.fail({ name: key, message: `a budget has no ${key}`, expected: names.join(", ") })
    }
    const amount = read(name, budget[key])
    if (amount === undefined || amount <= 0 || amount > amountMax) {
      const message = `${String(budget[key])} is no budget`
      return Result.fail({ name, message, expected: expected[name] })
    }
    made[kindOf[name]] = amount
  }
  return keys.length > 0
    ? Result.succeed(made)
    : Result.fail({ name: "", message: "the budget limits nothing", expected: names.join(", ") })
}

/** The same as people write it. */
export const toBudget = ({ agents, calls, ms, nanoUsd, tokens }: Amounts): Budget => ({
  ...(nanoUsd === undefined ? {} : { usd: usdOf(nanoUsd) }),
  ...(tokens === undefined ? {} : { tokens }),
  ...(calls === undefined ? {} : { calls }),
  ...(agents === undefined ? {} : { agents }),
  ...(ms === undefined ? {} : { time: timeText(ms) })
})

const timeText = (ms: number): string =>
  ms % 3_600_000 === 0 && ms > 0 ? `${ms / 3_600_000}h` : ms % 60_000 === 0 && ms > 0
    ? `${ms / 60_000}m`
    : ms % 1000 === 0
    ? `${ms / 1000}s`
    : `${ms}ms`

/** `$0.12`, with as many digits as it needs, at least two. */
export const moneyText = (nanoUsd: number): string => {
  const digits = (nanoUsd / 1_000_000_000).toFixed(9).replace(/0{1,7}$/, "")
  return `$${digits}`
}

/** `$0.12, 4096 tokens, 1 call`. */
export const text = (amounts: Amounts): string => {
  const parts: Array<string> = []
  const counted = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`
  const { agents, calls, ms, nanoUsd, tokens } = amounts
  if (nanoUsd !== undefined) parts.push(moneyText(nanoUsd))
  if (tokens !== undefined) parts.push(counted(tokens, "token"))
  if (calls !== undefined) parts.push(counted(calls, "call"))
  if (agents !== undefined) parts.push(counted(agents, "agent"))
  if (ms !== undefined) parts.push(timeText(ms))
  return parts.length === 0 ? "nothing" : parts.join(", ")
}

/**
 * What a command line says: `0.50`, or `usd=0.5,tokens=20000,calls=10,agents=4,time=10m`. `raise` wants a `+` before each
 * amount or before the whole (`+0.50`, `tokens=+1000`, `+tokens=1000`), so that nobody sets by mistake what they meant to add.
 */
export const parse = (source: string, raise = false): Result.Result<Amounts, BudgetFault> => {
  const made: { [name: string]: unknown } = {}
  for (const part of source.split(",")) {
    const found = /^\s*(\+)?(?:([A-Za-z]+)\s*=\s*)?(\+)?\s*(\S+)\s*$/.exec(part)
    const [, before, name = "usd", after, value = ""] = found ?? []
    if (found === null || (before !== undefined && after !== undefined)) {
      return Result.fail({
        name: "",
        message: `"${part.trim()}" is no budget`,
        expected: "0.50, or usd=0.5,tokens=20000"
      })
    }
    if (raise !== (before !== undefined || after !== undefined)) {
      return Result.fail(
        raise
          ? { name, message: `"${part.trim()}" does not say that it is added`, expected: "+0.50, or tokens=+1000" }
          : {
            name,
            message: `"${part.trim()}" adds to a budget that is not there yet`,
            expected: "an amount without +"
          }
      )
    }
    if (Object.hasOwn(made, name)) {
      return Result.fail({ name, message: `${name} is there twice`, expected: "each once" })
    }
    made[name] = name === "time" ? value : /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
  }
  return ofBudget(made)
}
