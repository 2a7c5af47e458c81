import { Agents } from "@baton/engine/Agents"
import { HttpDialer } from "@baton/engine/HttpDialer"
import { StepTypes } from "@baton/engine/StepType"
import { FunctionHandlers } from "@baton/steps/FunctionHandlers"
import * as Steps from "@baton/steps/Steps"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const ports = Layer.mergeAll(
  FunctionHandlers.layerNone,
  Layer.mock(HttpDialer, {}),
  Layer.mock(Agents, { list: Effect.succeed([]) })
)

describe("Steps", () => {
  it.effect("serves every node type that calls something, each under its own name", () =>
    Effect.gen(function*() {
      const stepTypes = yield* StepTypes
      assert.deepStrictEqual([...stepTypes.keys()].toSorted(), ["agent", "file", "function", "http", "transform"])
      for (const [name, stepType] of stepTypes) assert.strictEqual(stepType.type, name)
    }).pipe(Effect.provide(Layer.provide(Steps.layer, ports))))
})
