/**
 * One request and its answer on one socket, as undici drives them. It keeps what undici's own API hides: whether the
 * request was begun (`started`), and the bytes as they come, held back when nobody takes them.
 */
import type { DialError } from "@baton/engine/HttpDialer"
import type { Dispatcher } from "undici"
import * as Failure from "./Failure.ts"

/** Bytes kept for a reader before the socket is paused. */
export const BUFFER_MAX = 64 * 1024

export interface Head {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
}

/** What a reader finds: bytes, nothing yet, the end, or why there will be no more. */
export type Taken =
  | { readonly _tag: "Bytes"; readonly chunks: ReadonlyArray<Uint8Array> }
  | { readonly _tag: "Pending" }
  | { readonly _tag: "End" }
  | { readonly _tag: "Failed"; readonly error: DialError }

/** A source of bytes for one reader. */
export interface ByteSource {
  readonly take: () => Taken
  /** Nothing more will come but what is held already. */
  readonly finished: boolean
  /** Called when `take` may have something new; the reader sets it. */
  onProgress: () => void
  /** Ends the transfer if it still goes on: `take` answers with this error from then on. */
  readonly abort: (error: DialError) => void
}

export const PENDING: Taken = { _tag: "Pending" }
export const END: Taken = { _tag: "End" }

export class Exchange implements Dispatcher.DispatchHandler, ByteSource {
  started = false
  onProgress: () => void = () => {}

  readonly #host: string
  readonly #secure: boolean
  readonly #sentBefore: boolean
  readonly #answered: (result: Head | DialError) => void
  #controller: Dispatcher.DispatchController | undefined
  #head: Head | undefined
  #chunks: Array<Uint8Array> = []
  #held = 0
  #received = 0
  #receivedMax = Number.POSITIVE_INFINITY
  #ended = false
  #error: DialError | undefined

  constructor(
    hop: { readonly host: string; readonly secure: boolean; readonly sentBefore: boolean },
    answered: (result: Head | DialError) => void
  ) {
    this.#host = hop.host
    this.#secure = hop.secure
    this.#sentBefore = hop.sentBefore
    this.#answered = answered
  }

  get sent(): boolean {
    return this.#sentBefore || this.started
  }

  get finished(): boolean {
    return this.#ended || this.#error !== undefined
  }

  /** Caps the bytes as they come from the socket, before decompression. */
  limitReceived(max: number): void {
    this.#receivedMax = max
    if (this.#received > max) this.#tooLarge()
  }

  take(): Taken {
    if (this.#chunks.length > 0) {
      const chunks = this.#chunks
      this.#chunks = []
      this.#held = 0
      if (!this.finished) this.#controller?.resume()
      return { _tag: "Bytes", chunks }
    }
    if (this.#error !== undefined) return { _tag: "Failed", error: this.#error }
    return this.#ended ? END : PENDING
  }

  abort(error: DialError): void {
    if (this.finished) return
    this.#chunks = []
    this.#fail(error)
    this.#controller?.abort(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#error === undefined) this.started = true
    else controller.abort(this.#error)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return
    this.#head = { status, headers: joined(headers) }
    this.#answered(this.#head)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.finished) return
    this.#received += chunk.length
    if (this.#received > this.#receivedMax) return this.#tooLarge()
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held >= BUFFER_MAX) controller.pause()
    this.onProgress()
  }

  onResponseEnd(): void {
    this.#ended = true
    this.onProgress()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (!this.finished) this.#fail(this.#failureOf(error))
  }

  #failureOf(error: unknown): DialError {
    return Failure.fromDriver(error, {
      host: this.#host,
      secure: this.#secure,
      started: this.started,
      answered: this.#head !== undefined,
      sent: this.sent
    })
  }

  #tooLarge(): void {
    this.abort(Failure.failure("BODY_TOO_LARGE", `The answer of ${this.#host} is larger than allowed.`, this.sent))
  }

  #fail(error: DialError): void {
    this.#error = error
    if (this.#head === undefined) this.#answered(error)
    this.onProgress()
  }
}

type Headers = { readonly [name: string]: string | ReadonlyArray<string> | undefined }

const joined = (headers: Headers): Head["headers"] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) =>
      [name.toLowerCase(), typeof value === "string" ? value : (value ?? []).join(", ")] as const
    )
  )
