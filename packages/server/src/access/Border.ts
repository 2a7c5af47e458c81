/**
 * What a browser may do here, decided from headers that a page cannot forge, before anything else is looked at.
 *
 * `Host`: a name that somebody has pointed at this machine is not answered (DNS rebinding). `Origin` and `Sec-Fetch-Site`:
 * a page of another origin changes nothing and opens no WebSocket, unless the operator has listed its origin; on a server
 * that trusts this machine it reads nothing either. CORS answers name exactly the listed origin, never `*`.
 */
import { Denied } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { AccessSettings } from "./AccessConfig.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

export interface BorderOptions extends AccessSettings {
  /** Whoever reaches the server is its owner: see the gatekeeper. */
  readonly trustLocal: boolean
}

const localNames = ["localhost", "127.0.0.1", "[::1]"]

/** A host without its port, in small letters. */
const nameOf = (host: string): string => host.toLowerCase().replace(/:\d{1,5}$/, "").replace(/\.$/, "")

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

/** Whether a page at `origin` was served from where this request goes. A TLS proxy hides the scheme, so that is not compared. */
const isOwn = (origin: string, host: string): boolean => {
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  return (url.protocol === "http:" || url.protocol === "https:") && url.host === host.toLowerCase()
}

const refused = (code: string, detail: string) => HttpServerRespondable.toResponse(new Denied({ code, detail }))

const hostDenied = refused("HOST_DENIED", "The server does not answer to this host name (BATON_HOSTS).")
const originDenied = refused("ORIGIN_DENIED", "A page of another origin may not do this (BATON_CORS_ORIGINS).")

const corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
const corsHeaders = "authorization, content-type, idempotency-key, if-match, last-event-id, traceparent, x-baton-csrf"
const corsExposed =
  "etag, retry-after, location, idempotency-replayed, ratelimit, ratelimit-policy, ratelimit-limit, ratelimit-remaining, ratelimit-reset"
/** Seconds a browser keeps the answer to a preflight. */
const corsSeconds = "600"

/** For answers that are no pages. */
const policyOfData = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

const baseHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin"
}

const withVary = (response: Response): string => {
  const known = response.headers["vary"]
  return known === undefined ? "Origin" : /\borigin\b/i.test(known) ? known : `${known}, Origin`
}

/** Headers of every answer; a page brings its own policy. */
const dressed = (listed: string | undefined, hasList: boolean) => (response: Response): Response => {
  const { headers } = response
  return HttpServerResponse.setHeaders(response, {
    ...baseHeaders,
    "content-security-policy": headers["content-security-policy"] ?? policyOfData,
    // A shared cache may keep what no header forbids, and answer another person with it (RFC 9111, 4.2.2).
    "cache-control": headers["cache-control"] ?? "no-store",
    "referrer-policy": headers["referrer-policy"] ?? "no-referrer",
    ...(hasList ? { vary: withVary(response) } : {}),
    ...(listed === undefined
      ? {}
      : {
        "access-control-allow-origin": listed,
        "access-control-expose-headers": corsExposed,
        "cross-origin-resource-policy": "cross-origin"
      })
  })
}

const preflight = HttpServerResponse.empty({
  status: 204,
  headers: {
    "access-control-allow-methods": corsMethods,
    "access-control-allow-headers": corsHeaders,
    "access-control-max-age": corsSeconds
  }
})

const judge = ({ hosts, origins, trustLocal }: BorderOptions) => {
  const names = new Set([...(trustLocal ? localNames : []), ...hosts])
  const listed = new Set(origins)
  const mayHost = (request: Request): boolean => names.size === 0 || names.has(nameOf(request.headers["host"] ?? ""))

  const mayOrigin = (request: Request): boolean => {
    const { headers, method } = request
    const { origin } = headers
    const site = headers["sec-fetch-site"]
    const isHandshake = headers["upgrade"] !== undefined
    const isNavigation = headers["sec-fetch-mode"] === "navigate" && method === "GET"
    if (isSafe(method) && !isHandshake && (!trustLocal || isNavigation)) return true
    if (origin !== undefined) return isOwn(origin, headers["host"] ?? "") || listed.has(origin)
    // Programs send neither header; a browser leaves out `Origin` only where the page is the server's own, or has none.
    return site === undefined || site === "same-origin" || site === "none"
  }
  return { listed, mayHost, mayOrigin }
}

/** Around everything. */
export const border = (options: BorderOptions) => {
  const { listed, mayHost, mayOrigin } = judge(options)
  return <E, R>(app: Effect.Effect<Response, E, R>): Effect.Effect<
    Response,
    E,
    R | HttpServerRequest.HttpServerRequest
  > =>
    Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { origin } = request.headers
      const named = origin !== undefined && listed.has(origin) ? origin : undefined
      const dress = dressed(named, listed.size > 0)
      yield* HttpEffect.appendPreResponseHandler((_request, response) => Effect.succeed(dress(response)))
      if (!mayHost(request)) return yield* hostDenied
      if (named !== undefined && request.method === "OPTIONS") return preflight
      if (!mayOrigin(request)) return yield* originDenied
      return yield* app
    })
}
