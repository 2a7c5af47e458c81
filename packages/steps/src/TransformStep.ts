/** `transform`: the evaluated `value`. */
import type { StepType } from "@baton/engine/StepType"
import * as Effect from "effect/Effect"

export const stepType: StepType = {
  type: "transform",
  execute: (context) => Effect.map(context.field("value"), (output) => ({ output }))
}
