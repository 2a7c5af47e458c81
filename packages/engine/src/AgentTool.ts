/**
 * Tools that an agent's model may call: the port between the loop of model turns and what does the work.
 *
 * Promise of the loop. The arguments fit `inputSchema` when `execute` is asked. One call is one key: the call is recorded
 * under it, and neither a crash nor a retry makes a recorded call again. A call whose outcome is unknown (it failed with
 * `outcome: "unknown"`, ran out of time, or its process died) is made again under the same key when the tool is `pure`,
 * `idempotent` or `keyed`; when it is `irreversible` the step waits for a person (SEMANTICS 8.11c).
 *
 * Promise of a tool. Interruption stops it. What it answers is JSON within the bounds of a step's output, and no secret.
 */
import type { Command } from "@baton/kernel/Command"
import type * as Flow from "@baton/kernel/Flow"
import type { RunState } from "@baton/kernel/RunState"
import type { Usage } from "@baton/kernel/Usage"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Settled } from "./RunSlot.ts"
import type { NewBlob } from "./StoredValue.ts"

/** Names that all model providers take. */
export const namePattern = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/

export interface ToolContext {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  /** The agent that asks, by the name the flow gives it. */
  readonly agent: string
  /** The model turn that asked for this call, from 1. */
  readonly turn: number
  /** The number of this call among all calls of the conversation, from 1. */
  readonly ordinal: number
  /**
   * A hash of (run, path, generation, ordinal, tool, canonical arguments): the same when this call is made again after a
   * crash or by an automatic retry (SEMANTICS 8.11b).
   */
  readonly key: string
  /** One line of the step's log. */
  readonly log: (line: string) => Effect.Effect<void>
  /**
   * Asks something of this very run and answers when that is durable. `undefined` where an agent is called outside of a
   * run: then a tool that needs it fails.
   */
  readonly command: ((command: Command, blobs?: ReadonlyArray<NewBlob>) => Effect.Effect<Settled>) | undefined
  /** The run as it stands, to be read and never changed; `undefined` when it is not at hand. */
  readonly state: Effect.Effect<RunState | undefined>
}

/**
 * `asks`: the call waits for a person. The attempt ends there and holds no worker; `CompleteStep` carries the question.
 * Whoever takes the answer records it as this call's result (`CallEnded` under the same key) and opens the step again: the
 * conversation goes on behind it, and the tool is not asked twice.
 */
export type ToolAnswer =
  | { readonly output: Json; readonly usage?: Usage }
  | { readonly asks: Json }

/** `failed`: it did not happen, and the model is told why. `unknown`: nobody knows whether it did. */
export class ToolError extends Schema.TaggedError<ToolError>()("ToolError", {
  outcome: Schema.Literals(["failed", "unknown"]),
  /** Stable, upper case, such as `PATCH_STALE`. */
  code: Schema.String,
  message: Schema.String,
  /** For `failed`: what the model needs to do better, such as the problems of a patch. */
  detail: Schema.optionalKey(Schema.Json)
}) {}

export interface AgentTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments: an object's. */
  readonly inputSchema: JsonObject
  readonly effect: Flow.Effect
  /** Changes when the tool's behaviour may change; without one, no answer of an agent that may call it is reused. */
  readonly version: string | undefined
  readonly execute: (input: JsonObject, context: ToolContext) => Effect.Effect<ToolAnswer, ToolError>
}

/** The tools that agents of this process may list, by name; an agent gets only those that its definition lists. */
export class AgentTools extends Context.Service<AgentTools, ReadonlyMap<string, AgentTool>>()(
  "baton/engine/AgentTools"
) {}

/** Tools by name; of two with one name the first stays, so that what comes with the program cannot be replaced. */
export const byName = (tools: ReadonlyArray<AgentTool>): ReadonlyMap<string, AgentTool> => {
  const found = new Map<string, AgentTool>()
  for (const tool of tools) if (!found.has(tool.name)) found.set(tool.name, tool)
  return found
}
