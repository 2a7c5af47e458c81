/** One attempt to deliver: a POST through the dialer, and what its answer means for the next one. */
import type { DialError, HttpDialer } from "@baton/engine/HttpDialer"
import * as HttpAnswer from "@baton/steps/HttpAnswer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { Limits } from "./WebhookLimits.ts"

export interface Request {
  readonly url: string
  readonly headers: { readonly [name: string]: string | Redacted.Redacted<string> }
  readonly body: Uint8Array
  /** Hosts that the operator has named together with the URL. */
  readonly allow: ReadonlyArray<string>
}

/** `retry`: try again · `failed`: this delivery is over · `gone`: the webhook is. */
export interface Outcome {
  readonly kind: "delivered" | "retry" | "failed" | "gone"
  readonly status: number | undefined
  readonly code: string | undefined
  readonly message: string | undefined
  readonly latencyMs: number
  /** Milliseconds that the receiver asks to be left alone. */
  readonly retryAfterMs: number | undefined
}

const gone = 410

/** 408 and 429 ask for another try; so does whatever the receiver's own side broke. */
const isRetried = (status: number): boolean => status === 408 || status === 429 || status >= 500

const ofStatus = (status: number, retryAfter: string | undefined, now: number): Omit<Outcome, "latencyMs"> => {
  const told = { status, retryAfterMs: undefined }
  if (status >= 200 && status < 300) return { ...told, kind: "delivered", code: undefined, message: undefined }
  if (status === gone) return { ...told, kind: "gone", code: "GONE", message: "The receiver answered that it is gone." }
  if (status >= 300 && status < 400) {
    return { ...told, kind: "failed", code: "REDIRECT", message: "The receiver redirects, which is not followed." }
  }
  return {
    status,
    kind: isRetried(status) ? "retry" : "failed",
    code: "HTTP_STATUS",
    message: `The receiver answered with status ${status}.`,
    retryAfterMs: isRetried(status) ? HttpAnswer.retryAfter(retryAfter, now) : undefined
  }
}

/** Our own policy and limits would refuse the next attempt too; a network may be better tomorrow. */
const ofError = ({ code, message, reason }: DialError): Omit<Outcome, "latencyMs"> => ({
  kind: reason === "refused" || reason === "limit" ? "failed" : "retry",
  status: undefined,
  code,
  message,
  retryAfterMs: undefined
})

/** The status alone counts: the rest of the answer is read to its bound, so that the socket may serve again. */
const send = (dialer: HttpDialer["Service"], { allow, body, headers, url }: Request, limits: Limits) =>
  Effect.scoped(Effect.gen(function*() {
    const answer = yield* dialer.dial({
      method: "POST",
      url,
      headers,
      body,
      allow,
      timeout: limits.timeout,
      bytesMax: limits.answerBytesMax,
      redirectsMax: 0
    })
    yield* Effect.ignore(Stream.runDrain(answer.body))
    return { status: answer.status, retryAfter: answer.headers["retry-after"] }
  }))

export const post = Effect.fnUntraced(function*(
  dialer: HttpDialer["Service"],
  request: Request,
  limits: Limits
): Effect.fn.Return<Outcome> {
  const before = yield* Clock.currentTimeMillis
  const answered = yield* Effect.result(send(dialer, request, limits))
  const now = yield* Clock.currentTimeMillis
  const told = answered._tag === "Failure"
    ? ofError(answered.failure)
    : ofStatus(answered.success.status, answered.success.retryAfter, now)
  return { ...told, latencyMs: now - before }
})
