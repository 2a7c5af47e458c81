/** The body of an answer, read within bounds. */
import type { DialError } from "@baton/engine/HttpDialer"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Joins pieces that arrive one after another. */
export const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/** The whole body; the dialer's `bytesMax` is its bound. */
export const bytes = (body: Stream.Stream<Uint8Array, DialError>): Effect.Effect<Uint8Array, DialError> =>
  Effect.map(Stream.runCollect(body), join)

/** At most the first `max` bytes; what was not read is not waited for. */
export const head = (body: Stream.Stream<Uint8Array, DialError>, max: number): Effect.Effect<Uint8Array, DialError> =>
  Stream.suspend(() => {
    let taken = 0
    return Stream.takeUntil(body, (piece) => (taken += piece.length) >= max)
  }).pipe(Stream.runCollect, Effect.map((pieces) => join(pieces).subarray(0, max)))

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export const stream = (bytes: Uint8Array): Stream.Stream<Uint8Array> =>
  bytes.length === 0 ? Stream.empty : Stream.make(bytes)
