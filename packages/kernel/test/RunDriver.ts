/** A run driven by hand: commands in, events folded into the state that the next command is asked of. */
import type { Command, Refusal } from "@baton/kernel/Command"
import * as Compile from "@baton/kernel/Compile"
import type { Decision } from "@baton/kernel/Decide"
import { decide } from "@baton/kernel/Decide"
import type { Event } from "@baton/kernel/Event"
import type { Reuse } from "@baton/kernel/EventReuse"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import type { Terms } from "@baton/kernel/Ledger"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import type { StepError } from "@baton/kernel/StepError"
import type { Usage } from "@baton/kernel/Usage"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import * as Result from "effect/Result"

export const epoch = 1_700_000_000_000

export const compile = (flow: Flow.Flow): Plan =>
  Result.getOrThrowWith(Compile.compile(flow), (problems) => new Error(JSON.stringify(problems, null, 1)))

type Rest = Omit<Partial<Flow.Flow>, "nodes" | "edges">

/** A flow of `nodes`, with edges written as `a>b` or `a>b on failure`. */
export const flow = (
  nodes: ReadonlyArray<Flow.Node>,
  edges: ReadonlyArray<string | Flow.Edge> = [],
  rest: Rest = {}
): Flow.Flow => ({
  name: "driven",
  ...rest,
  nodes,
  edges: edges.map((edge): Flow.Edge => {
    if (typeof edge !== "string") return edge
    const [ends = "", on] = edge.split(" on ")
    const [from = "", to = ""] = ends.split(">")
    return { from, to, ...(on === undefined ? {} : { on }) }
  })
})

export const failure = (more: Partial<StepError> = {}): StepError => ({
  code: "BROKE",
  kind: "internal",
  message: "it broke",
  retryable: false,
  sent: false,
  ...more
})

export class RunDriver {
  readonly plan: Plan
  readonly events: Array<Event> = []
  state: RunState.RunState
  at = epoch

  constructor(flow: Flow.Flow, input: Json = {}, reuse?: Reuse, ledger?: Terms) {
    this.plan = compile(flow)
    this.state = RunState.empty(this.plan)
    this.ask({
      type: "CreateRun",
      at: this.at,
      run: "run_1",
      flow: { name: this.plan.name, version: this.plan.version, hash: "" },
      input: inline(input),
      ...(reuse === undefined ? {} : { reuse }),
      ...(ledger === undefined ? {} : { ledger })
    })
  }

  decide(command: Command): Decision {
    return decide(this.state, command)
  }

  /** The events of the command, folded; a refusal as it is. */
  ask(command: Command): ReadonlyArray<Event> | Refusal {
    const decision = this.decide(command)
    if (decision.kind === "refused") return decision.refusal
    if (decision.kind === "needs") throw new Error(`needs ${decision.needs.refs.join(", ")}`)
    for (const event of decision.events) {
      evolve(this.state, event)
      this.events.push(event)
    }
    return decision.events
  }

  attempt(path: string): number {
    return Outstanding.offered(this.state).find((offer) => offer.path === path)?.attempt ?? 0
  }

  succeed(path: string, output: Json = null): ReadonlyArray<Event> | Refusal {
    return this.answer(path, { ok: true, output: inline(output) })
  }

  fail(path: string, error: Partial<StepError> = {}): ReadonlyArray<Event> | Refusal {
    return this.answer(path, { ok: false, error: failure(error) })
  }

  answer(
    path: string,
    outcome: Extract<Command, { type: "CompleteStep" }>["outcome"],
    usage?: Usage
  ): ReadonlyArray<Event> | Refusal {
    const told = usage === undefined ? {} : { usage }
    return this.ask({ type: "CompleteStep", at: ++this.at, path, attempt: this.attempt(path), ...told, outcome })
  }

  /** Lets the time pass to the earliest timer and fires it; false when there is none. */
  ring(): boolean {
    const [timer] = Outstanding.timers(this.state).toSorted((one, other) => one.due - other.due)
    if (timer === undefined) return false
    this.at = Math.max(this.at, timer.due)
    const { kind, n, path } = timer
    this.ask({ type: "FireTimer", at: this.at, kind, path, n })
    return true
  }

  status(id: string): RunState.NodeStatus {
    return this.state.nodes.get(this.state.plan.byId.get(id)?.index ?? -1).status
  }

  get offered(): ReadonlyArray<string> {
    return Outstanding.offered(this.state).map((offer) => offer.path)
  }
}
