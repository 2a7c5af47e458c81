/** Random patches of a running plan: some keep to the rules, most break one. */
import type { RunState } from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import type { Chance } from "./Chance.ts"

const node = (chance: Chance, id: string, source: string): Json =>
  chance.pick<Json>([
    { id, type: "function", function: "f", input: `\${ nodes.${source}.status }` },
    { id, type: "transform", value: `\${ nodes.${source}.output }` },
    { id, type: "agent", agent: { instructions: "do" } },
    { id, type: "wait", for: "1s" },
    { id, type: "map", over: [1, 2], each: { type: "function", function: "f" } },
    { id, type: "choice", rules: [{ left: "true" }, { other: "otherwise" }] },
    { id, type: "hologram", depth: 3 },
    { id, needs: [source], value: 1 }
  ])

const edge = (chance: Chance, from: string, to: string): Json => ({
  op: "add",
  path: "/edges/-",
  value: {
    from,
    to,
    ...(chance.is(0.2) ? { on: chance.pick(["failure", "always", "left"]) } : {}),
    ...(chance.is(0.15) ? { when: chance.pick(["true", "false", `nodes.${from}.status == "succeeded"`, "1 + 1"]) } : {})
  }
})

const add = (chance: Chance, state: RunState, id: string): ReadonlyArray<Json> => {
  const { nodes } = state.plan
  const source = chance.pick(nodes).id
  const position = chance.is(0.5) ? "-" : chance.pick([String(chance.int(0, nodes.length)), chance.pick(nodes).id])
  return [
    { op: "add", path: `/nodes/${position}`, value: node(chance, id, source) },
    ...(chance.is(0.9) ? [edge(chance, source, id)] : []),
    ...(chance.is(0.5) ? [edge(chance, id, chance.pick(nodes).id)] : [])
  ]
}

const remove = (chance: Chance, state: RunState): ReadonlyArray<Json> => {
  const { id } = chance.pick(state.plan.nodes)
  const { edges } = state.plan.document
  const gone = edges.flatMap((edge, index) => edge.from === id || edge.to === id ? [index] : []).toReversed()
  return [
    ...gone.map((index): Json => ({ op: "remove", path: `/edges/${index}` })),
    { op: "remove", path: `/nodes/${id}` }
  ]
}

const change = (chance: Chance, state: RunState): Json => {
  const { id } = chance.pick(state.plan.nodes)
  const edges = state.plan.document.edges.length
  return chance.pick<Json>([
    { op: "add", path: `/nodes/${id}/description`, value: `text ${chance.int(0, 9)}` },
    { op: "add", path: `/nodes/${id}/when`, value: chance.pick(["true", "false", "nodes.n0.status == 'failed'"]) },
    { op: "add", path: `/nodes/${id}/join`, value: chance.pick<Json>(["all", "any", { atLeast: 1, wait: true }]) },
    { op: "move", from: `/nodes/${id}`, path: "/nodes/-" },
    { op: "remove", path: `/edges/${chance.int(0, Math.max(0, edges - 1))}` },
    { op: "move", from: `/edges/${chance.int(0, Math.max(0, edges - 1))}`, path: "/edges/-" },
    { op: "replace", path: `/nodes/${id}/id`, value: "renamed" },
    { op: "test", path: `/nodes/${id}/id`, value: id },
    { op: "copy", from: `/nodes/${id}`, path: "/nodes/-" },
    { op: "add", path: "/limits/agents", value: 1_000 },
    { op: "add", path: "/__proto__/polluted", value: true }
  ])
}

export const make = (chance: Chance, state: RunState, id: string): ReadonlyArray<Json> => {
  const way = chance.next()
  if (way < 0.55) return add(chance, state, id)
  if (way < 0.7) return remove(chance, state)
  return [change(chance, state), ...(chance.is(0.3) ? add(chance, state, id) : [])]
}
