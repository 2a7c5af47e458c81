/**
 * The request of an `http` step, from its evaluated fields. Nothing here touches the network.
 *
 * Secrets may be in headers, query and body, never in the URL. Headers that hold one stay redacted down to the dialer;
 * a query or body with one is put together at the last moment, and redirects are then not followed.
 */
import type { DialRequest } from "@baton/engine/HttpDialer"
import type { StepContext } from "@baton/engine/StepType"
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** UTF-8 bytes of a request's body. */
export const requestBytesMax = 16 * 1024 * 1024
/** UTF-16 units of a URL with its query. */
export const urlLengthMax = 16 * 1024

export interface HttpRequest {
  readonly dial: DialRequest
  /** Method, scheme, host and path: what messages may say. */
  readonly label: string
  /** A secret is in the query or body: it must not follow a redirect. */
  readonly bound: boolean
}

export const make = Effect.fnUntraced(function*(context: StepContext): Effect.fn.Return<HttpRequest, StepError> {
  const { definition } = context.work
  const method = ("method" in definition ? definition.method ?? "GET" : "GET").toUpperCase()
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method)) return yield* invalid("METHOD_INVALID", `${method} is no HTTP method.`)
  const { url, written } = yield* urlOf(yield* context.field("url"))
  const headers = yield* headersOf(context, url.hostname)
  const query = yield* context.secretJson("query", url.hostname)
  const pairs = yield* pairsOf("query", reveal(query))
  const label = `${method} ${url.origin}${url.pathname}`
  const complete = pairs === "" ? written : `${written}${url.search === "" ? "?" : "&"}${pairs}`
  if (complete.length > urlLengthMax) {
    return yield* invalid("URL_INVALID", `The URL is longer than ${urlLengthMax} characters.`)
  }
  const body = yield* context.secretJson("body", url.hostname)
  const content = yield* contentOf(reveal(body), headers)
  const bound = Redacted.isRedacted(query) || Redacted.isRedacted(body)
  return {
    label,
    bound,
    dial: {
      method,
      url: complete,
      headers,
      ...(content === undefined ? undefined : { body: content }),
      ...(bound ? { redirectsMax: 0 } : undefined)
    }
  }
})

const reveal = (value: Json | Redacted.Redacted<Json>): Json =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

const invalid = (code: string, message: string): Effect.Effect<never, StepError> =>
  Effect.fail({ code, kind: "configuration", message, retryable: false, sent: false })

/** As it was written, too: the dialer refuses spellings of addresses and paths that a parsed URL no longer shows. */
const urlOf = (text: Json): Effect.Effect<{ readonly url: URL; readonly written: string }, StepError> => {
  const url = typeof text === "string" ? URL.parse(text) : null
  if (url === null) return invalid("URL_INVALID", "The url of an http step must be an absolute URL.")
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return invalid("URL_INVALID", `The url must begin with http:// or https://, not ${url.protocol}`)
  }
  if (url.username !== "" || url.password !== "") {
    return invalid("URL_INVALID", "Credentials do not belong into a URL; use a header with a secret.")
  }
  return Effect.succeed({ url, written: String(text).replace(/\??(?:#.*)?$/s, "") })
}

/** The dialer and the protocol own these. */
const ownedHeaders = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

type Headers = { [name: string]: string | Redacted.Redacted<string> }

const headersOf = Effect.fnUntraced(
  function*(context: StepContext, host: string): Effect.fn.Return<Headers, StepError> {
    const given = yield* context.secretField("headers", host)
    const headers: Headers = {}
    for (const [written, value] of Object.entries(given)) {
      const name = written.toLowerCase()
      if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/.test(name)) {
        return yield* invalid("HEADER_INVALID", `${JSON.stringify(written.slice(0, 80))} is no header name.`)
      }
      if (ownedHeaders.has(name)) return yield* invalid("HEADER_REFUSED", `The header ${name} cannot be set by a flow.`)
      // oxlint-disable-next-line no-control-regex -- RFC 9110: these are what a field value must not hold
      if (/[\0-\x08\x0A-\x1F\x7F]|[^\0-\xFF]/.test(Redacted.isRedacted(value) ? Redacted.value(value) : value)) {
        return yield* invalid(
          "HEADER_INVALID",
          `The value of the header ${name} holds characters that headers cannot hold.`
        )
      }
      headers[name] = value
    }
    if (context.work.effect === "keyed") headers["idempotency-key"] ??= context.key
    return headers
  }
)

/** `application/x-www-form-urlencoded` pairs: lists repeat their name, null leaves it out. */
const pairsOf = (field: string, value: Json): Effect.Effect<string, StepError> => {
  if (value === null) return Effect.succeed("")
  if (typeof value !== "object" || Array.isArray(value)) {
    return invalid("FIELD_INVALID", `${field} must be an object of names and values.`)
  }
  const pairs: Array<string> = []
  for (const [name, member] of Object.entries(value)) {
    for (const one of Array.isArray(member) ? member : [member]) {
      if (one === null) continue
      if (typeof one === "object") {
        return invalid(
          "FIELD_INVALID",
          `${field}: ${name.slice(0, 80)} must be text, a number, a boolean or a list of them.`
        )
      }
      pairs.push(`${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(String(one).toWellFormed())}`)
    }
  }
  return Effect.succeed(pairs.join("&"))
}

/** Text goes as it is; anything else as a form where the author says so, else as JSON. */
const contentOf = Effect.fnUntraced(function*(body: Json, headers: Headers) {
  if (body === null) return undefined
  const given = headers["content-type"]
  const form = typeof given === "string" && given.toLowerCase().startsWith("application/x-www-form-urlencoded")
  const content = typeof body === "string"
    ? body
    : form
    ? yield* pairsOf("body", body)
    : JSON.stringify(body)
  headers["content-type"] ??= typeof body === "string" ? "text/plain; charset=utf-8" : "application/json"
  if (Buffer.byteLength(content) > requestBytesMax) {
    return yield* invalid("BODY_TOO_LARGE", `The body is larger than ${requestBytesMax} bytes.`)
  }
  return content
})
