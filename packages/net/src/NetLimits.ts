/** The bounds of every outgoing call and of the sockets kept for them. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export interface Limits {
  /** From the start of a call to the last byte of its answer, when the call names no time of its own. */
  readonly timeout: Duration.Duration
  /** From the request to the end of the headers. A call that names its own time waits as long as that instead. */
  readonly headersTimeout: Duration.Duration
  /** For one address, TLS included. */
  readonly connectTimeout: Duration.Duration
  /** How long an unused socket is kept. */
  readonly keepAlive: Duration.Duration
  /** Bytes of an answer after decompression, when the call names no number of its own. */
  readonly bytesMax: number
  /** Bytes of an answer's headers. */
  readonly headersBytesMax: number
  /** Redirects followed, when the call names no number of its own. */
  readonly redirectsMax: number
  /** Characters of a URL. */
  readonly urlLengthMax: number
  /** Addresses of one name that are tried in turn while none accepts a connection. */
  readonly addressesMax: number
  /** Sockets to one address under one policy; further calls wait for one, within their time. */
  readonly socketsMax: number
  /** Pools of sockets kept; the one unused for longest is closed for a new one. */
  readonly poolsMax: number
}

export class NetLimits extends Context.Reference<Limits>("baton/net/NetLimits", {
  defaultValue: () => ({
    timeout: Duration.seconds(30),
    headersTimeout: Duration.seconds(30),
    connectTimeout: Duration.seconds(5),
    keepAlive: Duration.seconds(4),
    bytesMax: 16 * 1024 * 1024,
    headersBytesMax: 32 * 1024,
    redirectsMax: 5,
    urlLengthMax: 8192,
    addressesMax: 4,
    socketsMax: 64,
    poolsMax: 256
  })
}) {}
