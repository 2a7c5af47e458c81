/** Live streams as server-sent events (HTML 9.2): one run, many runs, all runs of a tenant. */
import type { Problem } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Scope from "effect/Scope"
import * as Handover from "./Handover.ts"
import type { Line } from "./Line.ts"
import type { Live, Place } from "./Live.ts"
import type { Reader } from "./Reader.ts"
import { type SseOptions, SseOutlet } from "./SseOutlet.ts"

export interface StreamOptions {
  readonly request: HttpServerRequest
  /** Event types that are wanted; absent: all. */
  readonly types: ReadonlySet<string> | undefined
  /** What the connection says of what it carries; absent: the frames as they are. */
  readonly outlet?: (options: SseOptions) => SseOutlet
  /** Added to those of every stream. */
  readonly headers?: { readonly [name: string]: string }
}

/** Nobody on the way may keep what is sent, or keep it back. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }
const streamHeaders = { ...headers, "content-type": "text/event-stream; charset=utf-8" }

/** Apart, so that what is kept for a connection holds nothing of its request. */
const closing = (live: Live["Service"], outlet: SseOutlet, scope: Scope.Closeable) => (): void => {
  outlet.lost()
  live.outlets.delete(outlet)
  live.fork(Scope.close(scope, Exit.void))
}

const beginning = (live: Live["Service"], outlet: SseOutlet, readers: ReadonlyArray<Reader>) => (line: Line): void => {
  outlet.begin(line, readers)
  live.opened(outlet)
}

/** A connection whose readers are gone when it is. */
const stream = (
  live: Live["Service"],
  { headers: added, outlet: make = (options) => new SseOutlet(options), request, types }: StreamOptions,
  fill: (outlet: SseOutlet) => Effect.Effect<ReadonlyArray<Reader>, Problem, Scope.Scope>
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problem> =>
  Effect.suspend(() => {
    const scope = Scope.makeUnsafe("sequential")
    const outlet = make({ now: live.now, limits: live.limits, types })
    const gone = closing(live, outlet, scope)
    return fill(outlet).pipe(
      Scope.provide(scope),
      Effect.map((readers) =>
        Handover.answer(request, { ...streamHeaders, ...added }, { begun: beginning(live, outlet, readers), gone })
      ),
      Effect.onError(() => Effect.sync(gone))
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
  position: number | undefined,
  request: HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problem> =>
  stream(
    live,
    { request, types: undefined },
    (outlet) =>
      Effect.map(live.summaries(outlet, tenant, position), (reader) => {
        outlet.position(reader.position)
        return [reader]
      })
  )
