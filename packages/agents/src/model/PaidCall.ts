/** A call of a model within the budget of the attempt that makes it. */
import type { AgentError } from "@baton/engine/Agents"
import { CurrentPurse } from "@baton/engine/Purse"
import type { Usage } from "@baton/kernel/Usage"
import * as Effect from "effect/Effect"
import { ModelSettings } from "./ModelSettings.ts"

/**
 * Bytes of a prompt that count as one token: half of what text needs at least in common tokenizers, whatever the script.
 * Random bytes may count more; what that costs beyond the reservation is recorded as an overrun.
 */
const bytesPerToken = 2
/** Tokens of the frame that providers put around a request. */
const frameTokens = 64

/** A bound of the tokens that the parts of a request count. */
export const inputTokens = (...parts: ReadonlyArray<unknown>): number =>
  frameTokens + Math.ceil(
    parts.reduce<number>(
      (sum, part) => sum + (part === undefined ? 0 : Buffer.byteLength(JSON.stringify(part) ?? "")),
      0
    ) / bytesPerToken
  )

/**
 * Makes the call when what it may cost at worst is set aside; the model is told the cap that this allows. Costs nothing in
 * a run without a budget.
 */
export const within = <A extends { readonly usage: Usage }>(
  model: string | undefined,
  prompt: () => number,
  call: Effect.Effect<A, AgentError>
): Effect.Effect<A, AgentError> =>
  Effect.flatMap(CurrentPurse, (purse) => {
    if (purse === undefined) return call
    return Effect.flatMap(ModelSettings, (settings) =>
      Effect.flatMap(
        purse.draw({ model, inputTokens: prompt(), outputTokens: settings.maxOutputTokens }),
        ({ outputTokens }) =>
          call.pipe(
            Effect.provideService(ModelSettings, { ...settings, maxOutputTokens: outputTokens }),
            Effect.tap((answer) => Effect.sync(() => purse.spent(answer.usage))),
            Effect.tapError((error) => Effect.sync(() => purse.spent(error.sent === false ? { calls: 0 } : undefined)))
          )
      ))
  })
