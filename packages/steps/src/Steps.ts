/** The node types of this room, put together: what a worker serves. */
import { StepTypes } from "@baton/engine/StepType"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AgentStep from "./AgentStep.ts"
import * as FileStep from "./FileStep.ts"
import * as FunctionStep from "./FunctionStep.ts"
import * as HttpStep from "./HttpStep.ts"
import * as TransformStep from "./TransformStep.ts"

export const make = Effect.gen(function*() {
  const all = [
    TransformStep.stepType,
    yield* FunctionStep.make,
    yield* HttpStep.make,
    yield* FileStep.make,
    yield* AgentStep.make
  ]
  return new Map(all.map((stepType) => [stepType.type, stepType]))
})

export const layer = Layer.effect(StepTypes, make)
