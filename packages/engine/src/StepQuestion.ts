/** Questions that an attempt ends with: read from what a step or a tool says, within bounds, without secrets. */
import * as Approval from "@baton/kernel/Approval"
import * as DurationText from "@baton/kernel/DurationText"
import type { StepError } from "@baton/kernel/StepError"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AttemptOutput from "./AttemptOutput.ts"
import type { StepResult } from "./StepType.ts"

/** UTF-8 bytes of a question with its options and form. */
export const questionBytesMax = 64 * 1024

const decode = Schema.decodeUnknownOption(Approval.Question)

const invalid = (message: string): StepError => ({
  code: "QUESTION_INVALID",
  kind: "validation",
  message,
  retryable: false
})

const isObject = (json: Json): json is JsonObject => typeof json === "object" && json !== null && !Array.isArray(json)

/** `timeout` is text such as `10m`. */
const timed = (asked: JsonObject): Json => {
  const { timeout, ...rest } = asked
  const ms = typeof timeout === "string" ? DurationText.parse(timeout) : undefined
  return ms === undefined ? rest : { ...rest, timeoutMs: ms }
}

/** The question as `CompleteStep` carries it; `clean` takes secrets out of it. */
export const read = (
  asks: NonNullable<StepResult["asks"]>,
  clean: (json: Json) => Json
): Result.Result<Approval.Question, StepError> => {
  const problem = AttemptOutput.problem(asks.question)
  if (problem !== undefined) return Result.fail(invalid(`The question is no JSON within bounds: ${problem}`))
  const asked = clean(asks.question)
  if (Buffer.byteLength(JSON.stringify(asked)) > questionBytesMax) {
    return Result.fail(invalid(`The question is larger than ${questionBytesMax} bytes.`))
  }
  const { key, ordinal, tool } = asks
  const call = key === undefined || tool === undefined || ordinal === undefined ? {} : { call: { key, tool, ordinal } }
  const decoded = decode({ ...(isObject(asked) ? timed(asked) as JsonObject : { question: asked }), ...call })
  return Option.isSome(decoded)
    ? Result.succeed(decoded.value)
    : Result.fail(invalid("A question is a text, or {question, options?, form?, approvers?, timeout?, onTimeout?}."))
}
