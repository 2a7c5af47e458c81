/** Folding of steps that wait for money, and of maps whose items may go on. */
import { list, locate } from "./EvolveStep.ts"
import type { RunState } from "./RunState.ts"
import type { Wait } from "./Wait.ts"

/**
 * The step cannot reserve: it waits, and so do further items of its map. `attempt` ends by this and will be offered again.
 * Answers the node that waits; `undefined` when the path does not fit.
 */
export const unfund = (
  state: RunState,
  path: string,
  attempt: number | undefined,
  wait: Wait
): number | undefined => {
  const address = locate(state, path)
  if (address === undefined) return undefined
  const { index, node } = address
  const at = state.nodes.edit(node.index)
  if (state.ready.at(0) === node.index) state.ready.shift()
  const table = index === undefined && at.status !== "open" ? undefined : state.maps.edit(node.index)
  at.wait = wait
  if (table === undefined) {
    if (at.status === "queued") state.offered--
    at.status = "waiting"
    at.retryAt = undefined
    if (attempt !== undefined) at.attempt = attempt - 1
    return node.index
  }
  table.listed = false
  table.unfunded = true
  if (index !== undefined && attempt !== undefined && table.status(index) === "queued") {
    state.offered--
    table.active--
    table.again.push(index)
    table.set(index, { status: "ready", attempt: attempt - 1, note: undefined })
  }
  return node.index
}

/** A map whose items may be offered again as far as money goes. */
export const relist = (state: RunState, index: number): void => {
  const node = state.plan.nodes[index]
  const table = state.maps.get(index)?.unfunded === true ? state.maps.edit(index) : undefined
  if (node === undefined || table === undefined) return
  table.unfunded = false
  state.nodes.edit(index).wait = undefined
  list(state, node, table)
}
