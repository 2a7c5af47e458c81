/**
 * The only way out: every outgoing call of the product goes through this port (net's adapter is the only one that opens
 * sockets). The address that was checked is the address that is connected to; redirects are followed by hand and each
 * hop is checked again; credentials never ride in URLs. Interrupting the effect aborts the request.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

export interface DialRequest {
  readonly method: string
  readonly url: string
  /** Lower-case names. Redacted values are unwrapped only on the wire and dropped when a redirect leaves the origin. */
  readonly headers?: { readonly [name: string]: string | Redacted.Redacted<string> }
  readonly body?: Uint8Array | string
  /** From the start to the last byte of the answer. */
  readonly timeout?: Duration.Duration
  /** Bytes of the answer after decompression. */
  readonly bytesMax?: number
  /** 0 hands a redirect back as an ordinary answer. */
  readonly redirectsMax?: number
  /** Hosts this call may go to besides public ones: the operator's configuration, never a flow's. */
  readonly allow?: ReadonlyArray<string>
}

export interface DialResponse {
  readonly status: number
  /** Lower-case names; repeated headers are joined by `, `. */
  readonly headers: { readonly [name: string]: string }
  /** The URL that answered, after redirects. */
  readonly url: string
  readonly body: Stream.Stream<Uint8Array, DialError>
}

export interface DialAnswer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly url: string
  readonly bytes: Uint8Array
}

/** `code` is stable. `refused` is our own policy and never retried; `limit` is a cap of ours. */
export class DialError extends Schema.TaggedError<DialError>()("DialError", {
  reason: Schema.Literals(["refused", "dns", "connect", "tls", "timeout", "limit", "protocol", "aborted"]),
  /** Such as `URL_SCHEME`, `ADDRESS_PRIVATE`, `URL_CREDENTIALS`, `PORT_REFUSED`, `REDIRECTS_MAX`, `BODY_TOO_LARGE`. */
  code: Schema.String,
  message: Schema.String,
  /** False proves that no byte of the request left this machine. */
  sent: Schema.Boolean
}) {}

export class HttpDialer extends Context.Service<HttpDialer, {
  /** Opens a call; the body streams while the scope is open. */
  readonly dial: (request: DialRequest) => Effect.Effect<DialResponse, DialError, Scope.Scope>
  /** A call whose whole answer is read, within its limits. */
  readonly request: (request: DialRequest) => Effect.Effect<DialAnswer, DialError>
}>()("baton/engine/HttpDialer") {}
