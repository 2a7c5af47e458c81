/** The endpoints of live streams. */
import { Api } from "@baton/contract/http/Api"
import { fromClientError } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Cursor from "./Cursor.ts"
import * as EventStream from "./EventStream.ts"
import { Live } from "./Live.ts"
import { lastEventId, refuse, tenantOf } from "./RunEventsHandler.ts"
import * as WebSocket from "./WebSocket.ts"

const events = Effect.fnUntraced(function*(
  live: Live["Service"],
  request: HttpServerRequest,
  query: { readonly after: string; readonly types?: string | undefined }
) {
  const listed = Cursor.places(query.after)
  if (listed === undefined) return yield* refuse("CURSOR_UNKNOWN", Cursor.wrong("after", query.after))
  if (listed.length > live.limits.runsMax) {
    const message = `one connection follows ${live.limits.runsMax} runs, not ${listed.length}`
    return yield* refuse("RUNS_MAX", message)
  }
  const id = lastEventId(request)
  const places = id === undefined ? listed : Cursor.resumed(listed, id)
  if (places === undefined) return yield* refuse("CURSOR_UNKNOWN", Cursor.wrong("Last-Event-ID", id ?? ""))
  return yield* EventStream.ofRuns(live, yield* tenantOf, places, {
    request,
    types: yield* Effect.mapError(Cursor.types(query.types), fromClientError),
    isReturning: id !== undefined
  })
})

const stream = Effect.fnUntraced(function*(live: Live["Service"], request: HttpServerRequest, after?: string) {
  const returning = lastEventId(request)
  const text = returning ?? after
  const position = text === undefined ? undefined : Cursor.position(text)
  if (text !== undefined && position === undefined) {
    return yield* refuse("CURSOR_UNKNOWN", Cursor.wrong(returning === undefined ? "after" : "Last-Event-ID", text))
  }
  return yield* EventStream.ofTenant(live, yield* tenantOf, position, request)
})

export const LiveHandlers = HttpApiBuilder.group(
  Api,
  "live",
  Effect.fnUntraced(function*(handlers) {
    const live = yield* Live
    const socket = WebSocket.make(live)
    return handlers.handleAll({
      events: ({ query, request }) => events(live, request, query),
      stream: ({ query, request }) => stream(live, request, query.after),
      socket: ({ request }) => Effect.flatMap(tenantOf, (tenant) => socket(tenant, request))
    })
  })
)
