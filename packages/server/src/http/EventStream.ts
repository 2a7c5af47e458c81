/** Events of one run as server-sent events (HTML 9.2): `id` is the sequence, live events have none. */
import type { Client } from "@baton/contract/Client"
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import * as Duration from "effect/Duration"
import * as Sse from "effect/encoding/Sse"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"

/** How long nothing may be sent: proxies end silent connections. */
const keepAlive = Duration.seconds(15)
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }
const comment = ": keep-alive\n\n"

const frame = (envelope: EventEnvelope): string =>
  Sse.encoder.write({
    _tag: "Event",
    event: envelope.type,
    id: envelope.seq === undefined ? undefined : String(envelope.seq),
    data: JSON.stringify(envelope)
  })

export const response = (client: Client["Service"], run: string, after: number) =>
  HttpServerResponse.stream(
    client.events(run, { after, follow: true }).pipe(
      Stream.map(frame),
      Stream.merge(Stream.as(Stream.tick(keepAlive), comment), { haltStrategy: "left" }),
      Stream.encodeText
    ),
    { contentType: "text/event-stream; charset=utf-8", headers }
  )
