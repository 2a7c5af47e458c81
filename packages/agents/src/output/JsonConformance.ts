/** Whether a value conforms to a JSON Schema (draft 4 to 2020-12), and what a model must hear to mend it. */
import type { Json, JsonObject } from "@baton/kernel/Value"
import { type OutputUnit, type SchemaDraft, Validator } from "@cfworker/json-schema"
import * as Result from "effect/Result"

/** Problems shown; a model mends the first ones and the rest often go with them. */
export const problemsMax = 20

/** Answers one line per problem, as `/items/0/title: …`; fails when the schema itself cannot be used. */
export type Check = (value: Json) => Result.Result<ReadonlyArray<string>, string>

export const compile = (schema: JsonObject): Check => {
  const validator = Result.try({
    try: () => new Validator(schema, draftOf(schema), false),
    catch: (error) => `The output schema cannot be used: ${messageOf(error)}`
  })
  return (value) =>
    Result.flatMap(validator, (validator) =>
      Result.try({
        try: () => problemsOf(validator.validate(value).errors),
        catch: (error) => `The output schema cannot be used: ${messageOf(error)}`
      }))
}

const draftOf = (schema: JsonObject): SchemaDraft => {
  const { $schema } = schema
  if (typeof $schema !== "string") return "2020-12"
  if ($schema.includes("draft-04")) return "4"
  if ($schema.includes("draft-07") || $schema.includes("draft-06")) return "7"
  return $schema.includes("2019-09") ? "2019-09" : "2020-12"
}

/** A validator reports every level on the way down; only the innermost says something a reader can act on. */
const problemsOf = (errors: ReadonlyArray<OutputUnit>): ReadonlyArray<string> => {
  const leaves = errors.filter((error) =>
    !errors.some((other) => other !== error && other.keywordLocation.startsWith(`${error.keywordLocation}/`))
  )
  const lines = new Set(leaves.map(({ error, instanceLocation }) => `${instanceLocation.slice(1) || "/"}: ${error}`))
  return [...lines].slice(0, problemsMax)
}

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
