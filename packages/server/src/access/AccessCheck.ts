/** The contract's `Access` middleware: the gatekeeper before every endpoint, with the scope that the endpoint needs. */
import { Access, Caller, Needs } from "@baton/contract/http/Access"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { Gatekeeper } from "./Gatekeeper.ts"
import { Trail } from "./Trail.ts"

const needsOf = (endpoint: HttpApiEndpoint.Top) => Context.get(endpoint.annotations, Needs)

export const layer = Layer.effect(
  Access,
  Effect.map(Gatekeeper, ({ admit }) => ({
    bearer: (effect, { endpoint }) =>
      Effect.withFiber((fiber) => {
        const trail = fiber.getRef(Trail)
        if (trail !== undefined) trail.action = `${endpoint.method} ${endpoint.path}`
        const needs = needsOf(endpoint)
        if (needs === undefined || needs === "public") {
          return Effect.die(new Error(`${endpoint.method} ${endpoint.path} does not say what it needs`))
        }
        const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
        return Effect.flatMap(admit(request, needs), (caller) => Effect.provideService(effect, Caller, caller))
      })
  }))
)
