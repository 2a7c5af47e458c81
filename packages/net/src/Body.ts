/**
 * The bytes of an answer: decoded, counted, and handed out as fast as they are taken and no faster. A cap counts what
 * comes out of the decoders, so a small answer that unpacks into a large one is cut at the cap, not at the end of memory.
 */
import { DialError } from "@baton/engine/HttpDialer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import { pipeline, Readable, type Transform } from "node:stream"
import * as zlib from "node:zlib"
import { BUFFER_MAX, type ByteSource, END, type Exchange, type Head, PENDING, type Taken } from "./Exchange.ts"
import * as Failure from "./Failure.ts"

/** Codings that may be laid over each other. */
export const ENCODINGS_MAX = 2

/** Bytes that a compressed answer may be longer than its content, for headers and for data that does not shrink. */
export const COMPRESSION_OVERHEAD_MAX = 64 * 1024

/** RFC 9659: a zstd answer needs a window of at most 8 MiB; a larger one would cost that much memory per call. */
export const ZSTD_WINDOW_LOG_MAX = 23

export const acceptEncoding = "gzip, deflate, br, zstd"

export interface Answer extends Head {
  readonly source: ByteSource
}

/** Puts decoders and caps on an answer; the headers then describe the bytes that a reader gets. */
export const open = (
  exchange: Exchange,
  head: Head,
  options: { readonly method: string; readonly host: string; readonly bytesMax: number }
): Result.Result<Answer, DialError> => {
  const { bytesMax, host, method } = options
  const empty = method === "HEAD" || head.status === 204 || head.status === 304
  const encodings = empty ? [] : encodingsOf(head.headers["content-encoding"])
  const encoded = encodings.length > 0
  if (encodings.length > ENCODINGS_MAX || encodings.some((encoding) => !isKnown(encoding))) {
    return Result.fail(
      Failure.failure(
        "ENCODING_UNKNOWN",
        `${host} encoded its answer in a way this client does not read.`,
        exchange.sent
      )
    )
  }
  const receivedMax = bytesMax + (encoded ? COMPRESSION_OVERHEAD_MAX : 0)
  if (!empty && Number(head.headers["content-length"] ?? 0) > receivedMax) return Result.fail(tooLarge(host, exchange))
  exchange.limitReceived(receivedMax)
  if (!encoded) return Result.succeed({ ...head, source: exchange })
  const { "content-encoding": _, "content-length": __, ...headers } = head.headers
  return Result.succeed({ status: head.status, headers, source: new Decoded(exchange, encodings, options) })
}

/** The next bytes, the end, or why there will be no more. One reader at a time. */
export const pull = (source: ByteSource): Pull.Pull<readonly [Uint8Array, ...Array<Uint8Array>], DialError> =>
  Effect.suspend(() => settled(source.take()) ?? wait(source))

const wait = (source: ByteSource): ReturnType<typeof pull> =>
  Effect.callback((resume) => {
    source.onProgress = () => {
      const now = settled(source.take())
      if (now === undefined) return
      source.onProgress = () => {}
      resume(now)
    }
    source.onProgress()
    return Effect.sync(() => {
      source.onProgress = () => {}
    })
  })

const settled = (taken: Taken): ReturnType<typeof pull> | undefined => {
  switch (taken._tag) {
    case "Bytes": {
      const [first, ...rest] = taken.chunks
      return first === undefined ? undefined : Effect.succeed([first, ...rest])
    }
    case "End":
      return Cause.done()
    case "Failed":
      return Effect.fail(taken.error)
    case "Pending":
      return undefined
  }
}

const tooLarge = (host: string, exchange: Exchange): DialError =>
  Failure.failure("BODY_TOO_LARGE", `The answer of ${host} is larger than allowed.`, exchange.sent)

const encodingsOf = (header: string | undefined): ReadonlyArray<string> =>
  (header ?? "").toLowerCase().split(",").map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== "" && encoding !== "identity")

const isKnown = (encoding: string): boolean => Object.hasOwn(decoders, encoding)

/** Each is made when the first byte is known: `deflate` is sent with and without its zlib wrapper. */
const decoders: { readonly [encoding: string]: (first: number) => Transform } = {
  gzip: () => zlib.createGunzip(),
  "x-gzip": () => zlib.createGunzip(),
  deflate: (first) => (first & 0x0f) === 0x08 ? zlib.createInflate() : zlib.createInflateRaw(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } })
}

class Decoded implements ByteSource {
  onProgress: () => void = () => {}

  readonly #exchange: Exchange
  readonly #encodings: ReadonlyArray<string>
  readonly #host: string
  readonly #bytesMax: number
  #feed: Readable | undefined
  #output: Transform | undefined
  #given = 0
  #ended = false
  #error: DialError | undefined

  constructor(
    exchange: Exchange,
    encodings: ReadonlyArray<string>,
    { bytesMax, host }: { readonly bytesMax: number; readonly host: string }
  ) {
    this.#exchange = exchange
    this.#encodings = encodings
    this.#host = host
    this.#bytesMax = bytesMax
    exchange.onProgress = () => this.onProgress()
  }

  get finished(): boolean {
    return this.#ended || this.#error !== undefined
  }

  take(): Taken {
    if (this.#error !== undefined) return { _tag: "Failed", error: this.#error }
    if (this.#output === undefined) return this.#begin()
    const chunk: Buffer | null = this.#output.read()
    if (chunk === null) return this.#ended ? END : PENDING
    this.#given += chunk.length
    if (this.#given <= this.#bytesMax) return { _tag: "Bytes", chunks: [chunk] }
    const error = tooLarge(this.#host, this.#exchange)
    this.abort(error)
    return { _tag: "Failed", error }
  }

  abort(error: DialError): void {
    if (this.finished) return
    this.#error = error
    this.#exchange.abort(error)
    this.#feed?.destroy()
    this.onProgress()
  }

  #begin(): Taken {
    const taken = this.#exchange.take()
    if (taken._tag !== "Bytes") return taken
    const first = taken.chunks[0]?.[0] ?? 0
    const stages = this.#encodings.toReversed().map((encoding) => decoders[encoding]?.(first)).filter((_) =>
      _ !== undefined
    )
    const feed = new Readable({ highWaterMark: BUFFER_MAX, read: () => this.#pass() })
    for (const chunk of taken.chunks) feed.push(chunk)
    this.#feed = feed
    this.#output = stages[stages.length - 1]
    this.#output?.on("readable", () => this.onProgress()).on("end", () => this.#finish(undefined))
    // The callback comes when all is written, not when all is read: it may tell of errors, never of the end.
    pipeline([feed, ...stages], (error) => error && this.#finish(error))
    this.#output?.on("error", (error) => this.#finish(error))
    return PENDING
  }

  /** Moves what the socket brought into the decoders, now or when there is something. */
  #pass(): void {
    const taken = this.#exchange.take()
    this.#exchange.onProgress = taken._tag === "Pending" ? () => this.#pass() : () => {}
    if (taken._tag === "Bytes") { for (const chunk of taken.chunks) this.#feed?.push(chunk) }
    else if (taken._tag === "End") this.#feed?.push(null)
    else if (taken._tag === "Failed") this.#feed?.destroy(taken.error)
  }

  #finish(error: Error | undefined): void {
    if (error === undefined) this.#ended = true
    else if (!this.#ended && this.#error === undefined) {
      const undecodable = Failure.failure(
        "ENCODING_INVALID",
        `The answer of ${this.#host} cannot be decoded.`,
        this.#exchange.sent
      )
      this.#error = error instanceof DialError ? error : undecodable
      this.#exchange.abort(this.#error)
    }
    this.onProgress()
  }
}
