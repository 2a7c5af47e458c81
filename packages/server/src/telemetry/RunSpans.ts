/**
 * Spans of runs and steps, made of what is durable: a step's span is told when its answer is in the journal, a run's when
 * its end is, by whatever process wrote that. Their ids are derived (kernel, `Trace`), so that all processes agree.
 */
import type { Moved, Probe } from "@baton/engine/Probe"
import type { StepQueue } from "@baton/engine/StepQueue"
import type { Event } from "@baton/kernel/Event"
import { locate } from "@baton/kernel/EvolveStep"
import { offerType } from "@baton/kernel/Outstanding"
import type { RunState } from "@baton/kernel/RunState"
import * as Trace from "@baton/kernel/Trace"
import * as Context from "effect/Context"
import * as Tracer from "effect/Tracer"
import { CarriedTrace } from "./CarriedTrace.ts"
import type { SpanSink } from "./SpanSink.ts"
import * as SpanSinks from "./SpanSink.ts"

type Offer = Parameters<StepQueue["Service"]["offer"]>[0][number]

interface Traced {
  readonly traceId: string
  /** The span of the whole run. */
  readonly root: string
  readonly sampled: boolean
}

interface Answered {
  readonly at: number
  readonly path: string
  readonly attempt: number
  readonly startedAt?: number
}

const nanos = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n

/** Whether a trace that nobody has begun before is recorded, by its id. */
export type Sampler = (traceId: string) => boolean

export class RunSpans {
  readonly #sink: SpanSink
  readonly #sampler: Sampler
  readonly #known = new WeakMap<RunState, Traced>()

  constructor(sink: SpanSink, sampler: Sampler) {
    this.#sink = sink
    this.#sampler = sampler
  }

  readonly committed = (records: ReadonlyArray<Moved>): void => {
    for (const { events, state, tenant } of records) {
      const traced = this.#traced(state)
      if (!traced.sampled) continue
      for (const event of events) this.#event(traced, state, tenant, event)
    }
  }

  /** The attempt's own span is the parent of what it does. */
  readonly surroundings: Probe["surroundings"] = ({ attempt, path }: Offer, state) => {
    const { root, sampled, traceId } = this.#traced(state)
    return Context.make(
      Tracer.ParentSpan,
      Tracer.externalSpan({ traceId, spanId: Trace.stepSpan(root, path, attempt), sampled })
    ).pipe(Context.add(CarriedTrace, { state: state.trace?.state }))
  }

  readonly childTrace: Probe["childTrace"] = (state, path, attempt) =>
    Trace.childLink(state, path, attempt, this.#traced(state).sampled)

  #traced(state: RunState): Traced {
    const known = this.#known.get(state)
    if (known !== undefined && state.seq > 0) return known
    const traceId = Trace.traceId(state)
    const traced = { traceId, root: Trace.runSpan(state), sampled: Trace.isSampled(state, this.#sampler(traceId)) }
    this.#known.set(state, traced)
    return traced
  }

  #event(traced: Traced, state: RunState, tenant: string, event: Event): void {
    switch (event.type) {
      case "StepSucceeded":
        return this.#step(traced, state, event, undefined)
      case "StepFailed":
      case "StepRetryScheduled":
        return this.#step(traced, state, event, event.error.code)
      case "RunFinished":
        return this.#run(traced, state, tenant, event)
    }
  }

  #step({ root, traceId }: Traced, state: RunState, event: Answered, code: string | undefined): void {
    const { at, attempt, path } = event
    const bracket = path.indexOf("[")
    const attributes: Array<[string, unknown]> = [
      ["baton.run.id", state.run],
      ["baton.flow.name", state.plan.name],
      ["baton.step.path", path],
      ["baton.step.attempt", attempt],
      ["baton.step.type", offerType(state.plan.byId, path) ?? "unknown"]
    ]
    if (code !== undefined) attributes.push(["error.type", code])
    this.#sink.push(SpanSinks.ended({
      traceId,
      spanId: Trace.stepSpan(root, path, attempt),
      parent: root,
      name: `step ${bracket === -1 ? path : path.slice(0, bracket)}`,
      kind: "internal",
      start: nanos(event.startedAt ?? startOf(state, path) ?? at),
      end: nanos(at),
      failed: code !== undefined,
      attributes,
      state: state.trace?.state
    }))
  }

  #run(
    { root, traceId }: Traced,
    state: RunState,
    tenant: string,
    event: Extract<Event, { readonly type: "RunFinished" }>
  ): void {
    const attributes: Array<[string, unknown]> = [
      ["gen_ai.operation.name", "invoke_workflow"],
      ["gen_ai.workflow.name", state.plan.name],
      ["gen_ai.conversation.id", state.run],
      ["baton.run.id", state.run],
      ["baton.run.status", event.status],
      ["baton.tenant", tenant],
      ["baton.flow.name", state.plan.name],
      ["baton.flow.version", state.plan.version]
    ]
    if (state.parent !== undefined) attributes.push(["baton.run.parent", state.parent.run])
    if (state.lineage !== undefined) attributes.push(["baton.run.made_from", state.lineage.run])
    if (event.status === "failed") attributes.push(["error.type", event.code])
    this.#sink.push(SpanSinks.ended({
      traceId,
      spanId: root,
      parent: Trace.parentSpan(state),
      name: `invoke_workflow ${state.plan.name}`,
      kind: "internal",
      start: nanos(state.createdAt),
      end: nanos(event.at),
      failed: event.status === "failed",
      attributes,
      state: state.trace?.state
    }))
  }
}

/** Since when a step was at it that no worker has answered: it waited for a person, an event, its items or its child. */
const startOf = (state: RunState, path: string): number | undefined => {
  const address = locate(state, path)
  if (address === undefined) return undefined
  const { index, node } = address
  return index === undefined
    ? state.nodes.get(node.index).startedAt
    : state.maps.get(node.index)?.note(index)?.waitingSince
}
