/** The step behind a worker's message. */
import type { Draft } from "./Draft.ts"
import { locate } from "./EvolveStep.ts"
import type { PlanNode, Work } from "./Plan.ts"

export interface Offered {
  readonly node: PlanNode
  readonly index: number | undefined
  readonly work: Work
  readonly callStarted: boolean
  /** An irreversible call has been announced, and nobody has said what came of it. */
  readonly open: boolean
}

const isOpen = (draft: Draft, path: string, work: Work, callStarted: boolean): boolean =>
  (work.effect === "irreversible" && callStarted) || (draft.state.conversations?.get(path)?.open ?? 0) > 0

/** The step that a worker talks about, when exactly this attempt is offered; anything else is stale. */
export const offered = (draft: Draft, path: string, attempt: number): Offered | undefined => {
  const address = locate(draft.state, path)
  if (address === undefined) return undefined
  const { index, node } = address
  if (index === undefined) {
    const at = draft.state.nodes.get(node.index)
    if (at.status !== "queued" || at.attempt !== attempt) return undefined
    return { node, index, work: node, callStarted: at.callStarted, open: isOpen(draft, path, node, at.callStarted) }
  }
  const table = draft.state.maps.get(node.index)
  if (table === undefined || node.each === undefined) return undefined
  if (table.status(index) !== "queued" || table.attempt(index) !== attempt) return undefined
  const work = node.each.body
  const callStarted = table.note(index)?.callStarted === true
  return { node, index, work, callStarted, open: isOpen(draft, path, work, callStarted) }
}
