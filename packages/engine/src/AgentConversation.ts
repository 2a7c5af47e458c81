/**
 * The conversation of one agent in one step, as the machine keeps it: model turns and results of tool calls, each durable
 * before what follows from it (SEMANTICS 8.11b).
 *
 * Promise. What `turns` and `result` give was recorded by this attempt or by one before it; it is paid and done, and is not
 * asked for again. `record`, `begin` and `end` answer when the record is durable, and fail when the attempt is no longer
 * offered: then nothing may be done any more. A turn or a result counts once, however often it is handed in.
 */
import type { Command } from "@baton/kernel/Command"
import type { RunState } from "@baton/kernel/RunState"
import { Usage } from "@baton/kernel/Usage"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type { AgentError } from "./Agents.ts"
import * as CanonicalJson from "./CanonicalJson.ts"
import type { Settled } from "./RunSlot.ts"
import type { NewBlob } from "./StoredValue.ts"

/** One answer of a model as its blob holds it. */
export const Turn = Schema.Struct({
  schema: Schema.Literal("baton.turn/1"),
  /** `provider/model`. */
  model: Schema.String,
  /** SHA-256 of what was asked, as canonical JSON: model, messages, tools, settings. */
  request: Schema.String,
  text: Schema.String,
  finishReason: Schema.String,
  calls: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String, params: Schema.Json })),
  usage: Usage,
  warnings: Schema.Array(Schema.Struct({ code: Schema.String, message: Schema.String }))
})
export type Turn = typeof Turn.Type

export interface ToolCall {
  readonly key: string
  readonly tool: string
  /** From 1, over the whole conversation. */
  readonly ordinal: number
}

export interface CallResult {
  readonly output: Json
  /** The tool refused or failed, and the output says why. */
  readonly failed: boolean
}

export interface AgentConversation {
  /** The turns that this conversation begins with, oldest first. */
  readonly turns: Effect.Effect<ReadonlyArray<Turn>, AgentError>
  /** Records a turn; `reserve` is what the ledger sets aside for the one that follows. */
  readonly record: (turn: Turn, reserve?: Json) => Effect.Effect<void, AgentError>
  readonly key: (tool: string, ordinal: number, input: Json) => string
  readonly result: (key: string) => Effect.Effect<CallResult | undefined, AgentError>
  /** Announces an irreversible call. */
  readonly begin: (call: ToolCall) => Effect.Effect<void, AgentError>
  readonly end: (call: ToolCall, result: CallResult) => Effect.Effect<void, AgentError>
  /** What turns used is told with their records, so that an answer must not tell it again. */
  readonly settlesUsage: boolean
  /** See `ToolContext`. */
  readonly command: ((command: Command, blobs?: ReadonlyArray<NewBlob>) => Effect.Effect<Settled>) | undefined
  readonly state: Effect.Effect<RunState | undefined>
}

/**
 * The key of one logical call (SEMANTICS 8.11b), as 43 characters of base64url: stable over redeliveries and automatic
 * retries. `ordinal` counts the calls of a step; 0 is the step itself, whose arguments are fixed by its path, because all
 * its attempts read what was settled at its first dispatch (SEMANTICS 8.6d).
 */
export const callKey = (
  run: string,
  path: string,
  generation: number,
  ordinal: number,
  tool?: string,
  input?: Json
): string => {
  const who: ReadonlyArray<Json> = tool === undefined
    ? [run, path, generation, ordinal]
    : [run, path, generation, ordinal, tool, CanonicalJson.text(input ?? null)]
  return createHash("sha256").update(JSON.stringify(who)).digest("base64url")
}

/** Ordinals of the second and further agents of a list begin behind those of the ones before. */
export const ordinalsPerCandidate = 1000

/** A conversation that nobody records: of an agent that is called outside of a run. */
export const unrecorded = (run: string, path: string, candidate: number): AgentConversation => ({
  turns: Effect.succeed([]),
  record: () => Effect.void,
  key: (tool, ordinal, input) => callKey(run, path, 0, candidate * ordinalsPerCandidate + ordinal, tool, input),
  result: () => Effect.undefined,
  begin: () => Effect.void,
  end: () => Effect.void,
  settlesUsage: false,
  command: undefined,
  state: Effect.undefined
})
