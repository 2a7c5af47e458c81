/**
 * `http`: one call through the dialer. Its output is `{status, headers, body}`.
 *
 * A status outside `expect` (default: below 400) fails the attempt; 408, 425, 429 and 5xx may be retried, after the
 * server's `Retry-After` where it gives one. With `effect: keyed` every attempt sends the same `Idempotency-Key`.
 */
import { HttpDialer } from "@baton/engine/HttpDialer"
import type { StepContext, StepResult, StepType } from "@baton/engine/StepType"
import type { StepError } from "@baton/kernel/StepError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpAnswer from "./HttpAnswer.ts"
import * as HttpRequest from "./HttpRequest.ts"

/** Bytes of an answer's body after decompression. */
export const answerBytesMax = 8 * 1024 * 1024
/** From the start to the last byte of the answer, where the node has no timeout of its own. */
export const timeoutDefault = Duration.seconds(30)

export const make: Effect.Effect<StepType, never, HttpDialer> = Effect.map(HttpDialer, (dialer) => ({
  type: "http",
  execute: (context) => execute(dialer, context)
}))

const execute = Effect.fnUntraced(function*(
  dialer: HttpDialer["Service"],
  context: StepContext
): Effect.fn.Return<StepResult, StepError> {
  const request = yield* HttpRequest.make(context)
  const answer = yield* dialer.request({
    ...request.dial,
    timeout: context.timeout ?? timeoutDefault,
    bytesMax: answerBytesMax
  }).pipe(Effect.mapError((error) => HttpAnswer.unanswered(error, request.label)))
  const { definition } = context.work
  const expected = "expect" in definition ? definition.expect : undefined
  if (request.bound && expected === undefined && HttpAnswer.isRedirect(answer)) {
    return yield* Effect.fail(HttpAnswer.redirected(answer, request.label))
  }
  if (HttpAnswer.isExpected(answer.status, expected)) return { output: HttpAnswer.output(answer) }
  return yield* Effect.fail(HttpAnswer.refused(answer, request.label, yield* Clock.currentTimeMillis))
})
