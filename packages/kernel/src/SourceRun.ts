/**
 * A run as the source of another one: its state as of an event, and what only its events tell: which steps ever started an
 * irreversible call, and whose failure nothing took.
 */
import type { Event } from "./Event.ts"
import { evolve } from "./Evolve.ts"
import type { Plan, PlanEdge } from "./Plan.ts"
import * as RunState from "./RunState.ts"
import * as StepPath from "./StepPath.ts"

/** Tells an edge from the others of its source, in any plan that has it. */
export const edgeKey = (plan: Plan, edge: PlanEdge): string =>
  JSON.stringify([
    plan.nodes[edge.from]?.id,
    plan.nodes[edge.to]?.id,
    edge.on,
    edge.when?.source ?? null,
    edge.otherwise
  ])

const effectOf = (plan: Plan, path: string): string | undefined => {
  const plain = plan.byId.get(path)
  return plain === undefined ? plan.byId.get(StepPath.parse(path)?.node ?? "")?.each?.body.effect : plain.effect
}

export class SourceRun {
  readonly state: RunState.RunState
  /** Nodes whose failure nothing took: it closed the run. */
  readonly unhandled = new Set<string>()
  /**
   * Steps that have started an irreversible call, at any time, here or in a run that this one was made from: what is forked
   * from earlier may do it again.
   */
  readonly started = new Set<string>()
  readonly #until: number
  #seen = 0

  /** `until`: the last event that counts; without one, all of them. */
  constructor(plan: Plan, until: number | undefined) {
    this.state = RunState.empty(plan)
    this.#until = until ?? Infinity
  }

  /** Events of the journal so far, those after `until` included. */
  get head(): number {
    return this.#seen
  }

  fold(event: Event): void {
    this.#seen++
    this.#start(event)
    if (this.#seen > this.#until) return
    evolve(this.state, event)
    if (event.type === "StepFailed" && event.handled === "none") this.unhandled.add(event.path)
  }

  #start(event: Event): void {
    if (event.type === "CallStarted") this.started.add(event.path)
    if (event.type === "StepsReused") {
      for (const path of [...event.guarded ?? [], ...event.started ?? []]) this.started.add(path)
    }
    if (event.type === "StepSucceeded" && event.by === undefined && event.attempt > 0) {
      if (effectOf(this.state.plan, event.path) === "irreversible") this.started.add(event.path)
    }
  }
}
