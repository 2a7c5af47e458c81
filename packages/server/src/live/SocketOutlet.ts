/** A WebSocket as a connection. */
import { closeCodes, type ServerMessage } from "@baton/contract/LiveMessage"
import type * as NodeWS from "@effect/platform-node/NodeWS"
import * as Duration from "effect/Duration"
import type { Batch } from "./Frame.ts"
import type { LiveLimits } from "./LiveLimits.ts"
import { Outlet, type Source } from "./Outlet.ts"

export interface SocketOptions {
  readonly socket: NodeWS.WebSocket
  readonly limits: LiveLimits
  readonly now: () => number
  /** A message of the peer; false: it cannot be taken. */
  readonly heard: (text: string) => boolean
  /** The last frame of a source has been sent. */
  readonly ended: (source: Source) => void
  readonly closed: () => void
}

/** Questions without an answer after which a peer is taken for dead. */
const unansweredMax = 2
const secondMs = 1000

export class SocketOutlet extends Outlet {
  readonly #socket: NodeWS.WebSocket
  readonly #limits: LiveLimits
  readonly #clock: () => number
  readonly #ended: (source: Source) => void
  #askedAt: number
  #unanswered = 0
  #second = 0
  #messages = 0

  constructor({ closed, ended, heard, limits, now, socket }: SocketOptions) {
    super(now)
    this.#socket = socket
    this.#limits = limits
    this.#clock = now
    this.#ended = ended
    this.#askedAt = now()
    socket.on("message", (data, isBinary) => {
      if (this.#isTooFast() || !heard(isBinary ? "" : String(data))) {
        this.#close(closeCodes.tooManyMessages, "too many messages")
      }
    })
    // Each is answered: without a bound, a peer that asks and takes nothing would fill this process.
    socket.on("ping", () => {
      if (this.#isTooFast()) this.#close(closeCodes.tooManyMessages, "too many messages")
    })
    socket.on("pong", () => {
      this.#unanswered = 0
    })
    // What is wrong closes the socket, with its code.
    socket.on("error", () => undefined)
    socket.on("close", () => {
      this.isClosed = true
      closed()
    })
  }

  #isTooFast(): boolean {
    const second = Math.floor(this.#clock() / secondMs)
    if (second !== this.#second) this.#messages = 0
    this.#second = second
    return ++this.#messages > this.#limits.messagesPerSecondMax
  }

  #close(code: number, reason: string): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#socket.close(code, reason)
  }

  readonly #flushed = (): void => {
    if (this.isFull && this.#socket.bufferedAmount <= this.#limits.pendingBytesMax / 2) this.drained()
  }

  get #hasRoom(): boolean {
    return this.#socket.bufferedAmount < this.#limits.pendingBytesMax
  }

  say(message: ServerMessage): void {
    if (this.isClosed) return
    this.#socket.send(JSON.stringify(message), this.#flushed)
    this.sent(this.#hasRoom)
  }

  protected write(batch: Batch): boolean {
    const { messages } = batch
    for (const [index, message] of messages.entries()) {
      this.#socket.send(message, { binary: false }, index === messages.length - 1 ? this.#flushed : undefined)
    }
    return this.#hasRoom
  }

  protected done(source: Source): void {
    this.#ended(source)
  }

  /** Asks whether the peer lives; its silence is no reason to wait for its TCP. */
  override care(now: number): void {
    if (now - this.#askedAt < Duration.toMillis(this.#limits.pingEvery)) return
    if (this.#unanswered >= unansweredMax) return this.destroy()
    this.#askedAt = now
    this.#unanswered++
    this.#socket.ping()
  }

  keepAlive(): void {}

  overflow(): void {
    this.#close(closeCodes.overflow, "you take nothing; come back and resume")
  }

  stop(): void {
    this.#close(closeCodes.goingAway, "the server stops; come back and resume")
  }

  destroy(): void {
    this.isClosed = true
    this.#socket.terminate()
  }
}
