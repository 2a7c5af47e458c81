/**
 * What an agent's conversation leaves in the journal: its model turns by reference, and the results of the tool calls they
 * asked for. A conversation that breaks off goes on behind its last turn, and pays for nothing twice (SEMANTICS 8.11b).
 */
import * as Schema from "effect/Schema"
import { Usage } from "./Usage.ts"
import { BlobRef, Value } from "./Value.ts"

/** One answer of a model, recorded before anything it asks for is done. */
export const TurnRecorded = Schema.Struct({
  type: Schema.Literal("TurnRecorded"),
  v: Schema.Literal(1),
  at: Schema.Int,
  path: Schema.String,
  attempt: Schema.Int,
  /** From 1, over all attempts of the step. */
  turn: Schema.Int,
  /** The blob that holds the turn as JSON, and its size in bytes. */
  ref: BlobRef,
  bytes: Schema.Int,
  /** Tool calls that the turn asks for; 0 for an answer. */
  calls: Schema.Int,
  /** Which agent of a list is speaking, from 0; absent for the first. */
  candidate: Schema.optionalKey(Schema.Int),
  /** What this turn used: told here and nowhere else. */
  usage: Schema.optionalKey(Usage),
  /** What is set aside for the turn that follows; defined by the ledger. */
  reserve: Schema.optionalKey(Schema.Json)
})

/** A tool call of an agent has an outcome that will not change; it is never made again under this key. */
export const CallEnded = Schema.Struct({
  type: Schema.Literal("CallEnded"),
  v: Schema.Literal(1),
  at: Schema.Int,
  path: Schema.String,
  attempt: Schema.Int,
  key: Schema.String,
  tool: Schema.String,
  /** Its number among the calls of the conversation. */
  ordinal: Schema.Int,
  result: Value,
  /** The tool refused or failed, and the result says why. */
  failed: Schema.optionalKey(Schema.Literal(true))
})
