/**
 * Which step takes its process down (SEMANTICS 8.2b). That a worker has begun an attempt is not recorded, so all that was
 * offered counts as lost when a process dies. What was lost once less than counts as poison is begun alone, one after the
 * other, in an order that everybody knows: then the next loss is the loss of one attempt, and of no innocent one.
 */
import { locate } from "./EvolveStep.ts"
import * as Outstanding from "./Outstanding.ts"
import type { RunState } from "./RunState.ts"

/** Losses of one attempt after which it counts as poison. */
export const lossesMax = 3

const split = (key: string): readonly [path: string, attempt: number] => {
  const at = key.lastIndexOf("#")
  return [key.slice(0, at), Number(key.slice(at + 1))]
}

const isOffered = (state: RunState, path: string, attempt: number): boolean => {
  const address = locate(state, path)
  if (address === undefined) return false
  const { index, node } = address
  if (index !== undefined) {
    const table = state.maps.get(node.index)
    return table?.status(index) === "queued" && table.attempt(index) === attempt
  }
  const at = state.nodes.get(node.index)
  return at.status === "queued" && at.attempt === attempt
}

/** The attempt that is begun alone, if there is one; of those whose type somebody serves. */
export const first = (
  state: RunState,
  serves: (type: string) => boolean = () => true
): { readonly path: string; readonly attempt: number } | undefined => {
  if (state.lost.size === 0 || state.offered === 0) return undefined
  for (const [key, losses] of state.lost) {
    if (losses < lossesMax - 1) continue
    const [path, attempt] = split(key)
    if (!isOffered(state, path, attempt)) continue
    const type = Outstanding.offerType(state.plan.byId, path)
    if (type !== undefined && serves(type)) return { path, attempt }
  }
  return undefined
}

/** Whether an attempt was a suspect: when it is over, others may begin. */
export const isSuspect = (state: RunState, path: string, attempt: number): boolean =>
  state.lost.size > 0 && (state.lost.get(`${path}#${attempt}`) ?? 0) >= lossesMax - 1
