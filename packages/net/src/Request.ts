/** A call made ready for its first hop: method and headers checked, secrets marked. */
import type { DialRequest } from "@baton/engine/HttpDialer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Body from "./Body.ts"
import type { Header, Hop } from "./Redirect.ts"
import type { Problem } from "./UrlCheck.ts"

export const fromDial = (request: DialRequest): Result.Result<Hop, Problem> =>
  Result.gen(function*() {
    const method = yield* methodOf(request.method)
    const headers: Array<Header> = []
    for (const [key, value] of Object.entries(request.headers ?? {})) {
      headers.push(yield* headerOf(key.toLowerCase(), value))
    }
    return { method, body: request.body, headers: [...headers, ...defaults.filter(isMissing(headers))] }
  })

const refuse = (code: Problem["code"], message: string) => Result.fail({ code, message })

/** The methods that the Fetch standard writes in capitals whatever the caller wrote. */
const normalised: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])

/** CONNECT opens a tunnel past every check; TRACE sends the request's secrets back. */
const refusedMethods: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/

const methodOf = (text: string): Result.Result<string, Problem> => {
  const upper = text.toUpperCase()
  if (!token.test(text) || refusedMethods.has(upper)) return refuse("METHOD_REFUSED", "This method is not allowed.")
  return Result.succeed(normalised.has(upper) ? upper : text)
}

/** Set by the connection itself; from a caller they would smuggle a second request or another host. */
const refusedHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

/** RFC 9110 §5.5, one octet per character. */
// oxlint-disable-next-line no-control-regex
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

const headerOf = (name: string, value: string | Redacted.Redacted<string>): Result.Result<Header, Problem> => {
  if (!token.test(name)) return refuse("HEADER_INVALID", "A header's name is not a token.")
  if (refusedHeaders.has(name)) return refuse("HEADER_REFUSED", `The header ${name} belongs to the connection.`)
  const secret = Redacted.isRedacted(value)
  const text = secret ? Redacted.value(value) : value
  return fieldValue.test(text)
    ? Result.succeed({ name, value: text, secret })
    : refuse("HEADER_INVALID", `The header ${name} holds a line break or a character outside Latin-1.`)
}

const defaults: ReadonlyArray<Header> = [
  { name: "accept", value: "*/*", secret: false },
  { name: "accept-encoding", value: Body.acceptEncoding, secret: false },
  { name: "user-agent", value: "baton", secret: false }
]

const isMissing = (headers: ReadonlyArray<Header>) => ({ name }: Header) =>
  headers.every((header) => header.name !== name)
