/** What holds of every plan, patched or not (K6): ids, order, agents, and the edges as they have been decided. */
import type { Say } from "./Invariants.ts"
import { works } from "./PatchGrowth.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"

/** Costs nothing in a run that no patch has touched. */
export const check = (state: RunState, say: Say): void => {
  const { patches, plan } = state
  if (patches === undefined) return
  const applied = patches.filter(({ status }) => status === "applied" || status === "reverted")
  if (applied.length !== plan.revision) {
    say("K6", `revision ${plan.revision}, but ${applied.length} patches are in the plan`)
  }
  if (new Set(patches.map(({ id }) => id)).size !== patches.length) say("K6", "a patch is there twice")
  if (state.review !== undefined && (state.finished !== undefined || state.closing !== undefined)) {
    say("K4", "a patch is in review in a run that ends")
  }
  if (patches.filter(({ status }) => status === "review").length !== (state.review === undefined ? 0 : 1)) {
    say("K6", "more than one patch is in review, or one that is not")
  }
  graph(state, say)
  decided(state, say)
}

const graph = ({ plan }: RunState, say: Say): void => {
  if (plan.byId.size !== plan.nodes.length) say("K6", "an id is there twice")
  const agents = plan.nodes.filter((node) => works(node).some(({ type }) => type === "agent")).length
  if (agents > plan.limits.agents) say("K6", `${agents} agent nodes, ${plan.limits.agents} are allowed`)
  const open = plan.nodes.map((node) => node.incoming.length)
  const order = plan.nodes.filter((node) => node.incoming.length === 0).map((node) => node.index)
  for (const index of order) {
    for (const { to } of plan.nodes[index]?.outgoing ?? []) {
      const left = (open[to] ?? 0) - 1
      open[to] = left
      if (left === 0) order.push(to)
    }
  }
  if (order.length < plan.nodes.length) say("K6", "the plan has a circle, or a node that can never start")
  for (const [index, node] of plan.nodes.entries()) {
    if (node.index !== index) say("K6", `${node.id} is out of its place`)
  }
}

/** Live and dead edges are those that their sources have decided. */
const decided = (state: RunState, say: Say): void => {
  for (const node of state.plan.nodes) {
    const at = state.nodes.get(node.index)
    let live = 0
    for (const edge of node.incoming) {
      const source = state.nodes.get(edge.from)
      if (isSettled(source.status) && source.live?.includes(edge.ordinal) === true) live++
    }
    if (live !== at.liveIn) say("K1", `${node.id} counts ${at.liveIn} live edges, its sources decided ${live}`)
  }
}
