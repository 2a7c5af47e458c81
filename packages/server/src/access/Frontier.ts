/** The border and the recorder around all routes: the first that a request meets, the last that its answer passes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import { AuditWriter } from "./AuditWriter.ts"
import { border, type BorderOptions } from "./Border.ts"
import { record } from "./Recorder.ts"

export class Settings extends Context.Service<Settings, BorderOptions>()("baton/server/access/Settings") {}

type App<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** What proxies say beside the address is not heard: the host that is looked at is the one that was asked for. */
const unsaid = (request: HttpServerRequest.HttpServerRequest) =>
  request.modify({ headers: Headers.removeMany(request.headers, ["x-forwarded-host", "x-forwarded-proto"]) })

/** Behind proxies of the operator's own, a request comes from where the first that is none of them says. */
const proxied = ({ proxies }: BorderOptions) => {
  if (proxies.length === 0) return <E, R>(app: App<E, R | HttpServerRequest.HttpServerRequest>) => app
  const forwarded = HttpMiddleware.xForwardedHeaders({ trustedProxies: proxies })
  return <E, R>(app: App<E, R | HttpServerRequest.HttpServerRequest>) =>
    Effect.updateService(forwarded(app), HttpServerRequest.HttpServerRequest, unsaid)
}

/** Provided to all that adds routes or other middleware, so that it is there before them. */
export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const settings = yield* Settings
  const behind = proxied(settings)
  const guarded = border(settings)
  const recorded = record(yield* AuditWriter)
  yield* router.addGlobalMiddleware((app) => behind(guarded(recorded(app))))
}))
