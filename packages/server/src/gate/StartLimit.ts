/**
 * Whether a person may make a run now: start one, fork one, run one again. Answers say so in `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers-10).
 */
import type { StartRun } from "@baton/contract/Client"
import { Caller } from "@baton/contract/http/Access"
import { Limited, type Problem } from "@baton/contract/http/Problems"
import type { Plan } from "@baton/kernel/Plan"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as FlowPinning from "../FlowPinning.ts"
import { Host } from "../Local.ts"
import type { Parts } from "../Parts.ts"
import * as RunStart from "../RunStart.ts"
import * as Bypass from "./Bypass.ts"
import { type LimitName, RateLimits, type Tier, tierOf, type Usage, type Verdict } from "./RateLimits.ts"

export class StartLimit extends Context.Service<StartLimit, {
  /** Takes a place for a run of this flow, or refuses with `Limited`. */
  readonly admit: (flow: StartRun["flow"], headers: Headers.Headers) => Effect.Effect<void, Problem, Caller>
  /** The same for a run that is made from this one and keeps its flow. */
  readonly admitFrom: (run: string, headers: Headers.Headers) => Effect.Effect<void, Problem, Caller>
}>()("baton/server/StartLimit") {}

/** Steps that ask an agent, in the flow and in all that it calls, each written node once. */
const agentsIn = Effect.fnUntraced(function*(parts: Parts, plan: Plan) {
  const plans = yield* FlowPinning.family(parts, plan)
  const bodies = plans.flatMap(({ nodes }) => nodes.map((node) => node.each === undefined ? node : node.each.body))
  return bodies.filter(({ type }) => type === "agent").length
})

const agentsOf = Effect.fnUntraced(function*(parts: Parts, reference: StartRun["flow"]) {
  const { flow, origin } = yield* RunStart.flowOf(parts, reference)
  const file = "text" in reference ? reference.file : reference.name
  const { plan } = yield* FlowPinning.freeze(parts, flow, { file, origin }, (one) => one)
  return yield* agentsIn(parts, plan)
})

/** Of a run that is not there: none. */
const agentsOfRun = Effect.fnUntraced(function*(parts: Parts, run: string) {
  const row = yield* parts.store.find(parts.tenant, run)
  return row === undefined ? 0 : yield* agentsIn(parts, yield* parts.plans.get(parts.tenant, row.flowHash))
})

/** A flow that is refused for another reason is a start like that of a simple one. */
const tierFor = <E>(agents: Effect.Effect<number, E>): Effect.Effect<Tier> =>
  Effect.match(agents, { onSuccess: tierOf, onFailure: () => "simple" })

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000))

const codes: { readonly [name in LimitName]: string } = {
  global: "global_rate_limit_exceeded",
  user: "user_rate_limit_exceeded",
  simple: "rate_limit_exceeded",
  standard: "rate_limit_exceeded",
  heavy: "rate_limit_exceeded"
}

/** The limit with the least left of it. */
const tightest = (usages: ReadonlyArray<Usage>): Usage | undefined =>
  usages.toSorted((a, b) => (a.limit - a.count) - (b.limit - b.count))[0]

const headersOf = ({ usages, ...verdict }: Verdict, window: Duration.Duration): { [name: string]: string } => {
  const told = verdict.allowed ? tightest(usages) : verdict.refused
  const policy = usages.map(({ limit, name }) => `"${name}";q=${limit};w=${Math.ceil(Duration.toSeconds(window))}`)
  return {
    "ratelimit-policy": policy.join(", "),
    ...(told === undefined
      ? {}
      : { ratelimit: `"${told.name}";r=${Math.max(0, told.limit - told.count)};t=${seconds(told.resetMs)}` }),
    ...(verdict.allowed ? {} : { "retry-after": String(seconds(verdict.refused.resetMs)) })
  }
}

const refused = ({ count, limit, name, resetMs }: Usage, window: Duration.Duration): Limited =>
  new Limited({
    code: codes[name],
    detail: `${limit} runs may be started in ${Duration.format(window)} (${name}).`,
    hint: "Ask again after Retry-After.",
    details: {
      tier: name,
      limit,
      window: Math.ceil(Duration.toSeconds(window)),
      current_count: count,
      retry_after_seconds: seconds(resetMs)
    }
  })

/** Headers of the answer to this request, whatever it will be. */
const tell = (headers: { readonly [name: string]: string }): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    HttpEffect.appendPreResponseHandlerUnsafe(
      fiber.context,
      (_request, response) => Effect.succeed(HttpServerResponse.setHeaders(response, headers))
    )
    return Effect.void
  })

const make = Effect.gen(function*() {
  const limits = yield* RateLimits
  const { parts } = yield* Host
  const bypass = yield* Config.option(Config.Redacted("BATON_RATE_BYPASS_SECRET"))
  const { window } = limits.settings
  const judged = (verdict: Verdict): Effect.Effect<void, Problem> =>
    Effect.andThen(
      tell(headersOf(verdict, window)),
      verdict.allowed ? Effect.void : Effect.fail(refused(verdict.refused, window))
    )
  const admit = Effect.fnUntraced(function*<E>(
    headers: Headers.Headers,
    agents: (parts: Parts) => Effect.Effect<number, E>
  ) {
    if (yield* Bypass.holds(bypass, headers)) return
    const { principal: { subject, tenant } } = yield* Caller
    const who = { tenant, user: subject }
    // Whoever is over a limit anyway is not worth a look at the flow.
    const before = yield* limits.peek(who)
    if (!before.allowed) return yield* judged(before)
    yield* judged(yield* limits.take(who, yield* tierFor(agents({ ...parts, tenant }))))
  })
  if (!limits.settings.enabled) return { admit: () => Effect.void, admitFrom: () => Effect.void }
  return StartLimit.of({
    admit: (flow, headers) => admit(headers, (parts) => agentsOf(parts, flow)),
    admitFrom: (run, headers) => admit(headers, (parts) => agentsOfRun(parts, run))
  })
})

export const layer = Layer.effect(StartLimit, make)
