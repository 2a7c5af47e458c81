/**
 * A flow compiled and checked for one run: what `decide` works on. Made by `Compile.compile`, never by hand.
 * All durations are milliseconds; expressions are parsed once.
 */
import type { Amounts } from "./Amounts.ts"
import type { ApprovalSpec } from "./Approval.ts"
import type { FlowCall } from "./Child.ts"
import type { CompiledExpression, Template } from "./Expression.ts"
import type * as Flow from "./Flow.ts"
import type { WhenFull } from "./FlowConcurrency.ts"
import type { StallPolicy } from "./FlowPolicy.ts"
import type { Problem } from "./Problem.ts"
import type { Json } from "./Value.ts"

export interface RetryPolicy {
  readonly attempts: number
  readonly initialMs: number
  readonly factor: number
  readonly maxMs: number
  readonly jitter: boolean
  readonly on: ReadonlyArray<string> | undefined
}

export interface PlanEdge {
  /** Position among the outgoing edges of its source: what events list as `live`. */
  readonly ordinal: number
  readonly from: number
  readonly to: number
  readonly on: string
  readonly when: CompiledExpression | undefined
  readonly otherwise: boolean
}

/** A worker-run step: a node, or the body of a map. */
export interface Work {
  readonly type: Flow.NodeType
  /** The canonical node or body, with defaults folded in. */
  readonly definition: Flow.Node | Flow.Body
  readonly timeoutMs: number | undefined
  readonly retry: RetryPolicy
  readonly onFailure: "fail" | "continue" | "ask" | { readonly fallback: Json }
  readonly effect: Flow.Effect
  /** What one attempt may cost at most, as its author says. */
  readonly budget: Amounts | undefined
  /** How long a result may be used again, in milliseconds; absent: never (SEMANTICS 8.11d). */
  readonly receiptMs?: number
  /** Every text or JSON field of the definition that may hold expressions, parsed once, by field name. */
  readonly fields: { readonly [field: string]: Template }
  /** The pinned document of a `flow`; absent where nothing is called, or nothing is pinned yet. */
  readonly call: FlowCall | undefined
}

/** What the steps `id[n]` of a container run: the items of a map, the turns of a repeat. */
export interface EachSpec {
  readonly body: Work
  /** Items under way at once, children among them; a repeat has one. */
  readonly parallel: number
  /** Item starts allowed per window. */
  readonly rate: { readonly count: number; readonly windowMs: number } | undefined
}

export interface MapSpec extends EachSpec {
  readonly over: Template
  readonly tolerate: { readonly count: number } | { readonly share: number }
}

export interface RepeatSpec extends EachSpec {
  /** Asked after each turn; may read `index` and `last`. */
  readonly until: CompiledExpression
  readonly max: number
}

export interface ChoiceRule {
  readonly outcome: string
  /** Absent on `otherwise`. */
  readonly when: CompiledExpression | undefined
}

export interface WaitSpec {
  readonly forDuration: Template | undefined
  readonly until: Template | undefined
  readonly event: string | undefined
  readonly timeoutMs: number | undefined
}

export interface PlanNode extends Work {
  readonly index: number
  readonly id: string
  readonly incoming: ReadonlyArray<PlanEdge>
  readonly outgoing: ReadonlyArray<PlanEdge>
  readonly join: { readonly need: number | "all"; readonly wait: boolean }
  readonly branch: boolean
  readonly when: CompiledExpression | undefined
  readonly map: MapSpec | undefined
  readonly repeat: RepeatSpec | undefined
  /** The map or the repeat, as what both are. */
  readonly each: EachSpec | undefined
  readonly choice: ReadonlyArray<ChoiceRule> | undefined
  readonly wait: WaitSpec | undefined
  /** Of an `approval` node. */
  readonly approval: ApprovalSpec | undefined
  /** `checkpointAfter`: people look at the answer before it counts. */
  readonly checkpoint: ApprovalSpec | undefined
}

export interface PlanLimits {
  readonly parallel: number
  readonly steps: number
  readonly agents: number
  readonly patches: number
  readonly deadlineMs: number | undefined
  /** How long a run that claims to be running may stand still. */
  readonly stallMs: number | undefined
  /** What a run of it may cost at most, unless its start says otherwise. */
  readonly budget: Amounts | undefined
}

/** Which runs count together, and how many of them may be under way. */
export interface ConcurrencySpec {
  readonly key: Template
  readonly max: number
  readonly whenFull: WhenFull
}

export interface Plan {
  readonly document: Flow.Flow
  readonly name: string
  readonly version: string
  readonly revision: number
  readonly nodes: ReadonlyArray<PlanNode>
  readonly byId: ReadonlyMap<string, PlanNode>
  /** In the order of the document. */
  readonly edges: ReadonlyArray<PlanEdge>
  readonly limits: PlanLimits
  /** Absent: any number of runs. */
  readonly concurrency: ConcurrencySpec | undefined
  readonly stallPolicy: StallPolicy
  /** The run's output; absent: an object of the sink nodes' outputs. */
  readonly output: Template | undefined
  readonly sinks: ReadonlyArray<number>
  /** Nodes that call flows, themselves or in their bodies: empty for most, so that nothing is looked for. */
  readonly callers: ReadonlyArray<number>
  /** Warnings; a plan has no errors. */
  readonly problems: ReadonlyArray<Problem>
}

/** Limits that a flow may lower or raise, and what holds when it says nothing. */
export const defaultLimits: PlanLimits = {
  parallel: 8,
  steps: 10_000,
  agents: 5,
  patches: 20,
  deadlineMs: undefined,
  stallMs: undefined,
  budget: undefined
}

export const defaultRetry: RetryPolicy = {
  attempts: 1,
  initialMs: 1_000,
  factor: 2,
  maxMs: 30_000,
  jitter: true,
  on: undefined
}
