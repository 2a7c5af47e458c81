/** What a caller asks of the model beside the prompt; `effect/ai` leaves these to providers. */
import type { JsonObject } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export class ModelSettings extends Context.Reference<{
  readonly temperature?: number
  readonly maxOutputTokens?: number
  /** The answer shall be JSON of this schema (an object's); the prompt already says so. Works for streams too. */
  readonly output?: { readonly name: string; readonly schema: JsonObject }
}>("baton/agents/ModelSettings", { defaultValue: () => ({}) }) {}

export class ModelLimits extends Context.Reference<{
  /** One HTTP call to a model, from the start to the last byte of its answer. */
  readonly callTimeout: Duration.Duration
  /** Bytes of one answer, after decompression. */
  readonly answerBytesMax: number
  /** Bytes of one server-sent event. */
  readonly eventBytesMax: number
}>("baton/agents/ModelLimits", {
  defaultValue: () => ({
    callTimeout: Duration.minutes(10),
    answerBytesMax: 16 * 1024 * 1024,
    eventBytesMax: 4 * 1024 * 1024
  })
}) {}
