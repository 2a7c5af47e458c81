/**
 * What a live stream carries, whatever carries it: an event's envelope, the snapshot a reader begins with, the end of a
 * run, a run's summary. Each is encoded once and shared by all its readers.
 */
import type { EventEnvelope } from "@baton/contract/EventEnvelope"

export interface Frame {
  /** The run it is about. */
  readonly run: string
  /** Where the stream resumes after it; absent on live events, which may be lost (SEMANTICS 8.12b). */
  readonly seq: number | undefined
  /** An event's type; `snapshot`, `end` or `run` for what is no event. */
  readonly event: string
  /** JSON text. */
  readonly data: string
}

export const fromEnvelope = (run: string, envelope: EventEnvelope): Frame => ({
  run,
  seq: envelope.seq,
  event: envelope.type,
  data: JSON.stringify(envelope)
})

/** Bytes of a frame as sent, near enough to bound memory by. */
export const sizeOf = (frame: Frame): number => frame.data.length + frame.event.length + 64

/** One frame as server-sent event (HTML 9.2); JSON text has no line break of its own. */
export const sse = (frame: Frame, id: string | undefined): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${frame.event}\ndata: ${frame.data}\n\n`

/** One frame as message of a WebSocket. */
export const message = ({ data, event, run, seq }: Frame): string =>
  `{"type":"frame","run":${JSON.stringify(run)},"event":${JSON.stringify(event)},${
    seq === undefined ? "" : `"seq":${seq},`
  }"data":${data}}`

/** A text as bytes, and the same bytes as a chunk (RFC 9112, 7.1); one of no bytes would be the last. */
export const chunked = (text: string): { readonly whole: Buffer; readonly chunk: Buffer } => {
  const size = Buffer.byteLength(text)
  const before = `${size.toString(16)}\r\n`
  const chunk = Buffer.from(`${before}${text}\r\n`)
  return { whole: chunk.subarray(before.length, before.length + size), chunk }
}

/** Consecutive frames of one source; what is encoded of them is encoded once. */
export class Batch {
  readonly frames: ReadonlyArray<Frame>
  /** Where a reader stands that has it; undefined: where it stood. */
  readonly to: number | undefined
  #sse: { readonly whole: Buffer; readonly chunk: Buffer } | undefined
  #messages: ReadonlyArray<Buffer> | undefined

  constructor(frames: ReadonlyArray<Frame>, to: number | undefined) {
    this.frames = frames
    this.to = to
  }

  /** As server-sent events of a stream of one source. */
  get sse(): { readonly whole: Buffer; readonly chunk: Buffer } {
    this.#sse ??= chunked(
      this.frames.map((frame) => sse(frame, frame.seq === undefined ? undefined : String(frame.seq))).join("")
    )
    return this.#sse
  }

  get messages(): ReadonlyArray<Buffer> {
    this.#messages ??= this.frames.map((frame) => Buffer.from(message(frame)))
    return this.#messages
  }
}

/** Cut into batches of at most `bytesMax`, each of one frame at least. */
export const batches = (frames: ReadonlyArray<Frame>, bytesMax: number): ReadonlyArray<Batch> => {
  const cut: Array<Batch> = []
  let from = 0
  let bytes = 0
  for (const [index, frame] of frames.entries()) {
    bytes += sizeOf(frame)
    if (index > from && bytes > bytesMax) {
      cut.push(new Batch(frames.slice(from, index), frames[index - 1]!.seq))
      from = index
      bytes = sizeOf(frame)
    }
  }
  if (from < frames.length) cut.push(new Batch(frames.slice(from), frames.at(-1)!.seq))
  return cut
}
