/**
 * The flow document in its canonical form: what Baton stores, shows, hashes and patches.
 *
 * People may write the short form instead (`FlowShort`); each short document has exactly one canonical form.
 * Durations are text such as `500ms`, `10s`, `5m`, `48h`, `7d`. Expressions are CEL inside `${ … }`, except in the control
 * fields `when`, `until` and choice rules, where the braces may be left out.
 */
import * as Schema from "effect/Schema"
import { Budget } from "./Amounts.ts"
import { pattern as durationPattern } from "./DurationText.ts"
import { Concurrency } from "./FlowConcurrency.ts"
import { Policy } from "./FlowPolicy.ts"
import { idPattern } from "./StepPath.ts"

export const NodeId = Schema.String.check(
  Schema.isPattern(idPattern, { expected: "an id: a letter, then letters, digits, _ or -, at most 64" })
).annotate({ identifier: "NodeId" })
export const DurationText = Schema.String.check(
  Schema.isPattern(durationPattern, { expected: "a duration such as 500ms, 10s, 5m, 48h or 7d" })
).annotate({ identifier: "Duration" })
const Expression = Schema.String.annotate({ identifier: "Expression", description: "CEL, with or without ${ }" })
const JsonSchemaDocument = Schema.Record(Schema.String, Schema.Json).annotate({
  identifier: "JsonSchema",
  description: "JSON Schema, draft 2020-12"
})
const JsonRecord = Schema.Record(Schema.String, Schema.Json)

export const Retry = Schema.Struct({
  /** All tries together, the first included: 1 to 10. */
  attempts: Schema.optionalKey(Schema.Int),
  initial: Schema.optionalKey(DurationText),
  factor: Schema.optionalKey(Schema.Finite),
  max: Schema.optionalKey(DurationText),
  jitter: Schema.optionalKey(Schema.Boolean),
  /** Error kinds or HTTP statuses (`429`, `5xx`) that are retried; absent: every retryable error. */
  on: Schema.optionalKey(Schema.Array(Schema.String))
}).annotate({ identifier: "Retry" })
export type Retry = typeof Retry.Type

export const OnFailure = Schema.Union([
  Schema.Literals(["fail", "continue", "ask"]),
  Schema.Struct({ fallback: Schema.Json })
]).annotate({ identifier: "OnFailure" })
export type OnFailure = typeof OnFailure.Type

export const Effect = Schema.Literals(["pure", "idempotent", "keyed", "irreversible"])
export type Effect = typeof Effect.Type

export const Join = Schema.Union([
  Schema.Literals(["all", "any"]),
  Schema.Struct({ atLeast: Schema.Int, wait: Schema.optionalKey(Schema.Boolean) })
]).annotate({ identifier: "Join" })
export type Join = typeof Join.Type

/** A remote or registered agent (`use`) or one written in place (`instructions`). */
export const AgentDefinition = Schema.Struct({
  use: Schema.optionalKey(Schema.String),
  instructions: Schema.optionalKey(Schema.String),
  model: Schema.optionalKey(Schema.String),
  tools: Schema.optionalKey(Schema.Array(Schema.String)),
  temperature: Schema.optionalKey(Schema.Finite),
  maxOutputTokens: Schema.optionalKey(Schema.Int),
  outputSchema: Schema.optionalKey(JsonSchemaDocument),
  description: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "AgentDefinition" })
export type AgentDefinition = typeof AgentDefinition.Type

/** What people are asked once the step has answered; as the fields of an approval. */
const Checkpoint = Schema.Struct({
  question: Schema.optionalKey(Schema.Json),
  /** Stands for the question. */
  reason: Schema.optionalKey(Schema.Json),
  options: Schema.optionalKey(Schema.Json),
  form: Schema.optionalKey(Schema.Json),
  approvers: Schema.optionalKey(Schema.Json),
  quorum: Schema.optionalKey(Schema.Json),
  requesterMayApprove: Schema.optionalKey(Schema.Json),
  timeout: Schema.optionalKey(DurationText),
  onTimeout: Schema.optionalKey(Schema.Json)
})

/** Fields that every node type has, and that a map's `each` body shares. */
const common = {
  input: Schema.optionalKey(Schema.Json),
  output: Schema.optionalKey(JsonSchemaDocument),
  timeout: Schema.optionalKey(DurationText),
  retry: Schema.optionalKey(Retry),
  /** What one attempt may cost at most: it is set aside before the attempt starts. */
  budget: Schema.optionalKey(Budget),
  onFailure: Schema.optionalKey(OnFailure),
  effect: Schema.optionalKey(Effect),
  /** Whether an operator may settle the step with an output of their own (default true). */
  allowSkip: Schema.optionalKey(Schema.Boolean),
  receipt: Schema.optionalKey(Schema.Struct({ ttl: Schema.optionalKey(DurationText) })),
  join: Schema.optionalKey(Join),
  branch: Schema.optionalKey(Schema.Literal("first")),
  /** Asked when the join is satisfied; false skips the step (ADR 0003). */
  when: Schema.optionalKey(Expression),
  checkpointAfter: Schema.optionalKey(Schema.Union([Schema.Boolean, Checkpoint])),
  /** What is kept of the result: evaluated with `output` in scope. */
  select: Schema.optionalKey(Schema.Json),
  description: Schema.optionalKey(Schema.String)
}

const http = {
  type: Schema.Literal("http"),
  url: Schema.String,
  method: Schema.optionalKey(Schema.String),
  headers: Schema.optionalKey(JsonRecord),
  query: Schema.optionalKey(JsonRecord),
  body: Schema.optionalKey(Schema.Json),
  /** Status codes or ranges (`200`, `2xx`, `200-299`) that count as success; default below 400. */
  expect: Schema.optionalKey(Schema.Array(Schema.Union([Schema.Int, Schema.String])))
}
const agent = {
  type: Schema.Literal("agent"),
  /** A name, names tried in order, or a definition. */
  agent: Schema.Union([Schema.String, Schema.Array(Schema.String), AgentDefinition]),
  routes: Schema.optionalKey(Schema.Array(Schema.String))
}
const transform = { type: Schema.Literal("transform"), value: Schema.Json }
const fn = { type: Schema.Literal("function"), function: Schema.String }
const file = {
  type: Schema.Literal("file"),
  path: Schema.String,
  content: Schema.Json,
  format: Schema.optionalKey(Schema.Literals(["text", "json", "jsonl"]))
}
const wait = {
  type: Schema.Literal("wait"),
  for: Schema.optionalKey(Schema.String),
  until: Schema.optionalKey(Schema.String),
  event: Schema.optionalKey(Schema.String)
}
const approval = {
  type: Schema.Literal("approval"),
  question: Schema.optionalKey(Schema.String),
  /** Stands for the question. */
  reason: Schema.optionalKey(Schema.String),
  /** Names to decide by, or an expression that gives them. */
  options: Schema.optionalKey(Schema.Union([Schema.Array(Schema.Json), Schema.String])),
  form: Schema.optionalKey(JsonSchemaDocument),
  /** People, and groups as `group:NAME`; an expression that gives them; absent: everybody. */
  approvers: Schema.optionalKey(Schema.Union([Schema.Array(Schema.String), Schema.String])),
  requesterMayApprove: Schema.optionalKey(Schema.Boolean),
  quorum: Schema.optionalKey(Schema.Int),
  onTimeout: Schema.optionalKey(Schema.Literals(["approve", "reject"]))
}
const flow = { type: Schema.Literal("flow"), flow: Schema.Union([Schema.String, JsonRecord]) }
const choice = {
  type: Schema.Literal("choice"),
  /** In order; the first true one is the outcome; the last is `otherwise`. */
  rules: Schema.Array(Schema.Record(Schema.String, Expression))
}

/** The body of a map or repeat: a node without an id. */
export const Body = Schema.Union([
  Schema.Struct({ ...common, ...http }),
  Schema.Struct({ ...common, ...agent }),
  Schema.Struct({ ...common, ...transform }),
  Schema.Struct({ ...common, ...fn }),
  Schema.Struct({ ...common, ...file }),
  Schema.Struct({ ...common, ...flow })
]).annotate({ identifier: "Body" })
export type Body = typeof Body.Type

const map = {
  type: Schema.Literal("map"),
  /** An expression that gives a list, or the list itself. */
  over: Schema.Json,
  each: Body,
  parallel: Schema.optionalKey(Schema.Int),
  /** At most this many item starts per unit, as `40/s`. */
  rate: Schema.optionalKey(Schema.String),
  tolerate: Schema.optionalKey(Schema.Struct({ failures: Schema.Union([Schema.Int, Schema.String]) }))
}
const repeat = {
  type: Schema.Literal("repeat"),
  each: Body,
  until: Expression,
  max: Schema.Int
}

const id = { id: NodeId }
export const Node = Schema.Union([
  Schema.Struct({ ...id, ...common, ...http }),
  Schema.Struct({ ...id, ...common, ...agent }),
  Schema.Struct({ ...id, ...common, ...transform }),
  Schema.Struct({ ...id, ...common, ...fn }),
  Schema.Struct({ ...id, ...common, ...file }),
  Schema.Struct({ ...id, ...common, ...wait }),
  Schema.Struct({ ...id, ...common, ...approval }),
  Schema.Struct({ ...id, ...common, ...flow }),
  Schema.Struct({ ...id, ...common, ...choice }),
  Schema.Struct({ ...id, ...common, ...map }),
  Schema.Struct({ ...id, ...common, ...repeat })
])
export type Node = typeof Node.Type
export type NodeType = Node["type"]

/** The fields of each node type besides the common ones, for those who describe other spellings of the same nodes. */
export const typeFields = { http, agent, transform, function: fn, file, wait, approval, flow, choice, map, repeat }
export const commonFields = common

/** `on` is `success` (default), `failure`, `always`, or an outcome of the source: `approved`, `rejected`, a choice's name. */
export const Edge = Schema.Struct({
  from: NodeId,
  to: NodeId,
  on: Schema.optionalKey(Schema.String),
  when: Schema.optionalKey(Expression),
  otherwise: Schema.optionalKey(Schema.Boolean)
}).annotate({ identifier: "Edge" })
export type Edge = typeof Edge.Type

export const Limits = Schema.Struct({
  /** Steps of one run offered to workers at once. */
  parallel: Schema.optionalKey(Schema.Int),
  /** Steps of one run, map items included. */
  steps: Schema.optionalKey(Schema.Int),
  agents: Schema.optionalKey(Schema.Int),
  patches: Schema.optionalKey(Schema.Int),
  deadline: Schema.optionalKey(DurationText),
  /** How long nothing may happen while steps are offered or ready; `policy.stall` says what then. At least 1s. */
  stall: Schema.optionalKey(DurationText),
  /** What a run may cost at most; steps that would pass it wait for more. */
  budget: Schema.optionalKey(Budget),
  /** How many runs of the flow may be under way at once, by a key. */
  concurrency: Schema.optionalKey(Concurrency)
})
export type Limits = typeof Limits.Type

export const Flow = Schema.Struct({
  name: NodeId,
  version: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  input: Schema.optionalKey(JsonSchemaDocument),
  secrets: Schema.optionalKey(Schema.Array(Schema.String)),
  agents: Schema.optionalKey(Schema.Record(Schema.String, AgentDefinition)),
  defaults: Schema.optionalKey(Schema.Struct({
    timeout: Schema.optionalKey(DurationText),
    retry: Schema.optionalKey(Retry)
  })),
  limits: Schema.optionalKey(Limits),
  policy: Schema.optionalKey(Policy),
  nodes: Schema.Array(Node),
  edges: Schema.Array(Edge),
  output: Schema.optionalKey(Schema.Json)
})
export type Flow = typeof Flow.Type
