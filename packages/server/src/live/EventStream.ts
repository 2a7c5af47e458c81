/** Live streams as server-sent events (HTML 9.2): one run, many runs, all runs of a tenant. */
import type { Problem } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Scope from "effect/Scope"
import type { Live, Place } from "./Live.ts"
import type { Reader } from "./Reader.ts"
import { type SseOptions, SseOutlet } from "./SseOutlet.ts"

export interface StreamOptions {
  /** Event types that are wanted; absent: all. */
  readonly types: ReadonlySet<string> | undefined
  /** What the connection says of what it carries; absent: the frames as they are. */
  readonly outlet?: (options: SseOptions) => SseOutlet
  /** Added to those of every stream. */
  readonly headers?: { readonly [name: string]: string }
}

const contentType = "text/event-stream; charset=utf-8"
/** Nobody on the way may keep what is sent, or keep it back. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

/** A connection whose readers are gone when it is. */
const stream = (
  live: Live["Service"],
  { headers: added, outlet: make = (options) => new SseOutlet(options), types }: StreamOptions,
  fill: (outlet: SseOutlet) => Effect.Effect<ReadonlyArray<Reader>, Problem, Scope.Scope>
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problem> =>
  Effect.suspend(() => {
    const scope = Scope.makeUnsafe("sequential")
    const outlet: SseOutlet = make({
      now: () => live.clock.currentTimeMillisUnsafe(),
      limits: live.limits,
      types,
      closed: () => {
        live.outlets.delete(outlet)
        live.fork(Scope.close(scope, Exit.void))
      }
    })
    return fill(outlet).pipe(
      Scope.provide(scope),
      Effect.map((readers) => {
        live.outlets.add(outlet)
        outlet.opened(readers.length)
        for (const reader of readers) outlet.wake(reader)
        return HttpServerResponse.raw(outlet.stream, { contentType, headers: { ...headers, ...added } })
      }),
      Effect.onError(() => Effect.sync(() => outlet.destroy()))
    )
  })

/** A browser's `EventSource` comes back until it is told that there is nothing more (HTML 9.2.3). */
export const nothing = HttpServerResponse.empty({ status: 204, headers })

/** `isReturning`: the place is that of a `Last-Event-ID`, which the peer sends without being asked to. */
export const ofRun = Effect.fnUntraced(function*(
  live: Live["Service"],
  tenant: string,
  place: Place,
  options: StreamOptions & { readonly isReturning: boolean }
): Effect.fn.Return<HttpServerResponse.HttpServerResponse, Problem> {
  const row = yield* live.find(tenant, place)
  if (options.isReturning && row.endedAt !== undefined && row.head === place.position) return nothing
  return yield* stream(live, options, (outlet) => Effect.map(live.follow(outlet, tenant, place), (reader) => [reader]))
})

export const ofRuns = Effect.fnUntraced(function*(
  live: Live["Service"],
  tenant: string,
  places: ReadonlyArray<Place>,
  options: StreamOptions & { readonly isReturning: boolean }
): Effect.fn.Return<HttpServerResponse.HttpServerResponse, Problem> {
  const rows = yield* Effect.forEach(places, (place) => live.find(tenant, place))
  const isOver = rows.every((row, index) => row.endedAt !== undefined && row.head === places[index]?.position)
  if (options.isReturning && isOver) return nothing
  return yield* stream(
    live,
    options,
    (outlet) =>
      Effect.map(Effect.forEach(places, (place) => live.follow(outlet, tenant, place)), (readers) => {
        outlet.several(readers.map((reader, index) => [reader, places[index]?.position]))
        return readers
      })
  )
})

export const ofTenant = (
  live: Live["Service"],
  tenant: string,
  position: number | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problem> =>
  stream(live, { types: undefined }, (outlet) =>
    Effect.map(live.summaries(outlet, tenant, position), (reader) => {
      outlet.position(reader.position)
      return [reader]
    }))
