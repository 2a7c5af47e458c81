/**
 * Which route has answered a request, for what looks on from outside of all middleware: middleware that provides services
 * takes the router's own word away again at its end.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Where it is noted; nobody looks on when there is none. */
export const SeenRoute = Context.Reference<{ path: string | undefined } | undefined>("baton/server/http/SeenRoute", {
  defaultValue: () => undefined
})

/** Notes the template of a route, such as `/api/v1/runs/:id`, before its handler. */
export const noted = <A, E, R>(path: string, handler: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const seen = fiber.getRef(SeenRoute)
    if (seen !== undefined) seen.path = path
    return handler
  })
