/** The loop of model turns and tool calls, over a scripted model and a conversation that remembers. */
import { type AgentConversation, callKey, type CallResult, type Turn } from "@baton/engine/AgentConversation"
import type { AgentCall, AgentError } from "@baton/engine/Agents"
import { type AgentTool, byName, type ToolAnswer, ToolError } from "@baton/engine/AgentTool"
import type { Json, JsonObject } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { LoopLimits } from "../src/LoopLimits.ts"
import * as ScriptedModel from "../src/model/ScriptedModel.ts"
import * as ModelAgents from "../src/ModelAgents.ts"

/** What one step's conversation has left behind, for this attempt and the next. */
class Memory {
  readonly turns: Array<Turn> = []
  readonly results = new Map<string, CallResult>()
  readonly story: Array<string> = []

  get conversation(): AgentConversation {
    const known = [...this.turns]
    return {
      turns: Effect.succeed(known),
      record: (turn) =>
        Effect.sync(() => {
          this.turns.push(turn)
          this.story.push(`turn ${this.turns.length}`)
        }),
      key: (tool, ordinal, input) => callKey("run_1", "clerk", 0, ordinal, tool, input),
      result: (key) => Effect.sync(() => this.results.get(key)),
      begin: ({ tool }) => Effect.sync(() => void this.story.push(`announced ${tool}`)),
      end: ({ key, tool }, result) =>
        Effect.sync(() => {
          this.results.set(key, result)
          this.story.push(`ended ${tool}`)
        }),
      settlesUsage: true,
      command: undefined,
      state: Effect.undefined
    }
  }
}

interface Made {
  readonly effect?: AgentTool["effect"]
  readonly inputSchema?: JsonObject
  readonly execute?: AgentTool["execute"]
}

const price = Effect.succeed<ToolAnswer>({ output: { price: 7 } })

const toolOf = (name: string, { effect = "idempotent", execute = () => price, inputSchema }: Made = {}): AgentTool => ({
  name,
  description: `The tool ${name}`,
  inputSchema: inputSchema ?? { type: "object" },
  effect,
  version: "1",
  execute
})

const calling = (name: string, params: Json = {}): ScriptedModel.ScriptedAnswer => ({ toolCalls: [{ name, params }] })

const scene = Effect.fnUntraced(function*(script: ScriptedModel.Script, tools: ReadonlyArray<AgentTool>) {
  const scripted = yield* ScriptedModel.make(script, "test")
  const memory = new Memory()
  const open = () =>
    Effect.succeed({ reference: "scripted/test", provider: "scripted", model: "test", service: scripted.model })
  const define = ModelAgents.make({ registry: { defaultReference: undefined, open }, tools: byName(tools) })
  const attempt = (attempt = 1) => {
    const call: AgentCall = {
      tenant: "t",
      run: "run_1",
      path: "clerk",
      attempt,
      key: "k",
      agent: "clerk",
      name: "clerk",
      input: "Hi",
      conversation: memory.conversation,
      emit: () => Effect.void,
      log: () => Effect.void
    }
    return define({ instructions: "Work.", tools: tools.map(({ name }) => name) }, call)
  }
  return { attempt, memory, scripted }
})

/** What the model was told last about its calls. */
const told = (scripted: ScriptedModel.ScriptedModel): string =>
  JSON.stringify(scripted.requests.at(-1)?.prompt.content.at(-1)?.content)

const codeOf = ({ code, retryable, sent }: AgentError) => [code, retryable, sent]
const lost = Effect.fail(new ToolError({ outcome: "unknown", code: "LOST", message: "no answer" }))
const refused = Effect.fail(
  new ToolError({ outcome: "failed", code: "STALE", message: "too old", detail: { base: 3 } })
)

describe("a conversation with tools", () => {
  it.effect("records each turn before what it asks for, and each result before the next turn", () =>
    Effect.gen(function*() {
      const keys: Array<string> = []
      const charge = toolOf("charge", {
        effect: "irreversible",
        execute: (_, { key }) => Effect.sync(() => ({ output: keys.push(key) }))
      })
      const script = [calling("lookup", { what: "price" }), calling("charge", { amount: 7 }), "Charged 7."]
      const { attempt, memory, scripted } = yield* scene(script, [toolOf("lookup"), charge])
      const answer = yield* attempt()
      assert.deepStrictEqual(answer.output, { text: "Charged 7." })
      assert.isUndefined(answer.usage, "told with the turns")
      const order = ["turn 1", "ended lookup", "turn 2", "announced charge", "ended charge", "turn 3"]
      assert.deepStrictEqual(memory.story, order)
      assert.deepStrictEqual(keys, [callKey("run_1", "clerk", 0, 2, "charge", { amount: 7 })])
      assert.include(JSON.stringify(scripted.requests[1]?.prompt), "{\"price\":7}")
    }))

  it.effect("goes on behind what is recorded: nothing is asked, called or paid twice", () =>
    Effect.gen(function*() {
      let calls = 0
      const lookup = toolOf("lookup", { execute: () => Effect.sync(() => ({ output: ++calls })) })
      const http = { response: { status: 529, headers: {} } }
      const failure = new AiError.InternalProviderError({ description: "overloaded", http })
      const { attempt, memory, scripted } = yield* scene([calling("lookup"), { failure }, "Done."], [lookup])
      yield* Effect.flip(attempt())
      assert.deepStrictEqual((yield* attempt(2)).output, { text: "Done." })
      assert.deepStrictEqual([scripted.requests.length, calls, memory.turns.length], [3, 1, 2])
      const again = scripted.requests.map(({ prompt }) => JSON.stringify(prompt.content))
      assert.strictEqual(again[1], again[2], "the model sees the same conversation")
      assert.deepStrictEqual((yield* attempt(3)).output, { text: "Done." }, "a recorded answer is not asked for again")
      assert.strictEqual(scripted.requests.length, 3)
    }))

  it.effect("tells the model what it did wrong, and what a tool refused, in a form it can mend", () =>
    Effect.gen(function*() {
      const inputSchema = { type: "object", required: ["id"], properties: { id: { type: "integer" } } }
      const tools = [toolOf("find", { inputSchema }), toolOf("patch", { execute: () => refused })]
      const script = [calling("fnid"), calling("find", { id: "x" }), calling("patch"), "I see."]
      const { attempt, memory, scripted } = yield* scene(script, tools)
      yield* attempt()
      const [, unknown, invalid, patch] = scripted.requests.map(({ prompt }) => JSON.stringify(prompt.content.at(-1)))
      assert.include(unknown, "Did you mean \\\"find\\\"?")
      assert.include(invalid, "ARGUMENTS_INVALID")
      assert.include(invalid, "/id")
      assert.include(patch, "STALE")
      assert.include(patch, "\"base\":3")
      assert.deepStrictEqual(memory.story.filter((line) => line.startsWith("ended")), ["ended patch"])
    }))

  it.effect("is bounded in turns, and asks for the last one without tools", () =>
    Effect.gen(function*() {
      const { attempt, scripted } = yield* scene(() => calling("lookup"), [toolOf("lookup")])
      const limits = { ...(yield* LoopLimits), turnsMax: 3 }
      const error = yield* Effect.flip(attempt().pipe(Effect.provideService(LoopLimits, limits)))
      assert.deepStrictEqual(codeOf(error), ["TURNS_EXHAUSTED", false, true])
      assert.deepStrictEqual(scripted.requests.map(({ request }) => request.tools.length), [1, 1, 0])
    }))

  it.effect("shows the model no more of a result than it can read", () =>
    Effect.gen(function*() {
      const long = toolOf("long", { execute: () => Effect.succeed({ output: "x".repeat(100_000) }) })
      const { attempt, scripted } = yield* scene([calling("long"), "Much."], [long])
      yield* attempt()
      assert.isBelow(told(scripted).length, 70_000)
      assert.isTrue(told(scripted).includes("(cut: 100000 characters)"))
    }))

  it.effect("ends with the question of a tool, and goes on when the answer is recorded as its result", () =>
    Effect.gen(function*() {
      const ask = toolOf("ask_user", {
        effect: "keyed",
        execute: () => Effect.succeed({ asks: { question: "Really?" } })
      })
      const { attempt, memory, scripted } = yield* scene([calling("ask_user"), "Good."], [ask])
      const { asks } = yield* attempt()
      assert.deepInclude(asks, { tool: "ask_user", ordinal: 1, question: { question: "Really?" } })
      memory.results.set(asks?.key ?? "", { output: { answer: "yes" }, failed: false })
      assert.deepStrictEqual((yield* attempt(2)).output, { text: "Good." })
      assert.include(told(scripted), "yes")
    }))
})

describe("a tool call that nobody knows the outcome of", () => {
  const tries = Effect.fnUntraced(function*(effect: AgentTool["effect"], execute?: AgentTool["execute"]) {
    const keys: Array<string> = []
    const tool = toolOf("send", {
      effect,
      execute: (input, context) => {
        keys.push(context.key)
        return execute === undefined ? lost : execute(input, context)
      }
    })
    const { attempt, memory, scripted } = yield* scene([calling("send"), "Well."], [tool])
    const fiber = yield* Effect.forkChild(Effect.result(attempt()))
    yield* TestClock.adjust("10 minutes")
    return { ended: yield* Fiber.join(fiber), keys, memory, scripted }
  })

  it.effect("is not made again when it cannot be taken back: the attempt fails with the call open", () =>
    Effect.gen(function*() {
      for (const execute of [undefined, () => Effect.never, () => Effect.die(new Error("broke"))]) {
        const { ended, keys, memory } = yield* tries("irreversible", execute)
        assert.strictEqual(ended._tag === "Failure" && ended.failure.code, "TOOL_OUTCOME_UNKNOWN")
        assert.lengthOf(keys, 1)
        assert.deepStrictEqual(memory.story, ["turn 1", "announced send"])
      }
    }))

  it.effect("is made again under its key when it is keyed, and never counts as not made", () =>
    Effect.gen(function*() {
      const { ended, keys, memory } = yield* tries("keyed")
      assert.deepStrictEqual(ended._tag === "Failure" && codeOf(ended.failure), ["TOOL_OUTCOME_UNKNOWN", true, true])
      assert.deepStrictEqual([keys.length, new Set(keys).size], [3, 1])
      assert.deepStrictEqual(memory.story, ["turn 1"])
    }))

  it.effect("is made again when repetition does no harm, and then the model hears of it", () =>
    Effect.gen(function*() {
      const { ended, keys, scripted } = yield* tries("idempotent")
      assert.strictEqual(ended._tag, "Success")
      assert.lengthOf(keys, 3)
      assert.include(told(scripted), "LOST")
    }))

  it.effect("is known not to have happened when the tool says so", () =>
    Effect.gen(function*() {
      const { ended, keys, memory } = yield* tries("irreversible", () => refused)
      assert.strictEqual(ended._tag, "Success")
      assert.lengthOf(keys, 1)
      assert.include(memory.story, "ended send")
    }))

  it.effect("runs out of its time", () =>
    Effect.gen(function*() {
      const { toolTimeout } = yield* LoopLimits
      const { keys } = yield* tries("pure", () => Effect.never)
      assert.isAtLeast(Duration.toSeconds(toolTimeout), 1)
      assert.lengthOf(keys, 3)
    }))
})
