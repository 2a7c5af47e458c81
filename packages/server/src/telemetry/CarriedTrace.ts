/** What of a trace goes with an effect: out with each call that a run makes, and in with each request. */
import type { DialRequest } from "@baton/engine/HttpDialer"
import { HttpDialer } from "@baton/engine/HttpDialer"
import type { TraceLink } from "@baton/kernel/Trace"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as TraceHeaders from "./TraceHeaders.ts"

/** The trace state that goes out with calls made here; without it calls carry no trace. */
export const CarriedTrace = Context.Reference<{ readonly state: string | undefined } | undefined>(
  "baton/server/CarriedTrace",
  { defaultValue: () => undefined }
)

/** The trace of the request that is being answered, for what it creates. */
export const RequestTrace = Context.Reference<TraceLink | undefined>("baton/server/RequestTrace", {
  defaultValue: () => undefined
})

/** What a flow's author has written stays. */
const withTrace = (request: DialRequest, context: Context.Context<never>): DialRequest => {
  const carried = Context.get(context, CarriedTrace)
  const span = carried === undefined ? undefined : Context.getOrUndefined(context, Tracer.ParentSpan)
  if (carried === undefined || span === undefined || request.headers?.["traceparent"] !== undefined) return request
  return { ...request, headers: { ...request.headers, ...TraceHeaders.write(span, carried.state) } }
}

const traced = (dialer: HttpDialer["Service"]): HttpDialer["Service"] => ({
  dial: (request) => Effect.withFiber((fiber) => dialer.dial(withTrace(request, fiber.context))),
  request: (request) => Effect.withFiber((fiber) => dialer.request(withTrace(request, fiber.context)))
})

/** Every call out says which trace it is part of, where it is part of one. */
export const layerDialer = Layer.effect(HttpDialer, Effect.map(HttpDialer, traced))
