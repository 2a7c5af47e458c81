/** Random patches of the plan as it stands: sound ones, stale ones, and all that a plan must not take. */
import type { Command } from "@baton/kernel/Command"
import type { RunState } from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import type { Chance } from "./Chance.ts"

type Operation = { readonly [key: string]: Json }

const node = (value: Json): Operation => ({ op: "add", path: "/nodes/-", value })
const edge = (from: string, to: string, more: { readonly [key: string]: Json } = {}): Operation => ({
  op: "add",
  path: "/edges/-",
  value: { from, to, ...more }
})

const work = (chance: Chance, id: string): Json =>
  chance.pick<Json>([
    { id, type: "function", function: "f" },
    { id, type: "transform", value: "${ input.n }" },
    { id, type: "map", over: [1, 2], each: { type: "function", function: "f" } },
    { id, type: "approval", question: "Patched in: go on?", timeout: "30s", onTimeout: "approve" },
    { id, type: "wait", for: "1s" },
    { id, type: "agent", agent: { instructions: "do" } },
    { id, type: "repeat", each: { type: "function", function: "f" }, until: "last.n > 2", max: 2 }
  ])

/** Takes away a node and all its edges, the last ones first, so that the places of the others hold. */
const removal = (state: RunState, id: string): ReadonlyArray<Operation> => {
  const { edges } = state.plan.document
  const mine = edges.flatMap(({ from, to }, index) => from === id || to === id ? [index] : [])
  return [
    ...mine.reverse().map((index): Operation => ({ op: "remove", path: `/edges/${index}` })),
    { op: "remove", path: `/nodes/${id}` }
  ]
}

const hostile: ReadonlyArray<Json> = [
  [{ op: "add", path: "/limits/agents", value: 99 }],
  [{ op: "replace", path: "/nodes/__proto__/admin", value: true }],
  [{ op: "add", path: "/nodes/0/constructor/prototype/polluted", value: 1 }],
  [{ op: "test", path: "/name", value: "other" }],
  [{ op: "copy", from: "/nodes", path: "/nodes/-" }],
  Array.from(
    { length: 2_000 },
    (_, index) => ({ op: "add", path: "/nodes/-", value: { id: `b${index}`, type: "wait" } })
  ),
  "no list",
  [{ op: "explode" }],
  [{ op: "add", path: "/nodes/-", value: null }]
]

/** One patch; about half of them keep to the rules. */
const operations = (state: RunState, chance: Chance, id: string): Json => {
  const ids = state.plan.nodes.map((one) => one.id)
  const one = chance.pick(ids)
  const other = chance.pick(ids)
  const on = chance.is(0.5) ? { on: "always" } : {}
  const way = chance.int(0, 9)
  if (way <= 2) return [node(work(chance, id)), edge(one, id, on)]
  if (way === 3) return [node(work(chance, id)), edge(one, id, on), edge(id, other)]
  if (way === 4) return [node(work(chance, id)), node(work(chance, `${id}b`)), edge(one, id, on), edge(id, `${id}b`)]
  if (way === 5) return removal(state, one)
  if (way === 6) return [edge(one, other, on)]
  if (way === 7) return [{ op: "add", path: `/nodes/${one}/description`, value: "patched" }]
  if (way === 8) return [node(work(chance, chance.is(0.5) ? one : id))]
  return chance.pick(hostile)
}

/** A patch that somebody proposes. `count` numbers them. */
export const proposal = (
  state: RunState,
  chance: Chance,
  at: number,
  count: number
): Extract<Command, { type: "ProposePatch" }> => {
  const { revision } = state.plan
  return {
    type: "ProposePatch",
    at,
    by: "bob",
    id: `pat_${chance.is(0.9) ? count : Math.max(0, count - 1)}`,
    base: chance.is(0.85) ? revision : chance.pick([revision - 1, revision + 1, -1]),
    operations: operations(state, chance, `p${count}`)
  }
}

/** Takes one of the patches back. */
export const reversal = (state: RunState, chance: Chance, at: number, count: number): Command | undefined => {
  const { patches } = state
  if (patches === undefined || patches.length === 0) return undefined
  return { type: "RevertPatch", at, by: "bob", id: `rev_${count}`, patch: chance.pick(patches).id }
}
