/** What an `http` step makes of an answer: the output for an expected status, a `StepError` for any other. */
import * as AttemptOutput from "@baton/engine/AttemptOutput"
import type { DialAnswer, DialError } from "@baton/engine/HttpDialer"
import type { StepError } from "@baton/kernel/StepError"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Result from "effect/Result"

/** Response headers that are kept, in the order of arrival. */
export const headersMax = 64
/** UTF-16 units of all kept headers together, names included. */
export const headersLengthMax = 16 * 1024
/** UTF-16 units of a failed answer's body that its error shows. */
export const excerptLengthMax = 500
/** Milliseconds: a server that asks for more patience than this gets this much. */
export const retryAfterMsMax = 60 * 60 * 1000

/** Statuses or ranges (`200`, `2xx`, `200-299`). Without any, everything below 400 is expected. */
export type Expected = ReadonlyArray<number | string> | undefined

export const isExpected = (status: number, expected: Expected): boolean =>
  expected === undefined ? status < 400 : expected.some((one) => matches(status, one))

const matches = (status: number, expected: number | string): boolean => {
  const text = String(expected).trim().toLowerCase()
  const range = /^(\d{3})-(\d{3})$/.exec(text)
  if (range !== null) return status >= Number(range[1]) && status <= Number(range[2])
  return /^[1-5]xx$/.test(text) ? Math.floor(status / 100) === Number(text[0]) : text === String(status)
}

export const output = (answer: DialAnswer): JsonObject => ({
  status: answer.status,
  headers: keptHeaders(answer.headers),
  body: body(answer)
})

/** Cookies are credentials of a session that nobody continues. */
const keptHeaders = (headers: DialAnswer["headers"]): { readonly [name: string]: string } => {
  const kept: Array<[string, string]> = []
  let length = 0
  for (const [name, value] of Object.entries(headers)) {
    if (name === "set-cookie" || name === "set-cookie2") continue
    length += name.length + value.length
    if (kept.length === headersMax || length > headersLengthMax) break
    kept.push([name, value.replaceAll("\0", "").toWellFormed()])
  }
  return Object.fromEntries(kept)
}

/**
 * JSON where the answer says it is (and is, within bounds), otherwise text; `{contentType, bytes, base64}` for what is
 * neither; null for an empty answer.
 */
const body = (answer: DialAnswer): Json => {
  if (answer.bytes.byteLength === 0) return null
  const contentType = answer.headers["content-type"] ?? ""
  const kind = contentType.split(";")[0]!.trim().toLowerCase()
  const text = binary.test(kind) ? undefined : decode(answer.bytes, contentType)
  if (text === undefined) {
    return {
      contentType: contentType === "" ? "application/octet-stream" : contentType,
      bytes: answer.bytes.byteLength,
      base64: Buffer.from(answer.bytes).toString("base64")
    }
  }
  const json = isJson(kind) ? parse(text) : undefined
  return json === undefined ? text : json
}

const binary = /^(image\/(?!svg)|audio\/|video\/|font\/|application\/(octet-stream|zip|gzip|pdf|wasm|x-tar))/

const isJson = (kind: string): boolean => kind === "application/json" || kind === "text/json" || kind.endsWith("+json")

/** `undefined` for bytes that are no text in the stated charset, or in UTF-8 where none is stated. */
const decode = (bytes: Uint8Array, contentType: string): string | undefined => {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? "utf-8"
  const decoded = Result.orElse(
    Result.try(() => new TextDecoder(charset, { fatal: true }).decode(bytes)),
    () => Result.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  )
  return Result.isFailure(decoded) || decoded.success.includes("\0") ? undefined : decoded.success
}

const parse = (text: string): Json | undefined => {
  const parsed = Result.try((): Json => JSON.parse(text))
  return Result.isSuccess(parsed) && AttemptOutput.problem(parsed.success) === undefined ? parsed.success : undefined
}

/** `now` in milliseconds since 1970: a date in `Retry-After` is counted from there. */
export const refused = (answer: DialAnswer, label: string, now: number): StepError => {
  const retryAfterMs = retryAfter(answer.headers["retry-after"], now)
  const shown = body(answer)
  const excerpt = typeof shown === "string" ? shown : shown === null ? "" : JSON.stringify(shown)
  return {
    code: "HTTP_STATUS",
    kind: "http",
    message: `${label} answered with status ${answer.status}.`,
    retryable: isRetryable(answer.status),
    status: answer.status,
    sent: true,
    ...(retryAfterMs === undefined ? undefined : { retryAfterMs }),
    ...(excerpt === "" ? undefined : { detail: { body: excerpt.slice(0, excerptLengthMax).toWellFormed() } })
  }
}

export const isRetryable = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599)

/** RFC 9110 10.2.3: seconds, or an HTTP date. Anything else says nothing. */
export const retryAfter = (value: string | undefined, now: number): number | undefined => {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d{1,15}$/.test(text)) return Math.min(Number(text) * 1000, retryAfterMsMax)
  if (!/^[A-Za-z]{3}/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), retryAfterMsMax)
}

/** A redirect that was not followed because the request holds a secret. */
export const redirected = (answer: DialAnswer, label: string): StepError => ({
  code: "REDIRECT_REFUSED",
  kind: "policy",
  message: `${label} answered with a redirect (${answer.status}); a query or body with a secret does not follow one.`,
  retryable: false,
  status: answer.status,
  sent: true
})

export const isRedirect = (answer: DialAnswer): boolean =>
  [301, 302, 303, 307, 308].includes(answer.status) && answer.headers["location"] !== undefined

const kinds = {
  refused: "policy",
  limit: "policy",
  timeout: "timeout",
  dns: "network",
  connect: "network",
  tls: "network",
  protocol: "network",
  aborted: "network"
} as const

export const unanswered = (error: DialError, label: string): StepError => {
  const kind = kinds[error.reason]
  return {
    code: kind === "timeout" ? "HTTP_TIMEOUT" : error.code,
    kind,
    message: `${label}: ${error.message}`,
    retryable: kind !== "policy",
    sent: error.sent
  }
}
