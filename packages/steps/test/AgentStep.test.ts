import type { AgentAnswer, AgentCall } from "@baton/engine/Agents"
import { AgentError, Agents } from "@baton/engine/Agents"
import type * as Flow from "@baton/kernel/Flow"
import * as AgentStep from "@baton/steps/AgentStep"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { errorOf, failing, giving, outputOf, run } from "./StepRun.ts"

const stepOf = (answer: (call: AgentCall) => Effect.Effect<AgentAnswer, AgentError>) => {
  const calls: Array<AgentCall> = []
  const agents = Agents.of({
    call: (call) =>
      Effect.suspend(() => {
        calls.push(call)
        return answer(call)
      }),
    find: () => Effect.succeed(undefined),
    list: Effect.succeed([])
  })
  return { calls, stepType: Effect.runSync(Effect.provideService(AgentStep.make, Agents, agents)) }
}

const answering = (output: AgentAnswer["output"] = "ok") => () => Effect.succeed({ output, agent: "registered" })

const agentError = (over: Partial<ConstructorParameters<typeof AgentError>[0]> = {}) =>
  new AgentError({ reason: "api", message: "it is down", retryable: true, ...over })

const definition: Flow.Body = { type: "agent", agent: "writer", input: { topic: "${ input.topic }" } }
const setting = { roots: { input: { v: { topic: "rain" } } } }

describe("agent", () => {
  it.effect("asks the agent with the evaluated input and gives its answer", () =>
    Effect.gen(function*() {
      const output = { type: "object" }
      const { calls, stepType } = stepOf(answering({ text: "wet" }))
      const outcome = yield* run(stepType, { ...definition, output }, setting)
      assert.deepStrictEqual(outputOf(outcome), { text: "wet" })
      assert.deepStrictEqual(outcome.outcome.ok === true && outcome.outcome.agent, "writer")
      const { agent, attempt, input, key, name, outputSchema, path, run: id, tenant } = calls[0]!
      assert.deepStrictEqual({ agent, attempt, input, name, outputSchema, path, id, tenant }, {
        agent: "writer",
        attempt: 1,
        input: { topic: "rain" },
        name: "writer",
        outputSchema: output,
        path: "step",
        id: "run_1",
        tenant: "main"
      })
      assert.match(key, /^[\w-]{43}$/)
    }))

  it.effect("resolves a name by the run's binding, then the flow's definition, then the registry", () =>
    Effect.gen(function*() {
      const inFlow: Flow.AgentDefinition = { instructions: "Write.", outputSchema: { type: "string" } }
      const flowAgents = { writer: inFlow, remote: { use: "registry-name" } }
      const asked = (agent: string, agents: { readonly [name: string]: string } = {}) => {
        const { calls, stepType } = stepOf(answering())
        return Effect.map(
          run(stepType, { type: "agent", agent }, { request: { agents, flowAgents } }),
          () => [calls[0]!.agent, calls[0]!.outputSchema, calls[0]!.name]
        )
      }
      assert.deepStrictEqual(yield* asked("writer"), [inFlow, { type: "string" }, "writer"])
      assert.deepStrictEqual(yield* asked("writer", { writer: "other" }), ["other", { type: "string" }, "writer"])
      assert.deepStrictEqual(yield* asked("remote"), ["registry-name", undefined, "remote"])
      assert.deepStrictEqual(yield* asked("remote", { "registry-name": "x" }), ["x", undefined, "remote"])
      assert.deepStrictEqual(yield* asked("somebody"), ["somebody", undefined, "somebody"])
      assert.deepStrictEqual(yield* asked("constructor"), ["constructor", undefined, "constructor"])
    }))

  it.effect("asks an agent written in place", () =>
    Effect.gen(function*() {
      const { calls, stepType } = stepOf(answering())
      const outcome = yield* run(stepType, { type: "agent", agent: { instructions: "Sum up." } })
      assert.deepStrictEqual(calls[0]!.agent, { instructions: "Sum up." })
      assert.deepStrictEqual(outcome.outcome.ok === true && outcome.outcome.agent, "registered")
    }))

  for (
    const [reason, code, kind] of [
      ["timeout", "AGENT_TIMEOUT", "timeout"],
      ["api", "AGENT_API", "api"],
      ["validation", "AGENT_VALIDATION", "validation"],
      ["configuration", "AGENT_CONFIGURATION", "configuration"],
      ["unknown_agent", "AGENT_UNKNOWN", "configuration"],
      ["refused", "AGENT_REFUSED", "policy"]
    ] as const
  ) {
    it.effect(`reports ${reason} as ${code}`, () =>
      Effect.gen(function*() {
        const { stepType } = stepOf(() =>
          Effect.fail(agentError({ reason, status: 503, retryAfterMs: 10, sent: true, problems: ["/a: missing"] }))
        )
        assert.deepStrictEqual(yield* failing(stepType, definition, setting), {
          code,
          kind,
          message: "it is down",
          retryable: true,
          status: 503,
          retryAfterMs: 10,
          sent: true,
          detail: { problems: ["/a: missing"] }
        })
      }))
  }

  it.effect("records what a failed call has used", () =>
    Effect.gen(function*() {
      const { stepType } = stepOf(() => Effect.fail(agentError({ usage: { inputTokens: 5, calls: 1 } })))
      assert.deepStrictEqual((yield* run(stepType, definition, setting)).usage, { inputTokens: 5, calls: 1 })
    }))

  it.effect("interrupts the call when the attempt is interrupted", () =>
    Effect.gen(function*() {
      const called = yield* Deferred.make<void>()
      const stopped = yield* Deferred.make<void>()
      const { stepType } = stepOf(() =>
        Effect.andThen(Deferred.succeed(called, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
        )
      )
      const fiber = yield* Effect.forkChild(run(stepType, definition, setting))
      yield* Deferred.await(called)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(stopped)
    }))
})

describe("agents in turn", () => {
  const inTurn: Flow.Body = { type: "agent", agent: ["first", "second", "third"] }
  const namesOf = (calls: ReadonlyArray<AgentCall>) => calls.map((call) => call.name)

  it.effect("asks the next agent when the one before fails, and says which one answered", () =>
    Effect.gen(function*() {
      const { calls, stepType } = stepOf((call) =>
        call.name === "second"
          ? Effect.succeed({ output: 1, agent: "x" })
          : Effect.fail(agentError({ usage: { calls: 1 } }))
      )
      const outcome = yield* run(stepType, inTurn)
      assert.deepStrictEqual(namesOf(calls), ["first", "second"])
      assert.deepStrictEqual(outcome.outcome.ok === true && outcome.outcome.agent, "second")
      assert.deepStrictEqual(outcome.usage, { calls: 1 })
      assert.strictEqual(new Set(calls.map((call) => call.key)).size, 2)
    }))

  it.effect("reports the last failure, with the ones before it", () =>
    Effect.gen(function*() {
      const { stepType } = stepOf((call) => Effect.fail(agentError({ message: `${call.name} is down` })))
      const error = yield* failing(stepType, inTurn)
      assert.strictEqual(error.message, "third is down")
      assert.deepStrictEqual(error.detail, {
        before: [
          { agent: "first", code: "AGENT_API", message: "first is down" },
          { agent: "second", code: "AGENT_API", message: "second is down" }
        ]
      })
    }))

  it.effect("asks nobody else when an irreversible call may have been made", () =>
    Effect.gen(function*() {
      const work = { effect: "irreversible" } as const
      const unsure = stepOf(() => Effect.fail(agentError()))
      assert.strictEqual((yield* failing(unsure.stepType, inTurn, { work })).code, "AGENT_API")
      assert.deepStrictEqual(namesOf(unsure.calls), ["first"])
      const unsent = stepOf((call) =>
        call.name === "first" ? Effect.fail(agentError({ sent: false })) : Effect.succeed({ output: 1, agent: "x" })
      )
      assert.strictEqual(yield* giving(unsent.stepType, inTurn, { work }), 1)
    }))

  it.effect("gives each agent its share of the timeout, and what is saved to those after it", () =>
    Effect.gen(function*() {
      const stops: Array<string> = []
      const { stepType } = stepOf((call) =>
        call.name === "third"
          ? Effect.succeed({ output: 3, agent: "x" }).pipe(Effect.delay("13 seconds"))
          : Effect.onInterrupt(Effect.never, () => Effect.sync(() => void stops.push(call.name)))
      )
      const fiber = yield* Effect.forkChild(run(stepType, inTurn, { work: { timeoutMs: 42_000 } }))
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(stops, ["first"])
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(stops, ["first", "second"])
      yield* TestClock.adjust("13 seconds")
      assert.strictEqual(outputOf(yield* Fiber.join(fiber)), 3)
    }))

  it.effect("fails with the attempt's timeout when the last one takes too long", () =>
    Effect.gen(function*() {
      const { stepType } = stepOf(() => Effect.never)
      const fiber = yield* Effect.forkChild(run(stepType, inTurn, { work: { timeoutMs: 30_000 } }))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(errorOf(yield* Fiber.join(fiber)).code, "AGENT_TIMEOUT")
    }))

  it.effect("refuses a list without agents", () =>
    Effect.gen(function*() {
      const { stepType } = stepOf(answering())
      assert.strictEqual((yield* failing(stepType, { type: "agent", agent: [] })).code, "AGENT_CONFIGURATION")
    }))
})
