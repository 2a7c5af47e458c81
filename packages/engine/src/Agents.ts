/**
 * Agents by name: what an `agent` step calls. Model-backed agents, the extractive research engine and (later) remote A2A
 * agents stand behind the same port. An answer is JSON; when the caller gives a schema, the answer conforms to it or the
 * call fails with `validation`.
 */
import type * as Flow from "@baton/kernel/Flow"
import type { Usage } from "@baton/kernel/Usage"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AgentConversation } from "./AgentConversation.ts"

export interface AgentCall {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  /** Stable over redeliveries and automatic retries of one logical call (SEMANTICS 8.11b). */
  readonly key: string
  /** A registered name, or the definition of an agent written in the flow. */
  readonly agent: string | Flow.AgentDefinition
  /** The node or agent name to show and to put into prompts. */
  readonly name: string
  readonly input: Json
  readonly outputSchema?: JsonObject
  /** Where turns and tool calls are recorded; absent outside of a run. */
  readonly conversation?: AgentConversation
  /** The model that the flow gives this agent; a definition with instructions holds it itself. */
  readonly model?: string
  /** Live only: tokens and tool calls, never journaled. */
  readonly emit: (event: AgentStreamEvent) => Effect.Effect<void>
  /** One line of the step's log. */
  readonly log: (line: string) => Effect.Effect<void>
}

export type AgentStreamEvent =
  | { readonly type: "agent.stream.chunk"; readonly text: string }
  | { readonly type: "agent.stream.complete"; readonly text: string }
  | { readonly type: "agent.stream.error"; readonly message: string }
  | { readonly type: "agent.tool.started"; readonly tool: string; readonly input: Json }
  | { readonly type: "agent.tool.completed"; readonly tool: string; readonly output: Json }

export interface AgentAnswer {
  readonly output: Json
  /** Which agent answered: its registered name. */
  readonly agent: string
  readonly usage?: Usage
  readonly warnings?: ReadonlyArray<{ readonly code: string; readonly message: string }>
  /** The agent waits for a person: the question, and the key of the call whose result the answer becomes. */
  readonly asks?: { readonly key: string; readonly tool: string; readonly ordinal: number; readonly question: Json }
}

/** `timeout`, `api`, `validation` are source 000's AgentTimeoutError, AgentApiError and AgentValidationError. */
export class AgentError extends Schema.TaggedError<AgentError>()("AgentError", {
  reason: Schema.Literals(["timeout", "api", "validation", "configuration", "unknown_agent", "refused", "store"]),
  message: Schema.String,
  retryable: Schema.Boolean,
  /** A stable code that tells more than the reason, such as `FILES_NOT_FOUND`; the step's error carries it when present. */
  code: Schema.optionalKey(Schema.String),
  status: Schema.optionalKey(Schema.Int),
  retryAfterMs: Schema.optionalKey(Schema.Int),
  /** False proves that nothing was sent. */
  sent: Schema.optionalKey(Schema.Boolean),
  /** For `validation`: one line per problem. */
  problems: Schema.optionalKey(Schema.Array(Schema.String)),
  usage: Schema.optionalKey(Schema.Json)
}) {}

export interface AgentInfo {
  readonly name: string
  readonly description: string
  /** The worst effect class of what it may do. */
  readonly effect: Flow.Effect
  /** Changes when the agent's behaviour may change; part of receipts. */
  readonly version: string
  /** The model it asks, by its reference (absent: the default one), or nothing; absent: nobody knows what it may cost. */
  readonly asks?: { readonly model?: string } | "nothing"
  /** Why its answers depend on more than what it is asked, such as on documents; they are never used again. */
  readonly unversioned?: string
}

/** What an answer depends on besides the call: parts of the keys of receipts (SEMANTICS 8.11d). */
export interface AgentFacts {
  /** The worst of what it may do. */
  readonly effect: Flow.Effect
  /** Absent when nobody can say whether it still behaves the same; then `unversioned` says why. */
  readonly version: string | undefined
  readonly unversioned?: string
  readonly model?: string
  readonly prompt?: Json
  readonly tools?: Json
}

export class Agents extends Context.Service<Agents, {
  readonly call: (call: AgentCall) => Effect.Effect<AgentAnswer, AgentError>
  /** What is known of a registered agent; `undefined` when nobody serves that name. */
  readonly find: (name: string) => Effect.Effect<AgentInfo | undefined>
  readonly list: Effect.Effect<ReadonlyArray<AgentInfo>>
  /** What an answer depends on; `undefined` when nobody serves that name. Absent: nothing is known, nothing is used again. */
  readonly describe?: (agent: string | Flow.AgentDefinition) => Effect.Effect<AgentFacts | undefined>
}>()("baton/engine/Agents") {}
