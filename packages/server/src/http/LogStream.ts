/** What the steps of a run print as server-sent events (HTML 9.2): `id` is the number of the line. */
import type { Client, LogEntry } from "@baton/contract/Client"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"

/** How long nothing may be sent: proxies end silent connections. */
const keepAlive = Duration.seconds(15)
/** A connection ends after this long, and its peer resumes: who may no longer read is found out then at the latest. */
const connectionFor = Duration.hours(1)
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

const frame = (entry: LogEntry): string =>
  Sse.encoder.write({ _tag: "Event", event: "log", id: String(entry.n), data: JSON.stringify(entry) })

export const response = (
  client: Client["Service"],
  run: string,
  options: { readonly path?: string; readonly after: number }
) =>
  HttpServerResponse.stream(
    client.logs(run, { ...options, follow: true }).pipe(
      Stream.map(frame),
      Stream.merge(Stream.as(Stream.tick(keepAlive), ": keep-alive\n\n"), { haltStrategy: "left" }),
      Stream.haltWhen(Effect.sleep(connectionFor)),
      Stream.encodeText
    ),
    { contentType: "text/event-stream; charset=utf-8", headers }
  )
