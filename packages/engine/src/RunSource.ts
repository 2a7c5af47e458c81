/** What the expressions of one attempt see of its run, as of the step's first offer (SEMANTICS 8.6d). */
import * as Ancestors from "@baton/kernel/Ancestors"
import type { PlanNode } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import { publicStatus, runView, seen } from "@baton/kernel/Scope"
import type { Value } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import type { NodeView, Source } from "./FieldScope.ts"
import type { StepAnswer } from "./StepType.ts"

/** One item of a map, or one turn of a repeat with what the turn before has made. */
export interface Item {
  readonly index: number
  readonly value?: Value
  readonly last?: Value
}

/** A class and not a literal: accessors in a literal made for every attempt cost more than the attempt itself. */
class RunSource implements Source {
  readonly #state: RunState
  readonly #node: PlanNode
  readonly #sight: { readonly node: PlanNode; readonly until: number }
  readonly #item: Item | undefined

  constructor(state: RunState, node: PlanNode, until: number, item: Item | undefined) {
    this.#state = state
    this.#node = node
    this.#sight = { node, until }
    this.#item = item
  }

  /** The node where it stands in the plan as it is now: a patch may have moved it since the attempt began. */
  get #now(): PlanNode {
    return this.#state.plan.byId.get(this.#node.id) ?? this.#node
  }

  readonly root = (name: string): Value | undefined => {
    switch (name) {
      case "input":
        return this.#state.input
      case "run":
        return inline(runView(this.#state))
      case "item":
        return this.#item?.value
      case "last":
        return this.#item?.last
      case "index":
        return this.#item === undefined ? undefined : inline(this.#item.index)
      default:
        return undefined
    }
  }

  readonly node = (id: string): NodeView | undefined => {
    const found = this.#state.plan.byId.get(id)
    if (found === undefined || !Ancestors.of(this.#state.plan, this.#now.index).has(found.index)) return undefined
    const at = seen(this.#state, found.index, this.#sight)
    return {
      status: publicStatus(at.status),
      output: at.output,
      error: at.state.error,
      agent: at.state.agent,
      outcome: at.state.outcome
    }
  }

  get needs(): ReadonlyArray<string> {
    return needsOf(this.#state, this.#now, this.#sight)
  }

  get ancestors(): ReadonlyArray<string> {
    const { plan } = this.#state
    const ancestors = Ancestors.of(plan, this.#now.index)
    return plan.nodes.filter((other) => ancestors.has(other.index)).map((other) => other.id)
  }
}

export const make = (state: RunState, node: PlanNode, until: number, item: Item | undefined): Source =>
  new RunSource(state, node, until, item)

/** What people answered to the step itself; what they answered to an agent's tool call is in its conversation. */
export const answersTo = (state: RunState, path: string): ReadonlyArray<StepAnswer> =>
  (state.answers.get(path) ?? []).filter(({ call }) => call === undefined)

/** The direct needs that have settled with something to read: what `needs` holds. */
const needsOf = (state: RunState, node: PlanNode, sight: { readonly until: number }): ReadonlyArray<string> => {
  const ids: Array<string> = []
  for (const edge of node.incoming) {
    const source = state.plan.nodes[edge.from]
    if (source === undefined || ids.includes(source.id)) continue
    const { status } = seen(state, edge.from, sight)
    if (status === "succeeded" || status === "failed") ids.push(source.id)
  }
  return ids
}
