/** What no endpoint answers is a problem too: an unknown route, a wrong method, an unknown content type, our own bugs. */
import {
  Internal,
  Invalid,
  MethodNotAllowed,
  NotFound,
  TooLarge,
  UnsupportedMedia
} from "@baton/contract/http/Problems"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Methods from "./Methods.ts"

const problem = (one: HttpServerRespondable.Respondable) => HttpServerRespondable.toResponse(one)

/** What a server has, and where somebody finds out. */
interface Routes {
  readonly allowed: Methods.Allowed
  readonly hint: string
}

type Request = Pick<HttpServerRequest.HttpServerRequest, "method" | "url">

const notAllowed = (method: string, path: string, list: string) =>
  Effect.map(
    problem(new MethodNotAllowed({ code: "METHOD_NOT_ALLOWED", detail: `${path} takes ${list}, and not ${method}` })),
    HttpServerResponse.setHeader("allow", list)
  )

/** No route has this method and path: the path may have others, may ask which, or be unknown. */
const unrouted = ({ allowed, hint }: Routes, { request: { method, url } }: { readonly request: Request }) => {
  const path = url.slice(0, 200).split("?")[0] ?? ""
  const methods = allowed(url)
  const list = methods.join(", ")
  if (method === "OPTIONS" && list !== "") {
    return Effect.succeed(HttpServerResponse.empty({ status: 204, headers: { allow: list } }))
  }
  if (list !== "" && !methods.includes(method)) return notAllowed(method, path, list)
  return problem(
    new NotFound({
      code: "ROUTE_NOT_FOUND",
      detail: `there is no ${method} ${path}`,
      hint
    })
  )
}

const unreadable = (detail: string) => problem(new Invalid({ code: "REQUEST_UNREADABLE", detail }))

const bug = (cause: Cause.Cause<unknown>) =>
  Effect.andThen(
    Effect.logError("a request met a bug", cause),
    problem(new Internal({ code: "INTERNAL", detail: "The request could not be answered." }))
  )

/** An answer for what failed; `undefined` where the server itself knows what to do. */
const answerTo = (routes: Routes, cause: Cause.Cause<unknown>) => {
  if (Cause.hasInterruptsOnly(cause)) return undefined
  const error = Cause.squash(cause)
  if (HttpServerError.isHttpServerError(error)) {
    if (error.reason._tag === "RouteNotFound") return unrouted(routes, error.reason)
    if (error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge") {
      // What is left of the body is not read.
      return Effect.map(
        problem(new TooLarge({ code: "BODY_TOO_LARGE", detail: "The body is larger than the limit." })),
        HttpServerResponse.setHeader("connection", "close")
      )
    }
    if (error.reason._tag === "RequestParseError") return unreadable("The body of the request cannot be read.")
    return error.reason._tag === "InternalError" ? bug(cause) : undefined
  }
  return HttpServerRespondable.isRespondable(error) ? undefined : bug(cause)
}

/** The router itself refuses unknown content types in plain text. */
const unsupported = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  problem(
    new UnsupportedMedia({
      code: "CONTENT_TYPE_UNSUPPORTED",
      detail: `the content type ${(headers["content-type"] ?? "").slice(0, 100)} is not understood`,
      hint: "send JSON: content-type: application/json"
    })
  ))

/** For a server of these routes. */
export const layer = (routes: Routes) =>
  HttpRouter.middleware((httpEffect) =>
    httpEffect.pipe(
      Effect.flatMap((response) => response.status === 415 ? unsupported : Effect.succeed(response)),
      Effect.catchCause((cause) => answerTo(routes, cause) ?? Effect.failCause(cause))
    ), { global: true })
