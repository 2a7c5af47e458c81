/** One output schema: what is sent to the endpoint, and how an answer is read and judged. */
import { AgentError } from "@baton/engine/Agents"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as JsonConformance from "./JsonConformance.ts"
import * as JsonHygiene from "./JsonHygiene.ts"
import * as JsonText from "./JsonText.ts"
import * as SchemaFit from "./SchemaFit.ts"

export type Read =
  | { readonly _tag: "Conforms"; readonly value: Json; readonly repairs: ReadonlyArray<string> }
  | { readonly _tag: "Fails"; readonly problems: ReadonlyArray<string> }

export interface StructuredOutput {
  /** An object schema for the endpoint; the author's own, unless its root is no object. */
  readonly wire: JsonObject
  /** Fails when the schema is unusable as far as can be seen without an answer. */
  readonly verify: Effect.Effect<void, AgentError>
  /** Finds the JSON in a text and judges it; fails only when the schema itself is unusable. */
  readonly read: (text: string) => Effect.Effect<Read, AgentError>
}

export const make = (schema: JsonObject): StructuredOutput => {
  const fit = SchemaFit.fit(schema) ?? { schema, unwrap: (answer: Json) => answer }
  const check = JsonConformance.compile(schema)
  return {
    wire: fit.schema,
    verify: Effect.suspend(() => Effect.fromResult(Result.mapError(check(null), unusable))),
    read: (text) => Effect.suspend(() => Effect.fromResult(judge(text, fit.unwrap, check)))
  }
}

const judge = (
  text: string,
  unwrap: (answer: Json) => Json,
  check: JsonConformance.Check
): Result.Result<Read, AgentError> => {
  if (text.length > JsonText.textLengthMax) {
    return Result.succeed({
      _tag: "Fails",
      problems: [`/: the answer is longer than ${JsonText.textLengthMax} characters`]
    })
  }
  let first: ReadonlyArray<string> | undefined
  for (const found of JsonText.candidates(text)) {
    const { repairs, value } = JsonHygiene.clean(unwrap(found.value))
    const checked = check(value)
    if (Result.isFailure(checked)) return Result.fail(unusable(checked.failure))
    const all = found.mended ? ["its JSON syntax was mended", ...repairs] : repairs
    if (checked.success.length === 0) return Result.succeed({ _tag: "Conforms", value, repairs: all })
    first ??= checked.success
  }
  return Result.succeed({ _tag: "Fails", problems: first ?? ["/: no JSON value was found in the answer"] })
}

const unusable = (message: string) => new AgentError({ reason: "configuration", message, retryable: false })
