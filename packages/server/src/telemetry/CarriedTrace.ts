/** What of a trace goes with an effect: out with each call that a run makes, and in with each request. */
import type { DialRequest } from "@baton/engine/HttpDialer"
import { HttpDialer } from "@baton/engine/HttpDialer"
import type { TraceLink } from "@baton/kernel/Trace"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as TraceHeaders from "./TraceHeaders.ts"

export interface Carried {
  readonly state: string | undefined
  /** Goes out as it is; absent: the span that the call is made in does. */
  readonly parent?: string
}

/** What goes out with calls made here; without it they carry no trace. */
export const CarriedTrace = Context.Reference<Carried | undefined>("baton/server/CarriedTrace", {
  defaultValue: () => undefined
})

/** The trace of the request that is being answered, for what it creates. */
export const RequestTrace = Context.Reference<TraceLink | undefined>("baton/server/RequestTrace", {
  defaultValue: () => undefined
})

const headersOf = (context: Context.Context<never>, { parent, state }: Carried) => {
  if (parent !== undefined) return { traceparent: parent, ...(state === undefined ? {} : { tracestate: state }) }
  const span = Context.getOrUndefined(context, Tracer.ParentSpan)
  return span === undefined ? {} : TraceHeaders.write(span, state)
}

/** What a flow's author has written stays. */
const withTrace = (request: DialRequest, context: Context.Context<never>): DialRequest => {
  const carried = Context.get(context, CarriedTrace)
  if (carried === undefined || request.headers?.["traceparent"] !== undefined) return request
  return { ...request, headers: { ...request.headers, ...headersOf(context, carried) } }
}

const traced = (dialer: HttpDialer["Service"]): HttpDialer["Service"] => ({
  dial: (request) => Effect.withFiber((fiber) => dialer.dial(withTrace(request, fiber.context))),
  request: (request) => Effect.withFiber((fiber) => dialer.request(withTrace(request, fiber.context)))
})

/** Every call out says which trace it is part of, where it is part of one. */
export const layerDialer = Layer.effect(HttpDialer, Effect.map(HttpDialer, traced))
