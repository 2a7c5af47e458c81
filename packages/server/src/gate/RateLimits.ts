/**
 * How many runs may be started in a window: by everybody, by one person, and by one person for one tier of flows. The tier
 * is the number of agents in the flow. A start takes one place in each of the three, or none at all.
 *
 * `effect/persistence/RateLimiter` counts one key a time; that a refusal by one limit leaves the others untouched cannot be
 * said with it. Windows are fixed, begin with their first start, and live in this process: each server has its own.
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { DurationFromText } from "./ServerLimits.ts"

export type Tier = "simple" | "standard" | "heavy"
export type LimitName = "global" | "user" | Tier

export interface RateLimitSettings {
  readonly enabled: boolean
  readonly window: Duration.Duration
  /** Starts in a window. */
  readonly limits: { readonly [name in LimitName]: number }
}

export const defaults: RateLimitSettings = {
  enabled: false,
  window: Duration.minutes(1),
  limits: { global: 100, user: 50, simple: 100, standard: 20, heavy: 5 }
}

/** Windows that are remembered; the oldest is forgotten first. It bounds memory, not who may start what. */
export const windowsMax = 10_000

/** No agents: simple; one or two: standard; more: heavy. */
export const tierOf = (agents: number): Tier => agents === 0 ? "simple" : agents <= 2 ? "standard" : "heavy"

export interface Usage {
  readonly name: LimitName
  readonly limit: number
  /** Starts in this window, this one included; of a refused one: without it. */
  readonly count: number
  readonly resetMs: number
}

export type Verdict =
  | { readonly allowed: true; readonly usages: ReadonlyArray<Usage> }
  | { readonly allowed: false; readonly refused: Usage; readonly usages: ReadonlyArray<Usage> }

interface Window {
  count: number
  endsAt: number
}

export interface Who {
  readonly tenant: string
  readonly user: string
}

export class RateLimits extends Context.Service<RateLimits, {
  readonly settings: RateLimitSettings
  /** Whether there is room for anything of this person, before the flow is known. Takes nothing. */
  readonly peek: (who: Who) => Effect.Effect<Verdict>
  /** Takes one place in each limit; a refusal takes none. */
  readonly take: (who: Who, tier: Tier) => Effect.Effect<Verdict>
  /** Windows that are remembered now. */
  readonly size: () => number
}>()("baton/server/RateLimits") {}

interface Line {
  readonly name: LimitName
  readonly key: string
}

const linesOf = ({ tenant, user }: Who, tier: Tier | undefined): ReadonlyArray<Line> => {
  const person = JSON.stringify([tenant, user])
  const lines: ReadonlyArray<Line> = [{ name: "global", key: "global" }, { name: "user", key: `user ${person}` }]
  return tier === undefined ? lines : [...lines, { name: tier, key: `${tier} ${person}` }]
}

export const make = (settings: RateLimitSettings, clock: Clock.Clock): RateLimits["Service"] => {
  const windowMs = Duration.toMillis(settings.window)
  const windows = new Map<string, Window>()
  const windowOf = (key: string, now: number): Window => {
    const known = windows.get(key)
    // One that ends later than a new one would was begun by a clock that has been put back since.
    if (known !== undefined && known.endsAt > now && known.endsAt <= now + windowMs) return known
    windows.delete(key)
    return { count: 0, endsAt: now + windowMs }
  }
  const remember = (key: string, window: Window): void => {
    windows.set(key, window)
    if (windows.size <= windowsMax) return
    // In order of their beginning: the first is the one that ends first. All share "global", which stays.
    for (const oldest of windows.keys()) {
      if (oldest === "global") continue
      windows.delete(oldest)
      return
    }
  }
  const judge = (who: Who, tier: Tier | undefined, cost: number): Verdict => {
    const now = clock.currentTimeMillisUnsafe()
    const found = linesOf(who, tier).map(({ key, name }) => ({ key, name, window: windowOf(key, now) }))
    const usage = ({ name, window }: typeof found[number], more: number): Usage => ({
      name,
      limit: settings.limits[name],
      count: window.count + more,
      resetMs: window.endsAt - now
    })
    const full = found.find(({ name, window }) => window.count >= settings.limits[name])
    if (full !== undefined) {
      return { allowed: false, refused: usage(full, 0), usages: found.map((one) => usage(one, 0)) }
    }
    for (const { key, window } of cost === 0 ? [] : found) {
      if (window.count === 0) remember(key, window)
      window.count += cost
    }
    return { allowed: true, usages: found.map((one) => usage(one, 0)) }
  }
  return {
    settings,
    peek: (who) => Effect.sync(() => judge(who, undefined, 0)),
    take: (who, tier) => Effect.sync(() => judge(who, tier, 1)),
    size: () => windows.size
  }
}

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const limit = (name: string, otherwise: number) => Config.withDefault(Config.schema(Count, name), otherwise)

/** By default on in `serve`, and off in `dev`. */
const config = (mode: "dev" | "serve") =>
  Config.all({
    enabled: Config.withDefault(Config.Boolean("BATON_RATE_ENABLED"), mode === "serve"),
    window: Config.withDefault(Config.schema(DurationFromText, "BATON_RATE_WINDOW"), defaults.window),
    limits: Config.all({
      global: limit("BATON_RATE_GLOBAL", defaults.limits.global),
      user: limit("BATON_RATE_USER", defaults.limits.user),
      simple: limit("BATON_RATE_SIMPLE", defaults.limits.simple),
      standard: limit("BATON_RATE_STANDARD", defaults.limits.standard),
      heavy: limit("BATON_RATE_HEAVY", defaults.limits.heavy)
    })
  })

export const layer = (mode: "dev" | "serve") =>
  Layer.effect(
    RateLimits,
    Effect.gen(function*() {
      return make(yield* config(mode), yield* Clock.Clock)
    })
  )
