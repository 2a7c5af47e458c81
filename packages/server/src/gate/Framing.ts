/** Whether a request is one that every server on its way reads alike (RFC 9112); what is not is refused before any route. */
import { Invalid, UnsupportedMedia } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Gate } from "./Gate.ts"

type Request = HttpServerRequest.HttpServerRequest

const malformed = (detail: string) =>
  HttpServerRespondable.toResponse(new Invalid({ code: "REQUEST_MALFORMED", detail }))

const encoded = Effect.map(
  HttpServerRespondable.toResponse(
    new UnsupportedMedia({
      code: "CONTENT_ENCODING_UNSUPPORTED",
      detail: "A body is taken as it is, without a content encoding.",
      hint: "leave Content-Encoding out, and send the body uncompressed"
    })
  ),
  // RFC 9110, 12.5.3: what would have been taken.
  HttpServerResponse.setHeader("accept-encoding", "identity")
)

/** `Host` headers as they were sent; Node keeps the first and drops the rest. */
const hosts = ({ source }: Request): number => {
  if (!("rawHeaders" in source) || !Array.isArray(source.rawHeaders)) return 1
  const { rawHeaders } = source
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name: unknown = rawHeaders[index]
    if (typeof name === "string" && name.length === 4 && name.toLowerCase() === "host") count++
  }
  return count
}

const isModern = ({ source }: Request): boolean => !("httpVersion" in source) || source.httpVersion !== "1.0"

const fault = (request: Request) => {
  const { headers } = request
  const coding = headers["transfer-encoding"]
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    return malformed("The only transfer coding is chunked.")
  }
  const count = hosts(request)
  // RFC 9112, 3.2.
  if (count > 1 || (count === 0 && isModern(request))) return malformed("A request has exactly one Host header.")
  const encoding = headers["content-encoding"]
  return encoding !== undefined && encoding.trim().toLowerCase() !== "identity" ? encoded : undefined
}

const checked = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Request> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const refused = fault(request)
    return refused === undefined ? app : Effect.map(refused, HttpServerResponse.setHeader("connection", "close"))
  })

/** The gate, with this check behind it: a connection that carried such a request is not used again. */
export const inside = (middleware: Gate["Service"]["middleware"]): Gate["Service"]["middleware"] => (app) =>
  middleware(checked(app))
