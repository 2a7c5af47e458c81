/** `GET /api/v1/runs/{id}/events`: a page of a run's events, or all of them as they come. */
import { Client, ClientError } from "@baton/contract/Client"
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import { Caller } from "@baton/contract/http/Access"
import * as Paging from "@baton/contract/http/Paging"
import { fromClientError, type Problem } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Stream from "effect/Stream"
import * as Accepted from "../http/Accepted.ts"
import { asked } from "../http/Asked.ts"
import * as Cursor from "./Cursor.ts"
import * as EventStream from "./EventStream.ts"
import { Live, type Place } from "./Live.ts"

/** Events that are looked through for one page. */
const scannedMax = 5000

interface EventsQuery {
  readonly after?: string | undefined
  readonly limit?: number | undefined
  readonly types?: string | undefined
}

export const tenantOf = Effect.map(Caller, ({ principal }) => principal.tenant)

export const refuse = (code: string, message: string): Effect.Effect<never, Problem> =>
  Effect.fail(fromClientError(new ClientError({ reason: "invalid", code, message })))

/** The last event that a browser has seen, which it sends by itself when it comes back. */
export const lastEventId = (request: HttpServerRequest): string | undefined => {
  const id = request.headers["last-event-id"]
  return id === undefined || id === "" ? undefined : id
}

/** A page holds what is there now; `next` is null at its end, and following goes on after the last `seq`. */
const page = Effect.fnUntraced(
  function*(
    client: Client["Service"],
    { position = 0, run }: Place,
    types: ReadonlySet<string> | undefined,
    limit: number = Paging.pageDefault
  ) {
    const items: Array<EventEnvelope> = []
    let scanned = 0
    let last = position
    yield* Stream.runForEachWhile(
      client.events(run, { after: position, follow: false }),
      (envelope) =>
        Effect.sync(() => {
          last = envelope.seq ?? last
          if (types?.has(envelope.type) !== false) items.push(envelope)
          return ++scanned < scannedMax && items.length < limit
        })
    )
    return { items, next: items.length === limit || scanned === scannedMax ? String(last) : null }
  }
)

export const events = Effect.fnUntraced(function*(run: string, query: EventsQuery, request: HttpServerRequest) {
  const form = yield* Accepted.check(request.headers["accept"])
  const live = yield* Live
  const tenant = yield* tenantOf
  const returning = lastEventId(request)
  const text = returning ?? query.after
  const position = text === undefined ? undefined : Cursor.position(text)
  if (text !== undefined && position === undefined) {
    return yield* refuse("CURSOR_UNKNOWN", Cursor.wrong(returning === undefined ? "after" : "Last-Event-ID", text))
  }
  const place = { run, position }
  const types = yield* Effect.mapError(Cursor.types(query.types), fromClientError)
  if (form === Accepted.events) {
    return yield* EventStream.ofRun(live, tenant, place, {
      request,
      types,
      isReturning: returning !== undefined
    })
  }
  yield* live.find(tenant, place)
  return yield* asked(Client, (client) => page(client, place, types, query.limit))
})
