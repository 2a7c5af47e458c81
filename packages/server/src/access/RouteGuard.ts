/**
 * Deny by default. A server starts only when each of its routes says what it needs: an endpoint of the contract by `Needs`
 * and the `Access` middleware, another route by its line in `PlainRoutes`, where the guard stands before it.
 */
import { Access, Caller, type Need, Needs } from "@baton/contract/http/Access"
import { plainRoutes } from "@baton/contract/http/PlainRoutes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { noted } from "../http/SeenRoute.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import { Trail } from "./Trail.ts"

export interface GuardedRoute {
  /** Such as `GET /metrics`. */
  readonly route: string
  readonly needs: Need
}

const endpointsOf = <Id extends string, Groups extends HttpApiGroup.Constraint>(api: HttpApi.HttpApi<Id, Groups>) => {
  const found: Array<
    { readonly route: string; readonly needs: Need | undefined; readonly isGuarded: boolean }
  > = []
  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, middleware }) => {
      found.push({
        route: `${endpoint.method} ${endpoint.path}`,
        needs: Context.get(endpoint.annotations, Needs),
        isGuarded: [...middleware].some(({ key }) => key === Access.key)
      })
    }
  })
  return found
}

/** What is wrong with the endpoints of an API. */
export const faults = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): ReadonlyArray<string> =>
  endpointsOf(api).flatMap(({ isGuarded, needs, route }) =>
    needs === undefined
      ? [`${route} does not say what it needs`]
      : needs === "public" && isGuarded
      ? [`${route} is public but asks for a credential`]
      : needs !== "public" && !isGuarded
      ? [`${route} needs ${needs} but nobody checks it`]
      : []
  )

const refuseToStart = (problems: ReadonlyArray<string>) =>
  Effect.die(new Error(`routes that are not guarded: ${problems.join("; ")}`))

const guard =
  (gatekeeper: Gatekeeper["Service"], { needs, route }: GuardedRoute) =>
  <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
    Effect.gen(function*() {
      const trail = yield* Trail
      if (trail !== undefined) trail.action = route
      if (needs === "public") return yield* handler
      const request = yield* HttpServerRequest.HttpServerRequest
      const admitted = yield* Effect.result(gatekeeper.admit(request, needs))
      return Result.isFailure(admitted)
        ? yield* HttpServerRespondable.toResponse(admitted.failure)
        : yield* Effect.provideService(handler, Caller, admitted.success)
    })

/** Every route that has passed a guard, in the order they were added. */
export class GuardedRoutes extends Context.Service<GuardedRoutes, {
  readonly list: () => ReadonlyArray<GuardedRoute>
}>()("baton/server/access/GuardedRoutes") {}

type AnyRoute = HttpRouter.Route<never, never>

interface Plain {
  readonly [route: string]: Need
}

const make = Effect.fnUntraced(function*<Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  plain: Plain
) {
  const router = yield* HttpRouter.HttpRouter
  const gatekeeper = yield* Gatekeeper
  const wrong = faults(api)
  if (wrong.length > 0) return yield* refuseToStart(wrong)
  const endpoints = new Map(endpointsOf(api).map(({ needs, route }) => [route, needs ?? "public"]))
  const added: Array<GuardedRoute> = []
  const admit = (one: AnyRoute): Effect.Effect<AnyRoute> => {
    const route = `${one.method} ${one.path}`
    const ofEndpoint = endpoints.get(route)
    const needs = ofEndpoint ?? plain[route]
    if (needs === undefined) return refuseToStart([`${route} does not say what it needs`])
    added.push({ route, needs })
    const guarded = ofEndpoint !== undefined ? one.handler : guard(gatekeeper, { route, needs })(one.handler)
    const handler = noted(one.path, guarded)
    return Effect.succeed(
      HttpRouter.route(one.method, one.path, handler, { uninterruptible: one.uninterruptible }) as AnyRoute
    )
  }
  const addAll = (routes: ReadonlyArray<AnyRoute>): Effect.Effect<void> =>
    Effect.flatMap(Effect.forEach(routes, admit), (guarded) => router.addAll(guarded))
  const guarded: HttpRouter.HttpRouter = {
    ...router,
    addAll: addAll as HttpRouter.HttpRouter["addAll"],
    add: ((method, path, handler, options) =>
      addAll([HttpRouter.route(method, path, handler, options) as AnyRoute])) as HttpRouter.HttpRouter["add"],
    // A prefix would hide from the list where a route ends up.
    prefixed: () => {
      throw new Error("a route is added with its whole path")
    }
  }
  return Context.make(HttpRouter.HttpRouter, guarded).pipe(
    Context.add(GuardedRoutes, {
      list: () =>
        added
    })
  )
})

/** The router for all who add routes. `plain` is the table of routes beside the contract. */
export const layer = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  plain: Plain = plainRoutes
): Layer.Layer<HttpRouter.HttpRouter | GuardedRoutes, never, HttpRouter.HttpRouter | Gatekeeper> =>
  Layer.effectContext(make(api, plain))
