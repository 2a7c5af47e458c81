/** Bounds of one conversation between an agent's model and its tools. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export class LoopLimits extends Context.Reference<{
  /** Answers of the model, those that call tools included; the last one is asked for without tools. */
  readonly turnsMax: number
  /** Tool calls that one turn may ask for; those beyond are refused, and the model is told. */
  readonly callsPerTurnMax: number
  /** One try of one tool call. */
  readonly toolTimeout: Duration.Duration
  /** Tries of a call whose outcome is unknown, for tools whose repetition does no harm. */
  readonly toolTriesMax: number
  /** Before the second try; doubled before each further one. */
  readonly toolRetryDelay: Duration.Duration
  /** UTF-16 units of a tool's result that the model is shown. */
  readonly resultLengthMax: number
}>("baton/agents/LoopLimits", {
  defaultValue: () => ({
    turnsMax: 16,
    callsPerTurnMax: 16,
    toolTimeout: Duration.seconds(60),
    toolTriesMax: 3,
    toolRetryDelay: Duration.millis(200),
    resultLengthMax: 64 * 1024
  })
}) {}
