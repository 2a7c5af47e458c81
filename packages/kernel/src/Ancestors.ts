/** The nodes that come before a node: what its expressions may read (SEMANTICS 8.6c). */
import type { Plan } from "./Plan.ts"

/** Found when somebody asks, and kept as long as the plan: most nodes are never asked about. */
const known = new WeakMap<Plan, Map<number, ReadonlySet<number>>>()

/** Places of everything before the node in the plan, found by walking back from it. */
export const of = (plan: Plan, index: number): ReadonlySet<number> => {
  let found = known.get(plan)
  if (found === undefined) known.set(plan, found = new Map())
  let ancestors = found.get(index)
  if (ancestors === undefined) found.set(index, ancestors = walk(plan, index))
  return ancestors
}

const walk = ({ nodes }: Plan, index: number): ReadonlySet<number> => {
  const found = new Set<number>()
  const stack = [index]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const { from } of nodes[at]?.incoming ?? []) {
      if (found.has(from)) continue
      found.add(from)
      stack.push(from)
    }
  }
  found.delete(index)
  return found
}
