/** Values that come with a request. */
import { ClientError } from "@baton/contract/Client"
import type { NewBlob } from "@baton/engine/StoredValue"
import { store } from "@baton/engine/StoredValue"
import * as JsonBounds from "@baton/kernel/JsonBounds"
import type { Json, Value } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"

/** A value that whoever owns the run can read: what is large is stored first. */
export const stored = Effect.fnUntraced(function*(parts: Parts, json: Json): Effect.fn.Return<Value, ClientError> {
  const blobs: Array<NewBlob> = []
  const value = store(json, blobs)
  for (const { bytes } of blobs) yield* Effect.mapError(parts.blobs.put(parts.tenant, bytes), Answers.fromBlobs)
  return value
})

/** What came from outside is looked at before any of it is stored. */
export const bounded = Effect.fnUntraced(function*(
  parts: Parts,
  json: Json,
  code: string,
  what: string
): Effect.fn.Return<Value, ClientError> {
  const violation = JsonBounds.check(json)
  if (violation !== undefined) {
    const message = `${what}: ${violation.pointer === "" ? "" : `at ${violation.pointer}: `}${violation.message}`
    return yield* Effect.fail(new ClientError({ reason: "invalid", code, message }))
  }
  return yield* stored(parts, json)
})
