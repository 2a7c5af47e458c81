/** Where a thing is that a request has made: the `Location` of an answer 201 (RFC 9110, 15.3.2). */
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"

const segment = encodeURIComponent

export const run = ({ id }: { readonly id: string }): string => `/api/v1/runs/${segment(id)}`

export const madeRun = ({ document }: { readonly document: { readonly id: string } }): string => run(document)

export const patch = ({ patch: { id, run: of } }: { readonly patch: { readonly id: string; readonly run: string } }) =>
  `/api/v1/patches/${segment(id)}?run=${segment(of)}`

export const flow = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `/api/v1/flows/${segment(name)}/versions/${segment(version)}`

export const webhook = ({ webhook: { id } }: { readonly webhook: { readonly id: string } }): string =>
  `/api/v1/webhooks/${segment(id)}`

export const key = ({ item: { id } }: { readonly item: { readonly id: string } }): string =>
  `/api/v1/keys/${segment(id)}`

/** The answer to this request says where it is. */
export const told = <A, E, R>(effect: Effect.Effect<A, E, R>, at: (made: A) => string): Effect.Effect<A, E, R> =>
  Effect.tap(effect, (made) =>
    Effect.withFiber((fiber) => {
      HttpEffect.appendPreResponseHandlerUnsafe(
        fiber.context,
        (_request, response) => Effect.succeed(HttpServerResponse.setHeader(response, "location", at(made)))
      )
      return Effect.void
    }))
