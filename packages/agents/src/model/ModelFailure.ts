/**
 * Failures of model calls in three vocabularies: the dialer's, `effect/ai`'s and the `Agents` port's.
 *
 * What the port needs and `effect/ai` has no field for (the wait a server asked for, whether anything was sent) travels in
 * the cause (`DialError`) and in the metadata of the reason.
 */
import { AgentError } from "@baton/engine/Agents"
import { DialError } from "@baton/engine/HttpDialer"
import * as AiError from "effect/ai/AiError"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { asSent, isQuotaSpent, isRetryableStatus, retryAfterMillis } from "../wire/HttpRetry.ts"

/** Characters of a server's own words that go into a message. */
const messageLengthMax = 500

/** Waits longer than a day are cut: some gateways answer with a Unix time. */
const retryAfterMillisMax = 24 * 60 * 60 * 1000

/** Where in the program, as `effect/ai` asks for it. */
export interface Where {
  readonly module: string
  readonly method: string
}

/** The call did not get an answer. */
export const fromDialError = (where: Where, url: string, error: DialError): AiError.AiError =>
  AiError.make({
    ...where,
    reason: new AiError.NetworkError({
      reason: "TransportError",
      method: "POST",
      url,
      description: error.message,
      cause: error
    })
  })

export interface HttpFailure {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
  /** Milliseconds since 1970, to read dates in headers. */
  readonly now: number
}

/** The server answered with an error status. */
export const fromHttp = (where: Where, failure: HttpFailure): AiError.AiError => {
  const { body, headers, now, status } = failure
  const asked = retryAfterMillis(headers, now)
  const waitMillis = asked === undefined ? undefined : Math.min(asked, retryAfterMillisMax)
  const description = words(body) ?? `The server answered ${status}.`
  const http = { response: { status, headers: {} } }
  const metadata = { baton: { retryAfterMs: waitMillis ?? null } }
  return AiError.make({ ...where, reason: reasonOf() })

  function reasonOf(): AiError.AiErrorReason {
    if (status === 429 && isQuotaSpent(body)) return new AiError.QuotaExhaustedError({ http })
    if (status === 429) {
      const retryAfter = waitMillis === undefined ? undefined : Duration.millis(waitMillis)
      return new AiError.RateLimitError({ http, metadata, ...(retryAfter === undefined ? {} : { retryAfter }) })
    }
    if (status === 401 || status === 403) {
      const kind = status === 401 ? "InvalidKey" as const : "InsufficientPermissions" as const
      return new AiError.AuthenticationError({ kind, description, http })
    }
    if (isRetryableStatus(status)) return new AiError.InternalProviderError({ description, http, metadata })
    if (/content_filter|content_policy|content management policy/i.test(body)) {
      return new AiError.ContentPolicyError({ description, http })
    }
    return new AiError.InvalidRequestError({ description, http })
  }
}

/** The port's error for a failed model call. `sent` is false only where that is proven. */
export const toAgentError = (error: AiError.AiError): AgentError => {
  const { reason } = error
  const base = { message: reason.message, retryable: reason.isRetryable }
  switch (reason._tag) {
    case "NetworkError":
      return fromNetwork(reason)
    case "RateLimitError":
    case "InternalProviderError":
    case "QuotaExhaustedError":
    case "AuthenticationError":
    case "ContentPolicyError":
    case "InvalidRequestError":
      return new AgentError({
        ...base,
        reason: reason._tag === "AuthenticationError" && reason.kind === "MissingKey" ? "configuration" : "api",
        ...detail(reason)
      })
    case "InvalidResponseError":
      return new AgentError({ ...base, reason: "api", retryable: true })
    case "InvalidOutputError":
    case "StructuredOutputError":
      return new AgentError({
        ...base,
        reason: "validation",
        problems: [reason.description.slice(0, messageLengthMax)]
      })
    case "UnsupportedSchemaError":
    case "ToolConfigurationError":
    case "ToolkitRequiredError":
      return new AgentError({ ...base, reason: "configuration", retryable: false })
    default:
      return new AgentError({ ...base, reason: "api" })
  }
}

/** The failure of a call that followed another one: that nothing was sent is proven only for the last. */
export const afterSending = (error: AiError.AiError): AiError.AiError => {
  const { method, module, reason } = error
  const dialed = reason._tag === "NetworkError" ? dialErrorIn(reason.cause) : undefined
  return reason._tag !== "NetworkError" || dialed === undefined || dialed.sent
    ? error
    : fromDialError({ module, method }, reason.url, asSent(dialed))
}

const fromNetwork = (reason: AiError.NetworkError): AgentError => {
  const dialed = dialErrorIn(reason.cause)
  const message = reason.description ?? reason.message
  if (dialed === undefined) return new AgentError({ reason: "api", message, retryable: reason.isRetryable })
  return new AgentError({
    reason: dialed.reason === "timeout" ? "timeout" : dialed.reason === "refused" ? "refused" : "api",
    message: dialed.message,
    retryable: dialed.reason !== "refused" && dialed.reason !== "limit",
    sent: dialed.sent
  })
}

/** The dialer's error somewhere below `error`; libraries wrap what `fetch` throws. */
export const dialErrorIn = (error: unknown): DialError | undefined => {
  let cause = error
  for (let depth = 0; depth < 8 && cause !== null && typeof cause === "object"; depth++) {
    if (cause instanceof DialError) return cause
    cause = "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

/** A server's words without the key, should it repeat it. */
export const withoutSecret = (text: string, secret: Redacted.Redacted<string> | undefined): string => {
  const value = secret === undefined ? "" : Redacted.value(secret)
  return value === "" ? text : text.replaceAll(value, "<redacted>")
}

const detail = (reason: {
  readonly http?: typeof AiError.HttpContext.Type | undefined
  readonly metadata: AiError.ProviderMetadata
}) => {
  const status = reason.http?.response?.status
  const notes = reason.metadata["baton"]
  const wait = notes !== null && typeof notes === "object" && "retryAfterMs" in notes
    ? notes["retryAfterMs"]
    : undefined
  return {
    ...(status === undefined ? {} : { status }),
    ...(typeof wait === "number" ? { retryAfterMs: Math.round(wait) } : {})
  }
}

/** What the server says is wrong: `error.message` of the usual error bodies, or a short text. */
const words = (body: string): string | undefined => {
  let said: unknown = body
  try {
    const parsed: unknown = JSON.parse(body)
    const error = memberOf(parsed, "error") ?? parsed
    said = memberOf(error, "message") ?? (typeof error === "string" ? error : memberOf(parsed, "detail") ?? body)
  } catch {
    if (/^\s*</.test(body)) return undefined
  }
  const text = (typeof said === "string" ? said : JSON.stringify(said)).trim()
  return text === "" ? undefined : text.slice(0, messageLengthMax)
}

const memberOf = (value: unknown, key: string): unknown =>
  value !== null && typeof value === "object" && key in value ? Reflect.get(value, key) : undefined
