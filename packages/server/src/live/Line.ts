/** The way to one peer of an event stream. */

/** Bytes that many peers get: as they are, and as one chunk of a chunked body (RFC 9112, 7.1); or text for one alone. */
export type Sendable = { readonly whole: Buffer; readonly chunk: Buffer } | string

export interface Line {
  /** Hands over; `flushed` is called when this is on the network, or the peer is gone. */
  readonly send: (bytes: Sendable, flushed?: () => void) => void
  /** Bytes handed over that this process still holds. */
  readonly waiting: number
  readonly end: () => void
  /** At once. */
  readonly destroy: () => void
}
