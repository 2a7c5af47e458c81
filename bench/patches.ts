/**
 * What a patch costs on a plan of 1,000 nodes: decided and folded, as the owner of a run does it; no store. Target: a median
 * of at most 5 ms. On a busy machine the processor time, a mean, tells more. Run by hand: `node bench/patches.ts [nodes] [rounds]`. Each round patches a run of its own.
 */
import type { Command } from "@baton/kernel/Command"
import * as Compile from "@baton/kernel/Compile"
import { decide } from "@baton/kernel/Decide"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import * as Result from "effect/Result"
import { performance } from "node:perf_hooks"

const [nodesCount = 1_000, rounds = 60] = process.argv.slice(2).map(Number)

/** A chain of mixed nodes, each of which reads the one before. */
const chain = (count: number): Flow.Flow => ({
  name: "bench-chain",
  agents: { scout: { instructions: "Look." } },
  limits: { agents: 1_000, patches: 1_000 },
  nodes: Array.from({ length: count }, (_, index): Flow.Node => {
    const id = `n${index}`
    const before = index === 0 ? "${ input.q }" : `\${ nodes.n${index - 1}.output }`
    if (index % 3 === 0 && index % 2 === 0) return { id, type: "agent", agent: "scout", input: { q: before } }
    if (index % 3 === 1) return { id, type: "http", url: "https://example.com/search", query: { q: before } }
    return { id, type: "transform", value: { of: before, text: "kept: ${ input.q }" } }
  }),
  edges: Array.from({ length: count - 1 }, (_, index) => ({ from: `n${index}`, to: `n${index + 1}` })),
  output: null
})

const plan: Plan = Result.getOrThrowWith(
  Compile.compile(chain(nodesCount)),
  (problems) => new Error(JSON.stringify(problems.slice(0, 3)))
)

const begun = (): RunState.RunState => {
  const state = RunState.empty(plan)
  const flow = { name: plan.name, version: plan.version, hash: "" }
  apply(state, { type: "CreateRun", at: 1, run: "run_bench", flow, input: { v: { q: "tides" } } })
  return state
}

const apply = (state: RunState.RunState, command: Command): number => {
  const began = performance.now()
  const decision = decide(state, command)
  if (decision.kind !== "events") throw new Error(JSON.stringify(decision))
  for (const event of decision.events) evolve(state, event)
  return performance.now() - began
}

const middle = Math.floor(nodesCount / 2)
const last = nodesCount - 1

/** A node between two others, an end, a change, and one put first, which moves all others. */
const patches: { readonly [name: string]: ReadonlyArray<Json> } = {
  "one node at the end": [
    { op: "add", path: "/nodes/-", value: { id: "x", type: "transform", value: `\${ nodes.n${last}.output }` } },
    { op: "add", path: "/edges/-", value: { from: `n${last}`, to: "x" } }
  ],
  "one node in the middle": [
    { op: "add", path: "/nodes/-", value: { id: "x", type: "transform", value: `\${ nodes.n${middle}.output }` } },
    { op: "add", path: "/edges/-", value: { from: `n${middle}`, to: "x" } },
    { op: "add", path: "/edges/-", value: { from: "x", to: `n${middle + 1}` } }
  ],
  "one node put between two": [
    { op: "remove", path: `/edges/${middle}` },
    { op: "add", path: "/nodes/-", value: { id: "x", type: "transform", value: `\${ nodes.n${middle}.output }` } },
    { op: "add", path: "/edges/-", value: { from: `n${middle}`, to: "x" } },
    { op: "add", path: "/edges/-", value: { from: "x", to: `n${middle + 1}` } }
  ],
  "one node put first in the list": [
    {
      op: "add",
      path: "/nodes/0",
      value: { id: "x", type: "agent", agent: "scout", input: `\${ nodes.n${middle}.output }` }
    },
    { op: "add", path: "/edges/-", value: { from: `n${middle}`, to: "x" } }
  ],
  "one field of a node": [{ op: "replace", path: `/nodes/n${middle}/description`, value: "changed" }].map((
    operation
  ) => ({
    ...operation,
    op: "add"
  })),
  "the last node removed": [
    { op: "remove", path: `/nodes/n${last}` },
    { op: "remove", path: `/edges/${last - 1}` }
  ]
}

const median = (times: ReadonlyArray<number>): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0

for (const [name, operations] of Object.entries(patches)) {
  const times: Array<number> = []
  let processor = 0
  for (let round = 0; round < rounds; round++) {
    const state = begun()
    // A copy: the same list on the same plan is compiled once.
    const own: Json = structuredClone(operations) as Json
    const before = process.cpuUsage()
    times.push(apply(state, { type: "ProposePatch", at: 2, id: `pat_${round}`, base: 0, operations: own }))
    const { system, user } = process.cpuUsage(before)
    processor += (system + user) / 1000
  }
  const best = Math.min(...times)
  const mean = (processor / rounds).toFixed(2)
  process.stdout.write(
    `${name}: median ${median(times).toFixed(2)} ms (processor ${mean} ms), best ${best.toFixed(2)} ms\n`
  )
}
