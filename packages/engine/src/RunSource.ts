/** What the expressions of one attempt see of its run, as of the step's first offer (SEMANTICS 8.6d). */
import type { PlanNode } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import { publicStatus, seen } from "@baton/kernel/Scope"
import type { Json, Value } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import * as DateTime from "effect/DateTime"
import type { Source } from "./FieldScope.ts"

export interface Item {
  readonly index: number
  readonly value: Value
}

const runView = (state: RunState): Json => ({
  id: state.run,
  startedAt: DateTime.formatIso(DateTime.makeUnsafe(state.createdAt)),
  revision: state.plan.revision
})

export const make = (state: RunState, node: PlanNode, until: number, item: Item | undefined): Source => {
  const sight = { node, until }
  return {
    root: (name) => {
      switch (name) {
        case "input":
          return state.input
        case "run":
          return inline(runView(state))
        case "item":
          return item?.value
        case "index":
          return item === undefined ? undefined : inline(item.index)
        default:
          return undefined
      }
    },
    node: (id) => {
      const found = state.plan.byId.get(id)
      if (found === undefined || !node.ancestors.has(found.index)) return undefined
      const at = seen(state, found.index, sight)
      return {
        status: publicStatus(at.status),
        output: at.output,
        error: at.state.error,
        agent: at.state.agent,
        outcome: at.state.outcome
      }
    },
    get needs() {
      return needsOf(state, node, sight)
    },
    get ancestors() {
      return state.plan.nodes.filter((other) => node.ancestors.has(other.index)).map((other) => other.id)
    }
  }
}

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
