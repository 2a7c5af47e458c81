/**
 * A browser cannot set headers of a WebSocket, and a token has no place in a URL. So it may stand among the protocols that
 * are offered, after the one that is meant: `baton.v1, baton.bearer.TOKEN`. Here it becomes the header of every other route.
 */
import { bearerProtocol } from "@baton/contract/LiveMessage"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"

/** A header that is there already wins. */
export const translated = (headers: Headers.Headers): Headers.Headers => {
  const offered = headers["sec-websocket-protocol"]
  if (offered === undefined || headers["authorization"] !== undefined) return headers
  const names = offered.split(",").map((name) => name.trim())
  const token = names.find((name) => name.startsWith(bearerProtocol))?.slice(bearerProtocol.length)
  if (token === undefined) return headers
  return Headers.setAll(headers, {
    authorization: `Bearer ${token}`,
    "sec-websocket-protocol": names.filter((name) => !name.startsWith(bearerProtocol)).join(", ")
  })
}

export const layer = HttpRouter.middleware(
  (handler) =>
    Effect.updateService(handler, HttpServerRequest, (request) => {
      const headers = translated(request.headers)
      return headers === request.headers ? request : request.modify({ headers })
    }),
  { global: true }
)
