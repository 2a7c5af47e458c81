/**
 * Repeats a call to a model's HTTP endpoint while repeating may help.
 *
 *   - Repeated: no connection, a connection lost before the answer began, and the statuses 408, 425, 429 and 5xx but 501
 *     and 505. Not repeated: what our own policy refused, our own limits, a 429 that says the quota is spent, and an answer
 *     whose body broke off. That one has been paid for; repeating it is the step's retry policy, which is journaled.
 *   - `Retry-After` (RFC 9110 10.2.3: seconds or an HTTP date) and `retry-after-ms` are obeyed. Where they ask for more than
 *     `retryAfterMax`, the answer is handed back at once: a long wait belongs to the step, which survives a restart.
 *   - Without them the wait doubles from `delayInitial` up to `delayMax`, with jitter of plus or minus a quarter.
 */
import { DialError, type DialRequest, type DialResponse, HttpDialer } from "@baton/engine/HttpDialer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as DialBody from "./DialBody.ts"

export class HttpRetryLimits extends Context.Reference<{
  /** All tries together, the first included. */
  readonly attemptsMax: number
  readonly delayInitial: Duration.Duration
  readonly delayMax: Duration.Duration
  /** The longest wait a server may ask for and get within one call. */
  readonly retryAfterMax: Duration.Duration
}>("baton/agents/HttpRetryLimits", {
  defaultValue: () => ({
    attemptsMax: 3,
    delayInitial: Duration.millis(500),
    delayMax: Duration.seconds(20),
    retryAfterMax: Duration.seconds(60)
  })
}) {}

/** Bytes of an error answer that are read to decide about repeating it; the rest is dropped. */
const errorBytesMax = 64 * 1024

/** The dialer with repeats. `request` reads the whole answer after the last try. */
export const make = (dialer: HttpDialer["Service"]): HttpDialer["Service"] => {
  const dial = Effect.fn("HttpRetry.dial")(function*(request: DialRequest) {
    const limits = yield* HttpRetryLimits
    const parent = yield* Effect.scope
    let sent = false
    for (let attempt = 1;; attempt++) {
      const scope = yield* Scope.fork(parent)
      const outcome: Result.Result<Outcome, DialError> = yield* Effect.result(
        Scope.provide(dialOnce(dialer, request), scope)
      )
      const last = attempt >= limits.attemptsMax
      const wait = last ? undefined : yield* waitFor(outcome, attempt)
      if (wait === undefined) {
        return (yield* Effect.fromResult(sent ? Result.mapError(outcome, asSent) : outcome)).response
      }
      sent ||= Result.isSuccess(outcome) || outcome.failure.sent
      yield* Scope.close(scope, Exit.void)
      yield* Effect.annotateCurrentSpan({ "http.request.resend_count": attempt })
      yield* Effect.sleep(wait)
    }
  })
  return HttpDialer.of({
    dial,
    request: (request) =>
      Effect.scoped(Effect.flatMap(dial(request), (response) =>
        Effect.map(DialBody.bytes(response.body), (bytes) => ({
          status: response.status,
          headers: response.headers,
          url: response.url,
          bytes
        }))))
  })
}

/** That the last try sent nothing proves nothing when an earlier one did. */
export const asSent = ({ code, message, reason }: DialError): DialError =>
  new DialError({ code, message, reason, sent: true })

/** Milliseconds that an answer's headers ask to wait, if they do; dates lie in the past of a slow clock: then 0. */
export const retryAfterMillis = (headers: DialResponse["headers"], now: number): number | undefined => {
  const millis = Number(headers["retry-after-ms"])
  if (headers["retry-after-ms"] !== undefined && Number.isFinite(millis) && millis >= 0) return Math.ceil(millis)
  const text = headers["retry-after"]?.trim()
  if (text === undefined || text === "") return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000)
  const date = DateTime.make(text)
  return Option.isSome(date) ? Math.max(0, DateTime.toEpochMillis(date.value) - now) : undefined
}

/** Statuses after which the same request may succeed. */
export const isRetryableStatus = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505)

/** An answer, and the text of its body where it was read to decide about repeating it. */
interface Outcome {
  readonly response: DialResponse
  readonly error: string | undefined
}

const dialOnce = Effect.fnUntraced(function*(dialer: HttpDialer["Service"], request: DialRequest) {
  const response = yield* dialer.dial(request)
  if (!isRetryableStatus(response.status)) return { response, error: undefined } satisfies Outcome
  const bytes = yield* DialBody.head(response.body, errorBytesMax)
  return { response: { ...response, body: DialBody.stream(bytes) }, error: DialBody.text(bytes) } satisfies Outcome
})

const waitFor = Effect.fnUntraced(function*(
  outcome: Result.Result<Outcome, DialError>,
  attempt: number
) {
  if (Result.isFailure(outcome)) return isRetryableFailure(outcome.failure) ? yield* backoff(attempt) : undefined
  const { error, response: { headers, status } } = outcome.success
  if (!isRetryableStatus(status) || headers["x-should-retry"] === "false") return undefined
  if (status === 429 && error !== undefined && isQuotaSpent(error)) return undefined
  const asked = retryAfterMillis(headers, yield* Clock.currentTimeMillis)
  if (asked === undefined) return yield* backoff(attempt)
  const { retryAfterMax } = yield* HttpRetryLimits
  return asked <= Duration.toMillis(retryAfterMax) ? Duration.millis(asked) : undefined
})

/** OpenAI answers 429 both for "slow down" and for an empty account; only the first passes by itself. */
export const isQuotaSpent = (body: string): boolean => /insufficient_quota|billing_hard_limit/.test(body)

const isRetryableFailure = (error: DialError): boolean =>
  error.reason === "dns" || error.reason === "connect" || error.reason === "protocol"

const backoff = Effect.fnUntraced(function*(attempt: number) {
  const { delayInitial, delayMax } = yield* HttpRetryLimits
  const delay = Math.min(Duration.toMillis(delayMax), Duration.toMillis(delayInitial) * 2 ** (attempt - 1))
  return Duration.millis(Math.round(delay * (0.75 + 0.5 * (yield* Random.next))))
})
