/** What the worker of an agent's attempt hands in while the conversation goes on. See `EventTurn`. */
import * as Schema from "effect/Schema"
import { at } from "./CommandTime.ts"
import { Usage } from "./Usage.ts"
import { BlobRef, Value } from "./Value.ts"

export const RecordTurn = Schema.Struct({
  type: Schema.Literal("RecordTurn"),
  at,
  path: Schema.String,
  attempt: Schema.Int,
  turn: Schema.Int,
  ref: BlobRef,
  bytes: Schema.Int,
  calls: Schema.Int,
  candidate: Schema.optionalKey(Schema.Int),
  usage: Schema.optionalKey(Usage),
  reserve: Schema.optionalKey(Schema.Json)
})

export const EndCall = Schema.Struct({
  type: Schema.Literal("EndCall"),
  at,
  path: Schema.String,
  attempt: Schema.Int,
  key: Schema.String,
  tool: Schema.String,
  ordinal: Schema.Int,
  result: Value,
  failed: Schema.optionalKey(Schema.Literal(true))
})
