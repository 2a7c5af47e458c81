/** Folding of patches: the next revision takes the plan's place, and what is known of each node goes with its id. */
import * as Result from "effect/Result"
import type { Event } from "./Event.ts"
import { warn } from "./EvolveStep.ts"
import { Fifo } from "./Fifo.ts"
import * as PatchedPlan from "./PatchedPlan.ts"
import type { PatchRecord } from "./PatchRecord.ts"
import type { Plan } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"

type Of<T extends Event["type"]> = Extract<Event, { readonly type: T }>

const remember = (state: RunState, record: PatchRecord): void => {
  const others = (state.patches ?? []).filter(({ id }) => id !== record.id)
  state.patches = [...others, record].toSorted((one, other) => one.n - other.n)
  if (record.status === "review") state.review = record
  else if (state.review?.id === record.id) state.review = undefined
}

const nextNumber = (state: RunState): number => (state.patches?.length ?? 0) + 1

const proposed = (state: RunState, event: Of<"PatchProposed">): boolean => {
  if (state.review !== undefined || event.base !== state.plan.revision) return false
  remember(state, {
    id: event.id,
    n: nextNumber(state),
    status: "review",
    base: event.base,
    revision: undefined,
    hash: undefined,
    operations: event.operations,
    reason: event.reason,
    by: event.by,
    author: event.author,
    reverts: undefined,
    at: event.at,
    dueAt: event.dueAt,
    growth: event.growth,
    change: undefined,
    decidedBy: undefined,
    comment: undefined,
    seq: state.seq
  })
  return true
}

const rejected = (state: RunState, event: Of<"PatchRejected">): boolean => {
  const { review } = state
  if (review?.id !== event.id) return false
  const status = event.cause === "void" ? "void" : "rejected"
  remember(state, { ...review, status, decidedBy: event.by, comment: event.comment ?? event.cause })
  return true
}

/** No patch comes into a run that ends. */
export const closed = (state: RunState): void => {
  if (state.review !== undefined) remember(state, { ...state.review, status: "void", comment: "the run was closed" })
}

const patched = (state: RunState, event: Of<"PlanPatched">): boolean => {
  const before = state.plan
  const next = PatchedPlan.next(before, event.operations)
  if (Result.isFailure(next)) return false
  const { change, hash, plan } = next.success
  if (event.base !== before.revision || event.revision !== plan.revision || event.hash !== hash) return false
  arrange(state, before, plan)
  for (const [id, live] of event.live ?? []) {
    const node = plan.byId.get(id)
    if (node === undefined) return false
    state.nodes.edit(node.index).live = live
  }
  recount(state, before)
  warn(state, event.warnings)
  const known = state.patches?.find(({ id }) => id === event.id)
  remember(state, {
    id: event.id,
    n: known?.n ?? nextNumber(state),
    status: "applied",
    base: event.base,
    revision: event.revision,
    hash,
    operations: event.operations,
    reason: event.reason ?? known?.reason,
    by: event.by ?? known?.by,
    author: event.author ?? known?.author,
    reverts: event.reverts,
    at: known?.at ?? event.at,
    dueAt: undefined,
    growth: known?.growth,
    change,
    decidedBy: event.approvedBy,
    comment: event.comment,
    seq: state.seq
  })
  const reverted = state.patches?.find(({ id }) => id === event.reverts)
  if (reverted !== undefined) remember(state, { ...reverted, status: "reverted" })
  return true
}

/** Everything that is kept by a node's place moves to where the node stands now. */
const arrange = (state: RunState, before: Plan, plan: Plan): void => {
  const places = plan.nodes.map(({ id }, index) => before.nodes[index]?.id === id ? index : before.byId.get(id)?.index)
  state.nodes = state.nodes.arranged(places)
  state.maps = state.maps.arranged(places)
  const ready = Fifo.make<number>()
  for (let offset = 0; offset < state.ready.size; offset++) {
    const node = before.nodes[state.ready.at(offset) ?? -1]
    const index = node === undefined ? undefined : plan.byId.get(node.id)?.index
    if (index !== undefined) ready.push(index)
  }
  state.ready = ready
  state.ledger?.move((index) => plan.byId.get(before.nodes[index]?.id ?? "")?.index)
  state.steps += plan.nodes.length - before.nodes.length
  state.plan = plan
}

/** The counters that follow from edges and nodes as they are now. What is the same node as before has the same edges. */
const recount = (state: RunState, before: Plan): void => {
  state.unsettled = 0
  for (const node of state.plan.nodes) {
    const at = state.nodes.get(node.index)
    if (!isSettled(at.status)) state.unsettled++
    if (before.nodes[node.index] === node) continue
    let liveIn = 0
    let deadIn = 0
    for (const edge of node.incoming) {
      const source = state.nodes.get(edge.from)
      if (!isSettled(source.status)) continue
      if (source.live?.includes(edge.ordinal) === true) liveIn++
      else deadIn++
    }
    if (liveIn === at.liveIn && deadIn === at.deadIn) continue
    const mine = state.nodes.edit(node.index)
    mine.liveIn = liveIn
    mine.deadIn = deadIn
  }
}

/** Whether the event is about a patch, and fits the plan. Anything else does not. */
export const fold = (state: RunState, event: Event): boolean => {
  switch (event.type) {
    case "PatchProposed":
      return proposed(state, event)
    case "PlanPatched":
      return patched(state, event)
    case "PatchRejected":
      return rejected(state, event)
    default:
      return false
  }
}
