/**
 * What the steps of a run print as server-sent events (HTML 9.2): `id` is the number of the line. Each stream looks at the
 * store by itself, so a server has a bounded number of them, and each ends after its time: its reader resumes.
 */
import { type Client, ClientError, type LogEntry } from "@baton/contract/Client"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { Live } from "../live/Live.ts"

/** How long nothing may be sent: proxies end silent connections. */
const keepAlive = Duration.seconds(15)
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

const frame = (entry: LogEntry): string =>
  Sse.encoder.write({ _tag: "Event", event: "log", id: String(entry.n), data: JSON.stringify(entry) })

const tooMany = (max: number): ClientError =>
  new ClientError({
    reason: "unavailable",
    code: "LOG_STREAMS_MAX",
    message: `${max} logs are being followed`,
    hint: "ask for pages of the log, or again later"
  })

export const response = Effect.fnUntraced(function*(
  { limits, logs }: Live["Service"],
  client: Client["Service"],
  run: string,
  options: { readonly path?: string; readonly after: number }
) {
  if (logs.open >= limits.logStreamsMax) return yield* Effect.fail(tooMany(limits.logStreamsMax))
  const counted = Effect.acquireRelease(
    Effect.sync(() => {
      logs.open++
    }),
    () =>
      Effect.sync(() => {
        logs.open--
      })
  )
  const lines = Stream.unwrap(Effect.as(counted, client.logs(run, { ...options, follow: true })))
  return HttpServerResponse.stream(
    lines.pipe(
      Stream.map(frame),
      Stream.merge(Stream.as(Stream.tick(keepAlive), ": keep-alive\n\n"), { haltStrategy: "left" }),
      Stream.interruptWhen(Effect.sleep(limits.connectionFor)),
      Stream.encodeText
    ),
    { contentType: "text/event-stream; charset=utf-8", headers }
  )
})
