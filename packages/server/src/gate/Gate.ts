/**
 * What every request passes before anything is done for it: the size of what it announces, and whether this server has
 * room for it. Health and readiness always have room.
 */
import { HeadersTooLarge, TargetTooLong } from "@baton/contract/http/EarlyProblems"
import { TooLarge, Unavailable } from "@baton/contract/http/Problems"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as BodyGuard from "./BodyGuard.ts"
import { Drain, ending } from "./Drain.ts"
import { LoadMeter } from "./LoadMeter.ts"
import { ServerLimits } from "./ServerLimits.ts"

type Middleware = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) => Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  E,
  R | HttpServerRequest.HttpServerRequest
>

/** Why a server refuses work that it could do another time. */
export type Shed = "in_flight" | "loop_delay"

export class Gate extends Context.Service<Gate, {
  readonly middleware: Middleware
  /** Requests being worked on, and how many were refused since the start, by reason. */
  readonly load: () => { readonly inFlight: number; readonly shed: { readonly [reason in Shed]: number } }
}>()("baton/server/Gate") {
  static readonly layer = Layer.effect(Gate, Effect.suspend(() => make))
}

interface State {
  readonly limits: ServerLimits
  readonly drain: Drain["Service"]
  readonly meter: LoadMeter["Service"]
  readonly shed: { [reason in Shed]: number }
  inFlight: number
}

const probes: ReadonlySet<string> = new Set(["/health", "/ready"])
const isProbe = ({ url }: HttpServerRequest.HttpServerRequest): boolean => probes.has(url.split("?", 1)[0] ?? "")

const headerLines = ({ source }: HttpServerRequest.HttpServerRequest): number =>
  "rawHeaders" in source && Array.isArray(source.rawHeaders) ? source.rawHeaders.length / 2 : 0

/** What the request says about itself is already too much. */
const tooMuch = ({ limits }: State, request: HttpServerRequest.HttpServerRequest) => {
  if (request.url.length > limits.urlChars) {
    return new TargetTooLong({
      code: "URL_TOO_LONG",
      detail: `Path and query have ${limits.urlChars} characters at most.`
    })
  }
  if (headerLines(request) > limits.headers) {
    return new HeadersTooLarge({ code: "HEADERS_TOO_MANY", detail: `A request has ${limits.headers} headers at most.` })
  }
  const length = Number(request.headers["content-length"] ?? 0)
  return length > limits.bodyBytes ? bodyTooLarge(limits) : undefined
}

export const bodyTooLarge = (limits: ServerLimits): TooLarge =>
  new TooLarge({
    code: "BODY_TOO_LARGE",
    detail: `A body has ${limits.bodyBytes} bytes at most.`,
    hint: "BATON_LIMITS_BODY_BYTES sets the limit"
  })

const overload = (state: State): Shed | undefined => {
  const { limits } = state
  if (state.inFlight >= limits.requestsInFlight) return "in_flight"
  return Duration.isZero(limits.loopDelay) || Duration.isLessThanOrEqualTo(state.meter.lateness(), limits.loopDelay)
    ? undefined
    : "loop_delay"
}

/** Seconds after which it may be tried again: spread, so that those who were refused do not come back together. */
const retrySeconds = (refused: number): number => 1 + (refused % 3)

const shedding = (state: State, reason: Shed) => {
  const refused = ++state.shed[reason]
  const problem = new Unavailable({
    code: "OVERLOADED",
    detail: reason === "in_flight"
      ? `The server is working on ${state.limits.requestsInFlight} requests.`
      : "The server is late with the work it has.",
    hint: "Nothing was done. Ask again after Retry-After."
  })
  return Effect.map(
    HttpServerRespondable.toResponse(problem),
    HttpServerResponse.setHeader("retry-after", String(retrySeconds(refused)))
  )
}

/** A connection whose request was not read to its end is of no use for the next one. */
const andClose = HttpServerResponse.setHeader("connection", "close")

/** Anything else may say that it wants an upgrade and gets none: it is work like the rest. */
const isUpgrade = ({ headers, method, url }: HttpServerRequest.HttpServerRequest): boolean =>
  headers["upgrade"] !== undefined && method === "GET" && url.split("?", 1)[0] === "/ws"

const pass = <E, R>(
  state: State,
  request: HttpServerRequest.HttpServerRequest,
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) => {
  state.inFlight++
  BodyGuard.guard(request, state.limits)
  return app.pipe(
    Effect.map((response) => ending(state.drain, response)),
    Effect.ensuring(Effect.sync(() => {
      state.inFlight--
    }))
  )
}

const make = Effect.gen(function*() {
  const state: State = {
    limits: yield* ServerLimits,
    drain: yield* Drain,
    meter: yield* LoadMeter,
    shed: { in_flight: 0, loop_delay: 0 },
    inFlight: 0
  }
  const middleware: Middleware = (app) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      if (isProbe(request)) return app
      const refused = tooMuch(state, request)
      if (refused !== undefined) return Effect.map(HttpServerRespondable.toResponse(refused), andClose)
      // A socket lives as long as its handler: it is a connection, not work.
      if (isUpgrade(request)) return app
      const reason = overload(state)
      const answer = reason === undefined ? pass(state, request, app) : shedding(state, reason)
      return state.drain.isStopping() ? Effect.map(answer, andClose) : answer
    })
  return { middleware, load: () => ({ inFlight: state.inFlight, shed: { ...state.shed } }) }
})
