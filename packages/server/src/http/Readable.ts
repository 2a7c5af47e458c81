/** What cannot be decoded is told with every fault; an answer that does not fit its own schema is our bug. */
import { Readable } from "@baton/contract/http/Access"
import { Internal, Invalid } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as SchemaIssue from "effect/SchemaIssue"

const standard = SchemaIssue.makeFormatterStandardSchemaV1()

const segment = (part: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof part === "object" ? part.key : part).replaceAll("~", "~0").replaceAll("/", "~1")

const places = { Params: "path", Headers: "header", Query: "query", Payload: "body" } as const

export const layer = HttpApiMiddleware.layerSchemaErrorTransform(Readable, (error) => {
  if (error.kind === "Body" || error.kind === "ResponseHeaders") {
    return Effect.andThen(
      Effect.logError("an answer does not fit its schema", error.cause),
      Effect.fail(new Internal({ code: "INTERNAL", detail: "The answer could not be made." }))
    )
  }
  const errors = standard(error.cause.issue).issues.map(({ message, path }) => ({
    in: places[error.kind as keyof typeof places],
    pointer: (path ?? []).map((part) => `/${segment(part)}`).join(""),
    message
  }))
  return Effect.fail(
    new Invalid({ code: "REQUEST_INVALID", detail: errors[0]?.message ?? "The request cannot be read.", errors })
  )
})
