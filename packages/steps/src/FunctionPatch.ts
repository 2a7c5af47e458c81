/** What a handler calls to change the plan of its run. */
import * as AttemptOutput from "@baton/engine/AttemptOutput"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type { PatchAnswer, PatchRequest } from "@baton/engine/PlanPatching"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FunctionContext } from "./FunctionHandlers.ts"

/**
 * Every patch has a key made of the call's key, its number in the attempt and its operations: a repeated attempt that does
 * the same again is told what became of it.
 */
export const make = (
  key: () => string,
  propose: (request: PatchRequest) => Effect.Effect<PatchAnswer>,
  fork: (effect: Effect.Effect<void>) => void
): FunctionContext["patch"] => {
  let made = 0
  return (given, { base, reason } = {}) =>
    new Promise((resolve) => {
      const copied = AttemptOutput.copy(given)
      const operations = Result.getOrElse(copied, () => null)
      const request = {
        operations,
        key: `${key()} patch ${++made} ${CanonicalJson.address(CanonicalJson.text(operations))}`,
        ...(base === undefined ? {} : { base }),
        ...(reason === undefined ? {} : { reason })
      }
      // What is no JSON within bounds is refused as no patch at all; why it is none is known only here.
      const answer = Effect.map(propose(request), (answer): PatchAnswer =>
        Result.isFailure(copied) && answer.status === "refused" && answer.code === "PATCH_MALFORMED"
          ? { ...answer, message: `The operations are no JSON within bounds: ${copied.failure}`, problems: [] }
          : answer)
      fork(Effect.map(answer, resolve))
    })
}
