/** Whether a value conforms to a JSON Schema (draft 2020-12), and what a model must hear to mend it. Bounded in time. */
import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Result from "effect/Result"

/** Answers one line per problem, as `/items/0/title: …`; fails when the schema itself cannot be used. */
export type Check = (value: Json) => Result.Result<ReadonlyArray<string>, string>

export const compile = (schema: JsonObject): Check => {
  const fault = JsonSchema.check(schema)[0]
  return (value) =>
    fault === undefined
      ? Result.succeed(
        JsonSchema.validate(schema, value).map(({ message, pointer }) => `${pointer || "/"}: ${message}`)
      )
      : Result.fail(`The output schema cannot be used: ${fault.pointer || "/"}: ${fault.message}`)
}
