/** What the machine does, counted: one call per commit, offer and attempt, each a few additions. */
import type { Moved, Probe } from "@baton/engine/Probe"
import type { UsageRow } from "@baton/engine/RunStore"
import type { Event } from "@baton/kernel/Event"
import { offerType } from "@baton/kernel/Outstanding"
import type { Plan } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import type { Meter, Tell } from "./Meter.ts"
import * as Names from "./MetricNames.ts"

/** Series of one definition that every step needs, found once per plan. */
class PlanSeries {
  readonly #meter: Meter
  readonly #definition: string
  readonly #steps = new Map<string, Tell>()
  readonly #queues = new Map<string, Tell>()

  constructor(meter: Meter, definition: string) {
    this.#meter = meter
    this.#definition = definition
  }

  step(type: string, status: string): Tell {
    const key = `${type} ${status}`
    const known = this.#steps.get(key)
    if (known !== undefined) return known
    const tell = this.#meter.of(Names.stepSeconds, this.#definition, type, status)
    this.#steps.set(key, tell)
    return tell
  }

  queue(type: string): Tell {
    const known = this.#queues.get(type)
    if (known !== undefined) return known
    const tell = this.#meter.of(Names.queueSeconds, this.#definition, type)
    this.#queues.set(type, tell)
    return tell
  }

  created(): void {
    this.#meter.of(Names.created, this.#definition)(1)
  }

  finished(status: string, seconds: number): void {
    this.#meter.of(Names.runs, this.#definition, status)(1)
    this.#meter.of(Names.runSeconds, this.#definition)(seconds)
  }
}

const nanoPerUnit = 1e9
const secondsOf = (ms: number): number => Math.max(0, ms) / 1000

export class RunMeter {
  readonly #meter: Meter
  readonly #plans = new WeakMap<Plan, Map<string, PlanSeries>>()
  readonly #tenants: ReadonlySet<string>
  readonly #commitSeconds: Tell
  readonly #commitRuns: Tell
  readonly #events: Tell
  readonly #hop: Tell
  readonly #lost: Tell
  readonly #letters: Tell
  readonly #overruns: Tell
  readonly #unfunded: Tell
  readonly #offers = new Map<string, Tell>()
  readonly #began = new Map<string, Tell>()

  /** Definitions of `tenants` say whose they are. */
  constructor(meter: Meter, tenants: ReadonlySet<string>) {
    this.#meter = meter
    this.#tenants = tenants
    this.#commitSeconds = meter.of(Names.commitSeconds)
    this.#commitRuns = meter.of(Names.commitRuns)
    this.#events = meter.of(Names.events)
    this.#hop = meter.of(Names.hop)
    this.#lost = meter.of(Names.lost)
    this.#letters = meter.of(Names.letters)
    this.#overruns = meter.of(Names.overruns)
    this.#unfunded = meter.of(Names.unfunded)
  }

  readonly committed: Required<Probe>["committed"] = (records, ms) => {
    this.#commitSeconds(ms / 1000)
    this.#commitRuns(records.length)
    for (const record of records) this.#record(record)
  }

  readonly uncommitted: Required<Probe>["uncommitted"] = (reason) => {
    this.#meter.of(Names.commitFailures, reason)(1)
  }

  readonly offered: Required<Probe>["offered"] = (offers, since, now) => {
    this.#hop(secondsOf(now - since))
    for (const { type } of offers) this.#typed(this.#offers, Names.offers, type)(1)
  }

  readonly began: Required<Probe>["began"] = ({ tenant, type }, { plan }, waitedMs) => {
    this.#typed(this.#began, Names.began, type)(1)
    this.#series(tenant, plan).queue(type)(secondsOf(waitedMs))
  }

  #typed(kept: Map<string, Tell>, name: Names.MetricName, type: string): Tell {
    const known = kept.get(type)
    if (known !== undefined) return known
    const tell = this.#meter.of(name, type)
    kept.set(type, tell)
    return tell
  }

  #series(tenant: string, plan: Plan): PlanSeries {
    const owner = this.#tenants.has(tenant) ? tenant : ""
    const byOwner = this.#plans.get(plan)
    const known = byOwner?.get(owner)
    if (known !== undefined) return known
    const definition = `${owner === "" ? "" : `${owner}/`}${plan.name}@${plan.version}`
    const series = new PlanSeries(this.#meter, definition)
    if (byOwner === undefined) this.#plans.set(plan, new Map([[owner, series]]))
    else byOwner.set(owner, series)
    return series
  }

  #record({ events, letters, state, tenant, usage }: Moved): void {
    this.#events(events.length)
    const series = this.#series(tenant, state.plan)
    for (const event of events) this.#event(series, state, event)
    if (letters !== undefined) this.#letters(letters.length)
    if (usage !== undefined) { for (const row of usage) this.#used(row) }
  }

  #event(series: PlanSeries, state: RunState, event: Event): void {
    switch (event.type) {
      case "StepSucceeded":
        return this.#step(series, state, event, "succeeded")
      case "StepFailed":
        this.#meter.of(Names.failures, typeOf(state, event.path), event.handled)(1)
        return this.#step(series, state, event, "failed")
      case "StepRetryScheduled":
        this.#meter.of(Names.retries, typeOf(state, event.path))(1)
        return this.#step(series, state, event, "retried")
      case "RunCreated":
        return series.created()
      case "RunFinished":
        return series.finished(event.status, secondsOf(event.at - state.createdAt))
      case "DeliveryLost":
        return this.#lost(1)
      case "RunAdopted":
        return this.#lost(event.lost.length)
      case "OverrunRecorded":
        return this.#overruns(1)
      case "StepsUnfunded":
        return this.#unfunded(event.steps.length)
      case "PatchProposed":
        return this.#meter.of(Names.patches, "proposed")(1)
      case "PlanPatched":
        return this.#meter.of(Names.patches, "applied")(1)
      case "PatchRejected":
        return this.#meter.of(Names.patches, "rejected")(1)
    }
  }

  #step(
    series: PlanSeries,
    state: RunState,
    { at, path, startedAt }: { readonly at: number; readonly path: string; readonly startedAt?: number },
    status: string
  ): void {
    // What no worker began took nobody's time.
    if (startedAt !== undefined) series.step(typeOf(state, path), status)(secondsOf(at - startedAt))
  }

  #used({ calls, inputTokens, isUnpriced, model = "", nanoUsd, outputTokens, tokens }: UsageRow): void {
    if (calls > 0) this.#meter.of(Names.modelCalls, model)(calls)
    if (isUnpriced) this.#meter.of(Names.unpriced, model)(Math.max(1, calls))
    if (nanoUsd > 0) this.#meter.of(Names.cost, model)(nanoUsd / nanoPerUnit)
    // Corrections of guesses may be negative; a counter only counts up.
    if (inputTokens !== undefined && inputTokens > 0) this.#meter.of(Names.tokens, model, "input")(inputTokens)
    if (outputTokens !== undefined && outputTokens > 0) this.#meter.of(Names.tokens, model, "output")(outputTokens)
    const rest = tokens - (inputTokens ?? 0) - (outputTokens ?? 0)
    if (rest > 0) this.#meter.of(Names.tokens, model, "unknown")(rest)
  }
}

const typeOf = (state: RunState, path: string): string => offerType(state.plan.byId, path) ?? "unknown"
