/**
 * What serves a node type: the port between the worker pool and the rooms that do the work.
 *
 * A step type gets its fields with all expressions evaluated and answers with JSON or a `StepError`. Interruption is a
 * promise: when the fiber is interrupted (cancel, timeout, shutdown), the call it makes is aborted, not ignored.
 */
import type * as Flow from "@baton/kernel/Flow"
import type * as Plan from "@baton/kernel/Plan"
import type { StepError } from "@baton/kernel/StepError"
import type { Usage } from "@baton/kernel/Usage"
import type { Json, Value } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import type { AgentConversation } from "./AgentConversation.ts"
import type { AgentStreamEvent } from "./Agents.ts"
import type { PatchAnswer, PatchRequest } from "./PlanPatching.ts"

export interface StepContext {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  /** Stable over redeliveries and automatic retries; sent as Idempotency-Key where the effect is `keyed`. */
  readonly key: string
  readonly work: Plan.Work
  /** A field of the definition with its expressions evaluated; fails with kind `expression`. */
  readonly field: (name: string) => Effect.Effect<Json, StepError>
  /**
   * A field as it is stored, unread when it is one lone reference to a large value (SEMANTICS 8.6f); otherwise as `field`.
   */
  readonly stored: (name: string) => Effect.Effect<Value, StepError>
  /** The elements of a stored list, chunk by chunk; one element for anything else. */
  readonly elements: (value: Value) => Stream.Stream<Json, StepError>
  /** All of a stored value. */
  readonly load: (value: Value) => Effect.Effect<Json, StepError>
  /** A secret, resolved now, for one call to `host`; refused when it is not bound to that host. */
  readonly secret: (name: string, host: string) => Effect.Effect<Redacted.Redacted<string>, StepError>
  /** A field that may name secrets (http and agent configuration only): its strings come back redacted where one is inside. */
  readonly secretField: (
    name: string,
    host: string
  ) => Effect.Effect<{ readonly [key: string]: string | Redacted.Redacted<string> }, StepError>
  /** As `secretField`, with the field's structure kept: redacted as a whole when a secret is inside. */
  readonly secretJson: (name: string, host: string) => Effect.Effect<Json | Redacted.Redacted<Json>, StepError>
  readonly timeout: Duration.Duration | undefined
  /** One line of the step's log (`baton runs logs`). */
  readonly log: (line: string) => Effect.Effect<void>
  /** Live only, never journaled. */
  readonly emit: (event: AgentStreamEvent) => Effect.Effect<void>
  /** The names an agent of the flow is bound to in this run. */
  readonly agents: { readonly [name: string]: string }
  /** The agents that the flow itself defines. */
  readonly flowAgents: { readonly [name: string]: Flow.AgentDefinition }
  /** What people have answered to questions that this step has asked itself, oldest first. */
  readonly answers: ReadonlyArray<StepAnswer>
  /** The conversation of the agent with this number in the step's list, from 0. */
  readonly conversation: (candidate: number) => AgentConversation
  /** An irreversible tool has been called in this attempt: no other agent may begin the work anew. */
  readonly announced: boolean
  /** Changes the plan of this run, as far as the flow's policy lets this node; see `PlanPatching`. */
  readonly patch: (request: PatchRequest) => Effect.Effect<PatchAnswer>
  /** Records what a call has used even if the attempt fails afterwards; adds to the usage of the result. */
  readonly spend: (usage: Usage) => void
}

export interface StepAnswer {
  readonly question: Value
  /** Null when nobody answered in time. */
  readonly answer: Value
  readonly by: string | undefined
}

export interface StepResult {
  readonly output: Json
  /** The attempt ends with a question to a person instead of an output; see `AgentTool`. */
  readonly asks?: {
    /** The tool call whose result the answer becomes; none of the three where the step itself asks. */
    readonly key?: string
    readonly tool?: string
    readonly ordinal?: number
    /** A text, or `{question, options?, form?, approvers?, timeout?, onTimeout?}`. */
    readonly question: Json
  }
  /** Which agent of a list answered, by the name the flow gives it. */
  readonly agent?: string
  readonly usage?: Usage
  readonly warnings?: ReadonlyArray<{ readonly code: string; readonly message: string }>
}

/**
 * What determines a result besides the node's definition and its input: parts of the receipt's key (SEMANTICS 8.11d).
 * `unversioned` says why nothing can be used again; `effect` where the step does more than its node says.
 */
export interface Determinants {
  readonly effect?: Flow.Effect
  readonly model?: string
  readonly prompt?: Json
  readonly tools?: Json
  readonly version?: string
  readonly unversioned?: string
}

export interface StepType {
  readonly type: string
  /** Asked only for steps that ask for receipts; absent: nothing else determines a result. */
  readonly determinants?: (context: StepContext) => Effect.Effect<Determinants, StepError>
  readonly execute: (context: StepContext) => Effect.Effect<StepResult, StepError>
}

/** The node types this process serves, by name. */
export class StepTypes extends Context.Service<StepTypes, ReadonlyMap<string, StepType>>()("baton/engine/StepTypes") {}
