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
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"

const problem = (one: HttpServerRespondable.Respondable) => HttpServerRespondable.toResponse(one)

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

/** The methods of every path of the API. */
const paths = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): ReadonlyMap<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>()
  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      const known = found.get(endpoint.path) ?? new Set()
      found.set(endpoint.path, known.add(endpoint.method))
    }
  })
  return found
}

const notAllowed = (path: string, allowed: ReadonlySet<string>) => {
  const list = [...allowed, ...(allowed.has("GET") ? ["HEAD"] : [])].toSorted().join(", ")
  return Effect.map(
    problem(new MethodNotAllowed({ code: "METHOD_NOT_ALLOWED", detail: `${path} takes ${list}` })),
    HttpServerResponse.setHeader("allow", list)
  )
}

/** Every other method of every path. */
const otherMethods = (paths: ReadonlyMap<string, ReadonlySet<string>>) =>
  HttpRouter.use((router) =>
    router.addAll(
      [...paths].flatMap(([path, allowed]) =>
        methods.filter((method) => !allowed.has(method)).map((method) =>
          HttpRouter.route(method, path as HttpRouter.PathInput, notAllowed(path, allowed))
        )
      )
    )
  )

const unknownRoute = (
  { request: { method, url } }: { readonly request: { method: string; url: string } },
  hint: string
) =>
  problem(
    new NotFound({
      code: "ROUTE_NOT_FOUND",
      detail: `there is no ${method} ${url.slice(0, 200).split("?")[0]}`,
      hint
    })
  )

const unreadable = (detail: string) => problem(new Invalid({ code: "REQUEST_UNREADABLE", detail }))

const bug = (cause: Cause.Cause<unknown>) =>
  Effect.andThen(
    Effect.logError("a request met a bug", cause),
    problem(new Internal({ code: "INTERNAL", detail: "The request could not be answered." }))
  )

/** An answer for what failed; `undefined` where the server itself knows what to do. */
const answerTo = (cause: Cause.Cause<unknown>, hint: string) => {
  if (Cause.hasInterruptsOnly(cause)) return undefined
  const error = Cause.squash(cause)
  if (HttpServerError.isHttpServerError(error)) {
    if (error.reason._tag === "RouteNotFound") return unknownRoute(error.reason, hint)
    if (error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge") {
      return problem(new TooLarge({ code: "BODY_TOO_LARGE", detail: "The body is larger than the limit." }))
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

const readable = (hint: string) =>
  HttpRouter.middleware((httpEffect) =>
    httpEffect.pipe(
      Effect.flatMap((response) => response.status === 415 ? unsupported : Effect.succeed(response)),
      Effect.catchCause((cause) => answerTo(cause, hint) ?? Effect.failCause(cause))
    ), { global: true })

/** For a server of this API; `hint` says where somebody finds the routes that there are. */
export const layer = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  hint: string
) => Layer.merge(otherMethods(paths(api)), readable(hint))
