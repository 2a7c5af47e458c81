/** The contract's `Access` middleware: the gatekeeper before every endpoint, with the scope that the endpoint needs. */
import { Access, Caller, Needs } from "@baton/contract/http/Access"
import { Unauthenticated } from "@baton/contract/http/Problems"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { Gatekeeper } from "./Gatekeeper.ts"
import { Trail } from "./Trail.ts"

const needsOf = (endpoint: HttpApiEndpoint.Top) => Context.get(endpoint.annotations, Needs)

/** Both credentials are looked at by `bearer`. */
const notHere = Effect.fail(new Unauthenticated({ code: "CREDENTIAL_MISSING" }))

export const layer = Layer.effect(
  Access,
  Effect.map(Gatekeeper, ({ admit }) => ({
    session: () => notHere,
    bearer: (effect, { endpoint }) =>
      Effect.gen(function*() {
        const trail = yield* Trail
        if (trail !== undefined) trail.action = `${endpoint.method} ${endpoint.path}`
        const needs = needsOf(endpoint)
        if (needs === undefined || needs === "public") {
          return yield* Effect.die(new Error(`${endpoint.method} ${endpoint.path} does not say what it needs`))
        }
        const caller = yield* admit(yield* HttpServerRequest.HttpServerRequest, needs)
        return yield* Effect.provideService(effect, Caller, caller)
      })
  }))
)
