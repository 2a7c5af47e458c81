/** An agent whose model asks a person: the attempt ends, nothing is paid twice, and the conversation goes on behind it. */
import * as AgentRegistry from "@baton/agents/AgentRegistry"
import * as ScriptedModel from "@baton/agents/model/ScriptedModel"
import * as ModelAgents from "@baton/agents/ModelAgents"
import { Agents } from "@baton/engine/Agents"
import { byName } from "@baton/engine/AgentTool"
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import * as MemorySecrets from "@baton/engine/MemorySecrets"
import * as MemoryStore from "@baton/engine/MemoryStore"
import { Plans } from "@baton/engine/Plans"
import { RunStore } from "@baton/engine/RunStore"
import { StepTypes } from "@baton/engine/StepType"
import type { Flow } from "@baton/kernel/Flow"
import { inline, resolve } from "@baton/kernel/Value"
import * as AgentStep from "@baton/steps/AgentStep"
import * as AskUserTool from "@baton/steps/AskUserTool"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const [tenant, run] = ["default", "run_ask"]

const flow: Flow = {
  name: "ask",
  nodes: [{ id: "clerk", type: "agent", agent: { instructions: "Book it.", tools: ["ask_user"] }, input: "a trip" }],
  edges: []
}

const scene = (script: ScriptedModel.Script) =>
  Effect.map(ScriptedModel.make(script, "test"), (scripted) => {
    const registry: ModelAgents.ModelAgentsOptions["registry"] = {
      defaultReference: "scripted/test",
      open: (reference = "scripted/test") =>
        Effect.succeed({ reference, provider: "scripted", model: "test", service: scripted.model })
    }
    const agents = Layer.succeed(
      Agents,
      AgentRegistry.make({
        sources: [],
        define: ModelAgents.make({ registry, tools: byName([AskUserTool.make]) })
      })
    )
    const steps = Layer.effect(StepTypes, Effect.map(AgentStep.make, (step) => new Map([[step.type, step]])))
    const layer = Engine.layer({ adopt: false }).pipe(
      Layer.provide(Layer.provide(steps, agents)),
      Layer.provideMerge(Layer.mergeAll(MemoryStore.layer, MemorySecrets.layer))
    )
    return { scripted, layer }
  })

const start = Effect.gen(function*() {
  const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze(tenant, flow))
  const named = { name: plan.name, version: plan.version, hash }
  yield* (yield* Coordinator).submit({
    tenant,
    run,
    plan,
    blobs: [],
    command: { type: "CreateRun", at: 1_700_000_000_000, run, flow: named, input: inline({}) }
  })
})

/** Waits until the run is in this state. */
const reached = (status: string) =>
  Effect.gen(function*() {
    const store = yield* RunStore
    while ((yield* store.find(tenant, run))?.status !== status) yield* Effect.sleep(1)
  })

describe("ask_user", () => {
  it.live("waits for a person without a worker, and hands the answer to the model as the call's result", () =>
    Effect.gen(function*() {
      const { layer, scripted } = yield* scene([
        { toolCalls: [{ name: "ask_user", params: { question: "Which day?", options: ["mon", "tue"] }, id: "c1" }] },
        "Booked for Monday."
      ])
      yield* Effect.gen(function*() {
        yield* start
        yield* reached("waiting")
        const store = yield* RunStore
        const [door] = yield* store.doors({ tenant, limit: 9 })
        assert.deepInclude(door, { kind: "question", path: "clerk", title: "Which day?" })
        const coordinator = yield* Coordinator
        const settled = yield* coordinator.command(tenant, run, {
          type: "DecideApproval",
          at: (door?.since ?? 0) + 1,
          by: "ana",
          path: "clerk",
          decision: "mon"
        })
        assert.strictEqual(settled.kind, "accepted")
        yield* reached("succeeded")
        const records = yield* store.records(tenant, run, 0, 100)
        const events = records.flatMap(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()))
        const done = events.find(({ type }) => type === "StepSucceeded")
        assert.deepStrictEqual(resolve(done.output, new Map()), { text: "Booked for Monday." })
        assert.strictEqual(done.attempt, 2)
      }).pipe(Effect.provide(layer))
      assert.strictEqual(scripted.requests.length, 2)
      assert.include(JSON.stringify(scripted.requests[1]?.prompt), "\"chosen\":\"mon\"")
    }))
})
