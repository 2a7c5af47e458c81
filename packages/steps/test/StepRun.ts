/** Runs one step of this room through the attempt runner, with everything around it made by hand. */
import * as Attempt from "@baton/engine/Attempt"
import type { StepType } from "@baton/engine/StepType"
import { requestOf, servicesOf, type Setting, workOf } from "@baton/engine/testing/AttemptHarness"
import type * as Flow from "@baton/kernel/Flow"
import type * as Plan from "@baton/kernel/Plan"
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"

export const run = (
  stepType: StepType,
  definition: Flow.Body,
  setting: Setting & { readonly work?: Partial<Plan.Work> } = {}
): Effect.Effect<Attempt.AttemptOutcome> =>
  Attempt.run(requestOf(workOf(definition, setting.work), setting), servicesOf({ ...setting, stepTypes: [stepType] }))

export const errorOf = (outcome: Attempt.AttemptOutcome): StepError =>
  outcome.outcome.ok === false ? outcome.outcome.error : assert.fail("the step succeeded")

/** The output, whether it is stored inline or as a blob. */
export const outputOf = (outcome: Attempt.AttemptOutcome): Json => {
  if (outcome.outcome.ok !== true) return assert.fail(JSON.stringify(outcome.outcome))
  const { output } = outcome.outcome
  return "v" in output ? output.v : JSON.parse(Buffer.from(outcome.blobs[0]!.bytes).toString()) as Json
}

export const failing = (stepType: StepType, definition: Flow.Body, setting?: Parameters<typeof run>[2]) =>
  Effect.map(run(stepType, definition, setting), errorOf)

export const giving = (stepType: StepType, definition: Flow.Body, setting?: Parameters<typeof run>[2]) =>
  Effect.map(run(stepType, definition, setting), outputOf)
