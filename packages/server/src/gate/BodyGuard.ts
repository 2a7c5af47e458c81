/** The body of a request as the endpoints may read it: UTF-8, and JSON within bounds. */
import { Invalid } from "@baton/contract/http/Problems"
import * as JsonLoss from "@baton/kernel/JsonLoss"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as JsonScan from "./JsonScan.ts"
import type { ServerLimits } from "./ServerLimits.ts"

const utf8 = new TextDecoder("utf-8", { fatal: true })

const isJson = (request: HttpServerRequest): boolean => {
  const type = request.headers["content-type"]
  return type === undefined || type.toLowerCase().includes("json")
}

const told = {
  depth: ({ jsonDepth }: ServerLimits) =>
    new Invalid({
      code: "JSON_TOO_DEEP",
      detail: `JSON in a body nests to ${jsonDepth} levels at most.`,
      hint: "BATON_LIMITS_JSON_DEPTH sets the limit"
    }),
  nul: () => new Invalid({ code: "JSON_NUL", detail: "Text in JSON must not contain the character U+0000." }),
  surrogate: () =>
    new Invalid({ code: "JSON_SURROGATE", detail: "Text in JSON must not contain half of a surrogate pair." })
}

/** What a parser would take and silently change: a key that is there twice, a number that no double holds. */
const ambiguous = (text: string): Invalid | undefined => {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const loss = JsonLoss.find(text, value)
  return loss === undefined ? undefined : new Invalid({
    code: "JSON_AMBIGUOUS",
    detail: `line ${loss.line}, column ${loss.column}: ${loss.message}`,
    hint: "write a number that is larger as text, and every key once"
  })
}

const jsonFault = (text: string, limits: ServerLimits): Invalid | undefined => {
  const fault = JsonScan.fault(text, limits.jsonDepth)
  return fault === undefined ? ambiguous(text) : told[fault](limits)
}

/** Endpoints turn failures of reading into defects themselves; a problem among them is answered as it is. */
const text = (request: HttpServerRequest, limits: ServerLimits): HttpServerRequest["text"] =>
  Effect.flatMap(request.arrayBuffer, (bytes) => {
    let decoded: string
    try {
      decoded = utf8.decode(bytes)
    } catch {
      return Effect.die(new Invalid({ code: "BODY_NOT_UTF8", detail: "The body is not UTF-8." }))
    }
    if (!isJson(request)) return Effect.succeed(decoded)
    // Where everything may be left out, so may the body.
    if (decoded === "") return Effect.succeed("{}")
    const fault = jsonFault(decoded, limits)
    return fault === undefined ? Effect.succeed(decoded) : Effect.die(fault)
  })

/**
 * Its text is looked at before it is handed out. The request itself is changed: one that has it as its prototype would be
 * of a shape of its own, and everything that reads it slow.
 */
export const guard = (request: HttpServerRequest, limits: ServerLimits): HttpServerRequest => {
  const modify = request.modify.bind(request)
  return Object.defineProperties(request, {
    text: { value: text(request, limits) },
    modify: {
      value: (options: Parameters<HttpServerRequest["modify"]>[0]) => guard(modify(options), limits)
    }
  })
}
