/**
 * The codes of a `DialError` and the one place where failures of sockets, TLS and undici become one. Messages name the
 * host at most: never a path, a query, a header's value or a driver's text, which could hold a secret.
 */
import { DialError } from "@baton/engine/HttpDialer"
import type * as Dns from "effect/net/Dns"
import { errors } from "undici"

export type Reason = DialError["reason"]

/** Every code, with the reason it comes under. Codes are stable: callers match on them. */
export const reasons = {
  URL_INVALID: "refused",
  URL_SCHEME: "refused",
  URL_CREDENTIALS: "refused",
  URL_SPELLING: "refused",
  URL_TOO_LONG: "limit",
  PORT_REFUSED: "refused",
  PATH_REFUSED: "refused",
  ADDRESS_PRIVATE: "refused",
  ALLOW_INVALID: "refused",
  METHOD_REFUSED: "refused",
  REQUEST_INVALID: "refused",
  HEADER_REFUSED: "refused",
  HEADER_INVALID: "refused",
  REDIRECT_DOWNGRADE: "refused",
  REDIRECTS_MAX: "limit",
  DNS_NAME_INVALID: "dns",
  DNS_NOT_FOUND: "dns",
  DNS_FAILED: "dns",
  CONNECT_REFUSED: "connect",
  CONNECT_UNREACHABLE: "connect",
  CONNECT_FAILED: "connect",
  CONNECTION_LOST: "connect",
  TLS_CERTIFICATE: "tls",
  TLS_FAILED: "tls",
  TIMEOUT_CONNECT: "timeout",
  TIMEOUT_HEADERS: "timeout",
  TIMEOUT_TOTAL: "timeout",
  HEADERS_TOO_LARGE: "limit",
  BODY_TOO_LARGE: "limit",
  RESPONSE_INVALID: "protocol",
  RESPONSE_TRUNCATED: "protocol",
  ENCODING_UNKNOWN: "protocol",
  ENCODING_INVALID: "protocol",
  DIALER_CLOSED: "aborted",
  CALL_CLOSED: "aborted"
} as const satisfies { readonly [code: string]: Reason }

export type Code = keyof typeof reasons

export const failure = (code: Code, message: string, sent: boolean): DialError =>
  new DialError({ reason: reasons[code], code, message, sent })

/** A name that would not resolve. No request is on the wire, but an earlier hop's may have been. */
export const fromDns = (name: string, error: Dns.DnsError, sent: boolean): DialError => {
  switch (error.reason) {
    case "BadName":
      return failure("DNS_NAME_INVALID", `${name} is not a host name.`, sent)
    case "NotFound":
      return failure("DNS_NOT_FOUND", `${name} has no address.`, sent)
    default:
      return failure("DNS_FAILED", `The address of ${name} could not be looked up (${error.reason}).`, sent)
  }
}

/** Where a call stood when it failed. */
export interface Progress {
  readonly host: string
  readonly secure: boolean
  /** A byte of this hop's request may have left. */
  readonly started: boolean
  /** The answer's status line and headers are here. */
  readonly answered: boolean
  /** A byte of this or an earlier hop's request may have left. */
  readonly sent: boolean
}

export const fromDriver = (error: unknown, progress: Progress): DialError => {
  if (error instanceof DialError) return error
  const code = codeOf(error)
  const fail = (as: Code, message: string) => failure(as, message, progress.sent)
  const { host } = progress
  if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED") return fail("DIALER_CLOSED", "The dialer is closed.")
  if (code === "UND_ERR_CONNECT_TIMEOUT") return fail("TIMEOUT_CONNECT", `${host} did not accept a connection in time.`)
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") {
    return fail("REQUEST_INVALID", "The request cannot be written as HTTP.")
  }
  if (!progress.started) return fromConnect(code, progress)
  if (code === "UND_ERR_HEADERS_TIMEOUT") return fail("TIMEOUT_HEADERS", `${host} sent no headers in time.`)
  if (code === "UND_ERR_BODY_TIMEOUT") return fail("TIMEOUT_TOTAL", `${host} stopped sending.`)
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "HPE_HEADER_OVERFLOW") {
    return fail("HEADERS_TOO_LARGE", `The headers of the answer of ${host} are longer than allowed.`)
  }
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") {
    return fail("RESPONSE_TRUNCATED", `${host} announced another length than it sent.`)
  }
  if (error instanceof errors.HTTPParserError) return fail("RESPONSE_INVALID", `The answer of ${host} is not HTTP.`)
  return progress.answered
    ? fail("RESPONSE_TRUNCATED", `The connection to ${host} broke in the middle of the answer.`)
    : fail("CONNECTION_LOST", `The connection to ${host} broke before it answered.`)
}

const fromConnect = (code: string, { host, secure, sent }: Progress): DialError => {
  if (code === "ECONNREFUSED") return failure("CONNECT_REFUSED", `${host} refused the connection.`, sent)
  if (unreachable.has(code)) return failure("CONNECT_UNREACHABLE", `${host} cannot be reached (${code}).`, sent)
  if (code === "ETIMEDOUT") return failure("TIMEOUT_CONNECT", `${host} did not accept a connection in time.`, sent)
  if (secure && certificate.test(code)) {
    return failure("TLS_CERTIFICATE", `The certificate of ${host} is not valid for it (${code}).`, sent)
  }
  return secure && (code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_") || code === "EPROTO")
    ? failure("TLS_FAILED", `No TLS connection to ${host} (${code}).`, sent)
    : failure("CONNECT_FAILED", `No connection to ${host}${code === "" ? "" : ` (${code})`}.`, sent)
}

const unreachable: ReadonlySet<string> = new Set([
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "EHOSTDOWN",
  "ENETDOWN"
])

/** The verification codes of OpenSSL as Node names them, and Node's own for the name. */
const certificate = /CERT|SIGNED|^UNABLE_TO_|HOSTNAME_MISMATCH|ALTNAME|^CRL_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : ""
