/**
 * The state of a run: the fold of its events. One owner at a time may change it, through `Evolve.evolve`; it is dropped
 * after a failed commit and folded again from the journal (SEMANTICS 8.13a).
 *
 * Nothing here is copied per event: a run of 100,000 map items keeps a few bytes per item beside the items' outputs, so
 * that the cost of a step does not grow with the run (K13). `fork` gives `decide` a view that it may change freely.
 */
import type { Answered, Decided } from "./Approval.ts"
import type { ParentLink } from "./Child.ts"
import type { Conversations } from "./Conversation.ts"
import type { Lineage } from "./EventReuse.ts"
import { Fifo } from "./Fifo.ts"
import { ItemTable } from "./ItemTable.ts"
import type { Ledger } from "./Ledger.ts"
import type { PatchRecord } from "./PatchRecord.ts"
import type { Place } from "./Place.ts"
import type { Plan, PlanNode } from "./Plan.ts"
import type { ReceiptNote } from "./Receipt.ts"
import type { StepError } from "./StepError.ts"
import type { TraceLink } from "./Trace.ts"
import type { Usage } from "./Usage.ts"
import type { Value } from "./Value.ts"
import { none } from "./Value.ts"
import type { Wait } from "./Wait.ts"

/**
 * `pending`: its join is open · `ready`: waits for a slot · `queued`: offered to a worker · `open`: an expanded map ·
 * `waiting`: for a time, an event or an operator · `retrying`: backs off before the next attempt.
 */
export type NodeStatus =
  | "pending"
  | "ready"
  | "queued"
  | "open"
  | "waiting"
  | "retrying"
  | "succeeded"
  | "failed"
  | "skipped"
  | "cancelled"

export const isSettled = (status: NodeStatus): boolean =>
  status === "succeeded" || status === "failed" || status === "skipped" || status === "cancelled"

export interface NodeState {
  status: NodeStatus
  /** The attempt that is offered or was made last; 0 before the first. */
  attempt: number
  liveIn: number
  deadIn: number
  output: Value | undefined
  outcome: string | undefined
  agent: string | undefined
  error: StepError | undefined
  /** Succeeded only by its fallback. */
  synthetic: boolean
  wait: Wait | undefined
  /** When it began to wait. */
  waitingSince: number | undefined
  retryAt: number | undefined
  /** The irreversible call of this attempt has been announced. */
  callStarted: boolean
  /** Sequence of the event that offered it first, and of the one that settled it; 0: not yet. */
  offeredSeq: number
  settledSeq: number
  startedAt: number | undefined
  settledAt: number | undefined
  usage: Usage | undefined
  /** Taken over from the run that this one was made from. */
  reused: boolean
  /** Ordinals of its outgoing edges that are live, once it has settled; a patch may add edges to them. */
  live: ReadonlyArray<number> | undefined
  /** What it says about its receipt, where it asks for one. */
  receipt: ReceiptNote | undefined
}

export interface Warning {
  readonly code: string
  readonly message: string
}

export interface Closing {
  readonly cause: "failure" | "cancel" | "deadline"
  readonly code: string
  readonly message: string
  readonly path: string | undefined
  readonly at: number
}

export interface Finished {
  readonly status: "succeeded" | "warned" | "failed" | "cancelled"
  readonly code: string
  readonly message: string
  readonly output: Value | undefined
  readonly at: number
}

/** What an operator has changed about a step; it holds for the attempts from then on. */
export interface StepChange {
  /** One more for each set of modifications: calls of another generation have other keys (SEMANTICS 8.11b). */
  readonly generation: number
  /** A JSON Merge Patch on the step's input. */
  readonly modifications: Value | undefined
}

export interface Received {
  readonly id: string
  readonly name: string
  readonly data: Value
}

/** Warnings kept in the state; more are counted, not kept. */
export const warningsMax = 1000
/** Events sent to a run and not yet taken by a wait. */
export const inboxMax = 1000

export interface RunState {
  /** As it stands: each `PlanPatched` puts the next revision in its place. */
  plan: Plan
  run: string
  /** Events folded so far. */
  seq: number
  semantics: number
  /** Set when an event was met that this program does not know: readable, refusing commands. */
  sealed: string | undefined
  flowHash: string
  input: Value
  by: string | undefined
  tags: { readonly [key: string]: string }
  agents: { readonly [name: string]: string }
  createdAt: number
  lastAt: number
  deadlineAt: number | undefined
  /** Nothing new starts: one of the two below. */
  paused: boolean
  pausedHere: boolean
  /** The run that started this one is paused. */
  pausedAbove: boolean
  parent: ParentLink | undefined
  trace: TraceLink | undefined
  /** Among the runs of its concurrency key; absent: it needs none. */
  place: Place | undefined
  closing: Closing | undefined
  finished: Finished | undefined
  nodes: NodeTable
  maps: MapTable
  /** Attempts offered and not answered (K10). */
  offered: number
  /** Nodes that are not settled: a checked projection of K4. */
  unsettled: number
  /** Nodes and maps that have something to offer, in turn. */
  ready: Fifo<number>
  /** All steps so far, map items included. */
  steps: number
  warnings: ReadonlyArray<Warning>
  inbox: ReadonlyArray<Received>
  /** Ids of all events ever sent to the run: each counts once. */
  received: ReadonlySet<string>
  /** Lost deliveries by `path#attempt`. */
  lost: ReadonlyMap<string, number>
  /** Decisions of people, by the approval's id: each counts once. */
  decisions: ReadonlyMap<string, Decided>
  /** Answers that people gave to questions of steps, by path. */
  answers: ReadonlyMap<string, ReadonlyArray<Answered>>
  /** Of agent steps that are open; absent until a first turn is recorded. */
  conversations: Conversations | undefined
  /** Steps that an operator has changed, by path. */
  changes: ReadonlyMap<string, StepChange>
  /** The run that this one was made from. */
  lineage: Lineage | undefined
  /** The run has not moved since then, and has been flagged for it; until it moves again. */
  stalledSince: number | undefined
  /** Steps whose irreversible call the source had started: they wait for a person before they run. */
  guarded: ReadonlySet<string>
  session: string | undefined
  epoch: number
  /** Absent in a run that has no budget and has used nothing. */
  ledger: Ledger | undefined
  /** Every patch that came into the journal; `undefined` while there is none. */
  patches: ReadonlyArray<PatchRecord> | undefined
  /** The one of them that waits for its review. */
  review: PatchRecord | undefined
}

const freshNode = (): NodeState => ({
  status: "pending",
  attempt: 0,
  liveIn: 0,
  deadIn: 0,
  output: undefined,
  outcome: undefined,
  agent: undefined,
  error: undefined,
  synthetic: false,
  wait: undefined,
  waitingSince: undefined,
  retryAt: undefined,
  callStarted: false,
  offeredSeq: 0,
  settledSeq: 0,
  startedAt: undefined,
  settledAt: undefined,
  usage: undefined,
  reused: false,
  live: undefined,
  receipt: undefined
})

/** Node states by plan index; a fork copies a node the first time it is changed. */
export class NodeTable {
  readonly #base: ReadonlyArray<NodeState>
  readonly #own: Map<number, NodeState> | undefined

  private constructor(base: ReadonlyArray<NodeState>, own: Map<number, NodeState> | undefined) {
    this.#base = base
    this.#own = own
  }

  static make(count: number): NodeTable {
    return new NodeTable(Array.from({ length: count }, freshNode), undefined)
  }

  fork(): NodeTable {
    return new NodeTable(this.#base, new Map())
  }

  get(index: number): NodeState {
    const node = this.#own?.get(index) ?? this.#base[index]
    if (node === undefined) throw new RangeError(`no node ${index}`)
    return node
  }

  /** The same nodes in other places; `undefined` makes a fresh one. */
  arranged(places: ReadonlyArray<number | undefined>): NodeTable {
    const base = places.map((index) => index === undefined ? freshNode() : this.#base[index] ?? freshNode())
    if (this.#own === undefined) return new NodeTable(base, undefined)
    const own = new Map<number, NodeState>()
    for (const [to, from] of places.entries()) {
      const mine = from === undefined ? undefined : this.#own.get(from)
      if (mine !== undefined) own.set(to, mine)
    }
    return new NodeTable(base, own)
  }

  /** The node, to be changed. */
  edit(index: number): NodeState {
    if (this.#own === undefined) return this.get(index)
    const mine = this.#own.get(index)
    if (mine !== undefined) return mine
    const copy = { ...this.get(index) }
    this.#own.set(index, copy)
    return copy
  }
}

/** Expanded maps by plan index; a fork forks a map the first time it is changed, and costs nothing where there is none. */
export class MapTable {
  readonly #base: Map<number, ItemTable>
  readonly #isFork: boolean
  #own: Map<number, ItemTable> | undefined

  private constructor(base: Map<number, ItemTable>, isFork: boolean, own?: Map<number, ItemTable>) {
    this.#base = base
    this.#isFork = isFork
    this.#own = own
  }

  static make(): MapTable {
    return new MapTable(new Map(), false)
  }

  fork(): MapTable {
    return new MapTable(this.#base, true)
  }

  /** The same maps in other places. */
  arranged(places: ReadonlyArray<number | undefined>): MapTable {
    const moved = (maps: ReadonlyMap<number, ItemTable>): Map<number, ItemTable> => {
      const found = new Map<number, ItemTable>()
      if (maps.size === 0) return found
      for (const [to, from] of places.entries()) {
        const table = from === undefined ? undefined : maps.get(from)
        if (table !== undefined) found.set(to, table)
      }
      return found
    }
    return new MapTable(moved(this.#base), this.#isFork, this.#own === undefined ? undefined : moved(this.#own))
  }

  get(index: number): ItemTable | undefined {
    return this.#own?.get(index) ?? this.#base.get(index)
  }

  edit(index: number): ItemTable | undefined {
    if (!this.#isFork) return this.#base.get(index)
    const mine = this.#own?.get(index)
    if (mine !== undefined) return mine
    const fork = this.#base.get(index)?.fork()
    if (fork !== undefined) this.set(index, fork)
    return fork
  }

  set(index: number, table: ItemTable): void {
    const maps = this.#isFork ? this.#own ??= new Map() : this.#base
    maps.set(index, table)
  }
}

const noPaths: ReadonlySet<string> = new Set()
const noDecisions: RunState["decisions"] = new Map()
const noAnswers: RunState["answers"] = new Map()
const noChanges: ReadonlyMap<string, StepChange> = new Map()

/** A run before its first event. */
export const empty = (plan: Plan): RunState => ({
  plan,
  run: "",
  seq: 0,
  semantics: 0,
  sealed: undefined,
  flowHash: "",
  input: none,
  by: undefined,
  tags: {},
  agents: {},
  createdAt: 0,
  lastAt: 0,
  deadlineAt: undefined,
  paused: false,
  pausedHere: false,
  pausedAbove: false,
  parent: undefined,
  trace: undefined,
  place: undefined,
  closing: undefined,
  finished: undefined,
  nodes: NodeTable.make(plan.nodes.length),
  maps: MapTable.make(),
  offered: 0,
  unsettled: plan.nodes.length,
  ready: Fifo.make(),
  steps: plan.nodes.length,
  warnings: [],
  inbox: [],
  received: new Set(),
  lost: new Map(),
  decisions: noDecisions,
  answers: noAnswers,
  conversations: undefined,
  changes: noChanges,
  lineage: undefined,
  stalledSince: undefined,
  guarded: noPaths,
  session: undefined,
  epoch: 0,
  ledger: undefined,
  patches: undefined,
  review: undefined
})

/** A view that may be changed without changing `state`, as long as `state` itself stands still. */
export const fork = (state: RunState): RunState => ({
  ...state,
  nodes: state.nodes.fork(),
  maps: state.maps.fork(),
  ready: state.ready.fork(),
  conversations: state.conversations?.fork(),
  ledger: state.ledger?.fork()
})

export type JoinState = "open" | "met" | "lost"

/** What the join of a node says about the edges as they stand (SEMANTICS 8.4d). */
export const joinState = (node: PlanNode, at: Pick<NodeState, "liveIn" | "deadIn">): JoinState => {
  const total = node.incoming.length
  if (total === 0) return "met"
  const open = total - at.liveIn - at.deadIn
  if (node.join.need === "all") return at.deadIn > 0 ? "lost" : open === 0 ? "met" : "open"
  if (at.liveIn + open < node.join.need) return "lost"
  return at.liveIn >= node.join.need && (!node.join.wait || open === 0) ? "met" : "open"
}

export type RunStatus = "pending" | "running" | "waiting" | Finished["status"]

/** The run's status as people see it (SEMANTICS 8.5d). */
export const status = (state: RunState): RunStatus => {
  if (state.finished !== undefined) return state.finished.status
  if (state.offered > 0) return "running"
  if (state.paused) return "waiting"
  if (state.place?.held === false && state.closing === undefined) return "pending"
  if (state.ready.size > 0) return state.seq <= 1 ? "pending" : "running"
  return (state.unsettled > 0 || state.review !== undefined) && state.seq > 1 ? "waiting" : "pending"
}
