/** What holds of a run that has no place yet (docs/semantics.md 8.18): none of its steps is offered. */
import type { RunState } from "./RunState.ts"

type Say = (promise: string, message: string) => void

export const place = (state: RunState, say: Say): void => {
  if (state.place === undefined || state.place.held) return
  if (state.offered > 0) say("K1", `${state.offered} attempts are offered, and the run has no place`)
  for (const node of state.plan.nodes) {
    const { status } = state.nodes.get(node.index)
    if (status === "queued") say("K1", `${node.id} is ${status}, and the run has no place`)
  }
}
