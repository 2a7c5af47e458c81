/**
 * A server's event stream, followed to its end: a connection that is lost is made again from the last event that was
 * taken, so that nothing is missed and nothing comes twice.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { ClientError } from "../Client.ts"
import { ofBody } from "../http/Problems.ts"
import * as Remote from "./Remote.ts"

/** A server says something every 15 s; one that is silent for longer than this is gone. */
const silenceMax = Duration.seconds(45)
/** Connections in a row that bring nothing, before the server is given up. */
const triesMax = 8
/** First and longest wait before the next connection, in milliseconds; spread by half. */
const backoffMs = 100
const backoffMaxMs = 5_000
/** Events that may wait for a slow reader here; more wait in the connection. */
const bufferMax = 256

export interface Following<A> {
  /** Relative to the server. */
  readonly path: string
  readonly query: { readonly [name: string]: string }
  /** The last event that is known already. */
  readonly after: number
  /** What a frame holds: its place in the stream (none: it is live), and what it is. `undefined`: not for us. */
  readonly read: (event: Sse.Event) => { readonly at: number | undefined; readonly item: A } | undefined
  /** After the server has ended the stream: whether there is nothing more to come after `at`. */
  readonly isOver: (at: number) => Effect.Effect<boolean, ClientError>
}

/** The connection is gone; whatever it was, it may be made again. */
interface Lost {
  readonly kind: "lost"
  readonly error: ClientError
}
interface Refused {
  readonly kind: "refused"
  readonly error: ClientError
}

const lost = (error: ClientError): Lost => ({ kind: "lost", error })

const refusal = Effect.fnUntraced(function*(remote: Remote.Remote, response: HttpClientResponse.HttpClientResponse) {
  const body = yield* Effect.catch(response.json, () => Effect.succeed(undefined))
  const error = ofBody(body) ??
    Remote.unreachable(remote.url, `answered ${response.status} to a request for events`)
  const kind = response.status === 429 || response.status >= 500 ? "lost" as const : "refused" as const
  return yield* Effect.fail({ kind, error })
})

/** One connection, until the server ends it. `take` is given what arrives, in order. */
const once = <A>(
  remote: Remote.Remote,
  { path, query, read }: Following<A>,
  after: number,
  take: (found: ReadonlyArray<{ readonly at: number | undefined; readonly item: A }>) => Effect.Effect<void, Lost>
): Effect.Effect<void, Lost | Refused> =>
  Effect.scoped(Effect.gen(function*() {
    const request = HttpClientRequest.get(path, { urlParams: query }).pipe(
      HttpClientRequest.accept("text/event-stream"),
      HttpClientRequest.setHeader("last-event-id", String(after))
    )
    const response = yield* Effect.mapError(remote.http.execute(request), (error) =>
      lost(Remote.failure(remote.url, error)))
    // There is nothing after what was seen last, and there will be nothing.
    if (response.status === 204) {
      return
    }
    if (response.status !== 200) {
      return yield* refusal(remote, response)
    }
    const arrived: Array<{ readonly at: number | undefined; readonly item: A }> = []
    const parser = Sse.makeParser((event) => {
      const found = event._tag === "Event" ? read(event) : undefined
      if (found !== undefined) {
        arrived.push(found)
      }
    })
    yield* response.stream.pipe(
      Stream.decodeText,
      Stream.timeoutOrElse({
        duration: silenceMax,
        orElse: () =>
          Stream.fail(Remote.unreachable(remote.url, "fell silent"))
      }),
      Stream.mapError((error) => lost(Remote.failure(remote.url, error))),
      Stream.runForEach((text) => {
        const fault = parser.feed(text)
        if (fault !== undefined) return Effect.fail(lost(Remote.unreachable(remote.url, fault.message)))
        return arrived.length === 0 ? Effect.void : take(arrived.splice(0))
      })
    )
  }))

const pause = (tries: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (chance) => {
    const longest = Math.min(backoffMaxMs, backoffMs * 2 ** tries)
    return Effect.sleep(Duration.millis(longest / 2 + (longest / 2) * chance))
  })

export const follow = <A>(remote: Remote.Remote, following: Following<A>): Stream.Stream<A, ClientError> =>
  Stream.callback<A, ClientError>((queue) =>
    Effect.gen(function*() {
      let after = following.after
      let tries = 0
      const take = Effect.fnUntraced(function*(found: ReadonlyArray<{ at: number | undefined; item: A }>) {
        for (const { at, item } of found) {
          // What was taken before the connection was lost may come again.
          if (at !== undefined && at <= after) continue
          yield* Queue.offer(queue, item)
          if (at !== undefined) after = at
          tries = 0
        }
      })
      for (;;) {
        const ended = yield* Effect.result(once(remote, following, after, take))
        if (Result.isFailure(ended) && ended.failure.kind === "refused") return yield* Effect.fail(ended.failure.error)
        if (Result.isSuccess(ended)) {
          const over = yield* Effect.result(following.isOver(after))
          if (Result.isSuccess(over) && over.success) return yield* Queue.end(queue)
          if (Result.isFailure(over) && over.failure.reason !== "unreachable") return yield* Effect.fail(over.failure)
        }
        if (tries >= triesMax) {
          return yield* Effect.fail(
            Result.isFailure(ended) ? ended.failure.error : Remote.unreachable(remote.url, "ends the stream at once")
          )
        }
        yield* pause(tries++)
      }
    }), { bufferSize: bufferMax, strategy: "suspend" })
