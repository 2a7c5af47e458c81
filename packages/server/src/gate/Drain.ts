/**
 * How a server stops: first `/ready` says so, then streams are told to come back elsewhere and end, then the requests in
 * flight get their time. What is still there afterwards is cut.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { ServerLimits } from "./ServerLimits.ts"

/** Milliseconds after which a reader of events comes back; spread, so that not all come at once. */
export const returnMs = { least: 500, most: 3_000 }

export class Drain extends Context.Service<Drain, {
  /** The server stops, or is about to: nobody should send it anything new. */
  readonly isStopping: () => boolean
  /** Waits until streams and sockets are to end. */
  readonly closing: Effect.Effect<void>
  readonly isClosing: () => boolean
  /** Says that the server stops, waits the notice, then has streams end. */
  readonly begin: Effect.Effect<void>
}>()("baton/server/Drain") {
  static readonly layer = Layer.effect(
    Drain,
    Effect.gen(function*() {
      const { stopNotice } = yield* ServerLimits
      let stopping = false
      let closing = false
      const latch = Latch.makeUnsafe(false)
      return {
        isStopping: () => stopping,
        isClosing: () => closing,
        closing: latch.await,
        begin: Effect.suspend(() => {
          stopping = true
          return Effect.sleep(stopNotice)
        }).pipe(Effect.andThen(Effect.sync(() => {
          closing = true
          latch.openUnsafe()
        })))
      }
    })
  )
}

const farewell = Effect.map(
  Random.nextIntBetween(returnMs.least, returnMs.most),
  (ms) => new TextEncoder().encode(`retry: ${ms}\n: the server stops\n\n`)
)

/** An event stream that ends when the server stops; its last words tell the reader when to come back. */
export const ending = (
  drain: Drain["Service"],
  response: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  if (body._tag !== "Stream" || !body.contentType.startsWith("text/event-stream")) return response
  const events = body.stream.pipe(
    Stream.interruptWhen(drain.closing),
    Stream.concat(Stream.suspend(() => drain.isClosing() ? Stream.fromEffect(farewell) : Stream.empty))
  )
  return HttpServerResponse.setBody(response, HttpBody.stream(events, body.contentType))
}
