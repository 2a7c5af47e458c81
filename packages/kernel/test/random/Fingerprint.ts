/** Everything a run's state holds, as text: two states with the same fingerprint cannot be told apart. */
import type { RunState } from "@baton/kernel/RunState"

const queue = (list: { readonly size: number; at(offset: number): unknown }): ReadonlyArray<unknown> =>
  Array.from({ length: list.size }, (_, offset) => list.at(offset))

/** Maps and sets as lists of what they hold. */
const spread = (_: string, value: unknown): unknown =>
  value instanceof Map || value instanceof Set ? [...value as Iterable<unknown>] : value

export const fingerprint = (state: RunState): string => {
  const { conversations, maps, nodes, plan, ready, ...plain } = state
  return JSON.stringify({
    ...plain,
    revision: plan.revision,
    document: plan.document,
    conversations: conversations?.paths().map((path) => [path, conversations.get(path)]),
    ready: queue(ready),
    nodes: plan.nodes.map((node) => nodes.get(node.index)),
    maps: plan.nodes.map((node) => {
      const table = maps.get(node.index)
      if (table === undefined) return null
      return {
        count: table.count,
        items: table.items,
        next: table.next,
        active: table.active,
        resting: table.resting,
        succeeded: table.succeeded,
        failed: table.failed,
        cancelled: table.cancelled,
        stopped: table.stopped,
        listed: table.listed,
        again: queue(table.again),
        starts: queue(table.starts),
        offeredSeq: table.offeredSeq,
        cells: Array.from({ length: table.count }, (_, item) => [
          table.status(item),
          table.attempt(item),
          table.startedAt(item),
          table.endedAt(item),
          table.output(item),
          table.note(item)
        ])
      }
    })
  }, spread)
}
